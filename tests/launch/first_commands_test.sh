#!/usr/bin/env bash
# first_commands_test.sh REPOSITORY PROGRAM: the commands that the quickstart ends with do what it says of them. Exits 77
# where namespaces cannot be made.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
repository=$1 program=$2
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/../support/checks.sh"
# shellcheck source-path=SCRIPTDIR/../..
source "$repository/launch/scripts/setup.sh"

needs_shaped_namespaces
needs mpirun

scratch=$(mktemp -d)
cluster=t$(printf %06d $(($$ % 1000000)) | tr 0-9 a-j) # several of these tests may run at once
trap 'launch/netcluster.sh down --name "$cluster"; rm -rf "$scratch"' EXIT
cd "$scratch"
ln -s "$repository"/{configs,launch} .
mapfile -t commands < <(first_commands "$program" "$cluster")

# figure KEY LINE: a value of the LINE-th result.
figure() { sed -n 's/^result .*\b'"$1"'=\([^ ]*\).*/\1/p' output | sed -n "$2p"; }
larger() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > b) }'; }

check "there are three" is "${#commands[@]}" 3
check "two ranks train" exits 0 bash -c "${commands[0]}"
check "to an accuracy that only learning reaches" larger "$(figure test_accuracy 1)" 0.9
check "two hosts time a step" exits 0 bash -c "${commands[1]}"
check "in 8 bits" says "codec=dynamic-tree8"
check "and in fp32, which waits for longer" larger "$(figure exposed_ms 2)" "$(figure exposed_ms 1)"
check "no host is left" is "$(ip netns list | grep -c "eightfold-$cluster-" || true)" 0
check "96 GPUs are simulated" exits 0 bash -c "${commands[2]}"
check "more of them come to use in 8 bits than in fp32" larger "$(figure speedup 1)" "$(figure speedup 2)"
all_passed
