#!/usr/bin/env bash
# Looks for inputs that break a parser. See usage().
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source launch/scripts/setup.sh

all_targets=(cifar config data fabric gzip hostfile idx manifest safetensors wire)

usage() {
  cat <<END
Usage: tests/fuzz/run.sh [--seconds N] [--runs N] [--keep] [TARGET...]

Builds the fuzz targets with clang 16 in build/fuzz and runs them one after the other, each on one core: from the inputs
that are kept in tests/fuzz/corpus/, the shipped configuration files and what earlier calls have found. An input with a
wrong answer ends the call; it is left in build/fuzz/found/.

  --seconds N  for each target; 60 without it
  --runs N     a target is done after so many inputs, if that is sooner
  --keep       afterwards adds those of the found inputs to tests/fuzz/corpus/ that reach code which no kept one does
  TARGET       ${all_targets[*]}; all of them without one
END
}

# words FILE...: what a TOML file is made of, as a dictionary of libFuzzer.
words() {
  grep -Eho '"[a-z0-9-]+"|\[?\[[a-z.]+\]\]?|[a-z_0-9]+' "$@" | sort -u | sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/"&"/'
}

# prepare TARGET: sets `options` and `seeds`.
prepare() {
  seeds=("tests/fuzz/corpus/$1")
  options=(-max_len=4096)
  case $1 in
    config) seeds+=(configs/jobs); words configs/jobs/*.toml docs/config.md >"$work/config.dict" ;;
    fabric) seeds+=(configs/fabrics configs/workloads)
      words configs/fabrics/*.toml configs/workloads/*.toml runtime/scale/file_keys.cpp >"$work/fabric.dict" ;;
    cifar) options=(-max_len=10000) ;;
    wire) options=(-max_len=9000) ;;
  esac
  if [[ -e $work/$1.dict ]]; then options+=("-dict=$work/$1.dict"); fi
}

# fuzz TARGET
fuzz() {
  local program=build/fuzz/tests/fuzz/fuzz_$1 options seeds
  prepare "$1"
  mkdir -p "$work/$1"
  printf '\n== %s for %s%s\n' "$1" "$(duration "$seconds")" "${runs:+ or $runs inputs}"
  "$program" "${options[@]}" -max_total_time="$seconds" -runs="${runs:--1}" -timeout=10 -print_final_stats=1 -verbosity=1 \
    -artifact_prefix="$work/$1-" "$work/$1" "${seeds[@]}" >"$work/$1.log" 2>&1 ||
    { tail -n 60 "$work/$1.log"; exit 1; }
  grep -aE '^#[0-9]+.*DONE|^stat::number_of|^stat::peak|^nearest' "$work/$1.log"
  if $keep; then "$program" -set_cover_merge=1 -use_counters=0 "tests/fuzz/corpus/$1" "$work/$1" >>"$work/$1.log" 2>&1; fi
}

seconds=60
runs=''
keep=false
targets=()
while (($# > 0)); do
  case $1 in
    --seconds) seconds=${2:?"$(usage)"}; shift ;;
    --runs) runs=${2:?"$(usage)"}; shift ;;
    --keep) keep=true ;;
    -h | --help) usage; exit ;;
    -*) usage >&2; exit 2 ;;
    *) if [[ " ${all_targets[*]} " != *" $1 "* ]]; then usage >&2; exit 2; fi
      targets+=("$1") ;;
  esac
  shift
done
if ((${#targets[@]} == 0)); then targets=("${all_targets[@]}"); fi

install_packages "${program_packages[@]}" "${test_packages[@]}" "${sanitizer_packages[@]}"
work=build/fuzz/found
mkdir -p "$work"
build fuzz fuzz_targets
for target in "${targets[@]}"; do fuzz "$target"; done
