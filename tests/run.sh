#!/usr/bin/env bash
# The test suite. See usage().
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source launch/scripts/setup.sh

usage() {
  cat <<'END'
Usage: tests/run.sh [--smoke | --all] [--sanitize]

Installs the packages that are missing, builds the program with its tests in build/release and runs the tests, but for
those with the label nightly. The ten that took longest are named at the end.

  --smoke     only those with the label smoke: three minutes of tests that say most
  --all       the nightly ones too
  --sanitize  the same tests with clang 16 instead: with AddressSanitizer and UndefinedBehaviorSanitizer in build/asan,
              then those of programs that start threads with ThreadSanitizer in build/tsan
  --help      print this

The tests of the CUDA backend, interpreted (docs/simt.md), need the CUDA Toolkit's headers, in $CUDA_PATH/include or
/usr/local/cuda/include. Without them they are left out.
END
}

# slowest LOG: the ten tests that took longest, of what ctest has printed.
slowest() {
  sed -nE 's/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: (.*[^. ]) \.{3,}.* ([0-9.]+) sec.*/\2 \1/p' "$1" |
    sort -rn | head -n 10 | sed 's/^/  /' || true
}

# build_and_test PRESET: what $scope names, built and run.
build_and_test() {
  local start=$SECONDS built log=build/$1/tests.log target=all
  local selection=(-LE '^nightly$')
  case $scope in
    smoke) target=smoke_tests selection=(-L '^smoke$') ;;
    all) selection=() ;;
  esac
  build "$1" "$target"
  built=$SECONDS
  # Starting and ending a job under mpirun is waiting, most of it: twice as many tests at once as there are cores.
  ctest --preset "$1" -j "$((2 * $(nproc)))" "${selection[@]}" | tee "$log"
  summary+="$(grep -cE 'Test +#[0-9]+: .* Passed ' "$log") tests in build/$1 passed"
  summary+=", $(grep -cE 'Test +#[0-9]+: .*\*\*\*Skipped ' "$log" || true) were skipped: "
  summary+="build $(duration $((built - start))), tests $(duration $((SECONDS - built))). The slowest, in seconds:"$'\n'
  summary+="$(slowest "$log")"$'\n'
  if grep -q '^EIGHTFOLD_CUDA_INCLUDE_DIR:.*NOTFOUND$' "build/$1/CMakeCache.txt"; then
    summary+=$'The tests of the CUDA backend were left out: no headers of the CUDA Toolkit here\n'
  fi
}

sanitize=false
scope=
packages=("${program_packages[@]}" "${test_packages[@]}")
for argument in "$@"; do
  case $argument in
    --smoke | --all)
      if [[ -n $scope ]]; then usage >&2; exit 2; fi
      scope=${argument#--}
      ;;
    --sanitize) sanitize=true; packages+=("${sanitizer_packages[@]}") ;;
    -h | --help) usage; exit ;;
    *) usage >&2; exit 2 ;;
  esac
done

install_packages "${packages[@]}"
summary=
if $sanitize; then
  build_and_test asan
  build_and_test tsan
else
  build_and_test release
fi
printf '%s' "$summary"
