#!/usr/bin/env bash
# From a fresh clone to a trained network. See usage().
set -euo pipefail
shopt -s lastpipe  # `result` below survives its pipeline
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source launch/setup.sh

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

train=true
for argument in "$@"; do
  case $argument in
    --build-only) train=false ;;
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
if ! $train; then exit; fi

# Two ranks even where there is one core, and all cores shared by the two; mpirun wants to be told that root is meant.
mpirun=(mpirun -np 2 --oversubscribe --bind-to none)
if ((EUID == 0)); then mpirun+=(--allow-run-as-root); fi
result=
"${mpirun[@]}" "$program" train configs/jobs/digits-convnet.toml | while IFS= read -r line; do
  if [[ $line == "result "* ]]; then result=$line; else echo "$line"; fi
done
run_dir=${result##*run_dir=}

cat <<END

Packages $(duration "$installed"), build $(duration $((built - installed))), training $(duration $((SECONDS - built))).
What to try next:
  $program evaluate $run_dir
  $program config show configs/jobs/digits-convnet.toml --origin
  ${mpirun[*]} $program train configs/jobs/digits-mlp.toml --set optimizer.kind=adamw --set optimizer.learning_rate=0.001
README.md shows a run on several machines, docs/config.md every key of a job.

$result
END
