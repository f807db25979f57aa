#!/usr/bin/env bash
# From a fresh clone to a trained network. See usage().
set -euo pipefail
shopt -s lastpipe  # `result` below survives its pipeline
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source launch/scripts/setup.sh

usage() {
  cat <<'END'
Usage: launch/quickstart.sh [--build-only]

Installs the packages that are missing (with apt-get, as root or through sudo), builds the program in build/release
and trains configs/jobs/digits-convnet.toml on two ranks of this machine, on data it generates. The last line on
standard output is the result.

  --build-only  do not train
  --help        print this
END
}

trains=true
for argument in "$@"; do
  case $argument in
    --build-only) trains=false ;;
    -h | --help) usage; exit ;;
    *) usage >&2; exit 2 ;;
  esac
done

SECONDS=0
install_packages "${program_packages[@]}"
installed=$SECONDS
# A build that is there, with tests perhaps, stays as it was configured: another configuration would compile it all again.
if [[ -e build/release/build.ninja ]]; then
  cmake --build --preset release --target eightfold_program
else
  # A compiler that nobody has tried yet may warn of something new: for a newcomer that is no error.
  build release eightfold_program -D EIGHTFOLD_BUILD_TESTS=OFF -D EIGHTFOLD_WARNINGS_AS_ERRORS=OFF
fi
built=$SECONDS
program=build/release/launch/eightfold
echo "Built $program in $(duration $((built - installed)))"
if ! $trains; then exit; fi

mapfile -t commands < <(first_commands "$program" first)
read -ra train <<<"${commands[0]}"
result=
"${train[@]}" | while IFS= read -r line; do
  if [[ $line == "result "* ]]; then result=$line; else echo "$line"; fi
done
run_dir=${result##*run_dir=}

cat <<END

Packages $(duration "$installed"), build $(duration $((built - installed))), training $(duration $((SECONDS - built))).
Train again, on two ranks, from a job file:
  ${commands[0]}
Make two hosts with a network of 1 Gbit/s between them out of this machine, and time a step in 8 bits and in fp32:
  ${commands[1]}
Predict the step of AlexNet on 96 GPUs of 2014, in 8 bits and in fp32:
  ${commands[2]}
And of the run that has just ended:
  $program evaluate $run_dir
README.md shows a run on several machines, docs/config.md every key of a job.

$result
END
