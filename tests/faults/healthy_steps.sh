#!/usr/bin/env bash
# Many healthy steps of a small model, with the replicas compared every ten: nothing may be found.
set -euo pipefail

usage() {
  cat <<'END'
Usage: tests/faults/healthy_steps.sh PROGRAM [STEPS]

Trains STEPS steps (100000) at 2 and at 3 ranks, every message with a hash and every gradient guarded. Fails if the
program does, or warns of anything but stragglers: ranks that share cores may be some.
END
}

program=${1:-} steps=${2:-100000}
if [[ -z $program ]]; then
  usage >&2
  exit 2
fi
program=$(realpath "$program")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cat >"$scratch/job.toml" <<'END'
[job]
name = "healthy"
epochs = 1000000
global_batch = 12
threads = 1
[data]
kind = "digits"
train = 1200
test = 100
[[model.layer]]
kind = "linear"
out = 10
[optimizer]
learning_rate = 0.01
[exchange]
verify_checksums = true
replica_check = 10
[guard]
non_finite = "stop"
[evaluation]
every = 0
[checkpoint]
every = -1
[telemetry]
interval = 10000
END
for ranks in 2 3; do
  SECONDS=0
  (cd "$scratch" && mpirun --oversubscribe --bind-to none --mca mpi_yield_when_idle 1 -np "$ranks" "$program" \
    train job.toml --set "job.steps=$steps" >output 2>errors) || { cat "$scratch/output" "$scratch/errors" && exit 1; }
  if grep 'warning:' "$scratch/errors" | grep -v straggler; then exit 1; fi
  echo "$steps steps at $ranks ranks in $SECONDS s, $(grep -c straggler "$scratch/errors" || true) lines of stragglers:" \
    "$(tail -1 "$scratch/output")"
done
