#!/usr/bin/env bash
# The whole test suite. See usage().
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source launch/setup.sh

usage() {
  cat <<'END'
Usage: tests/run.sh [--sanitize]

Installs the packages that are missing, builds everything with its tests and runs all of them: in build/release, then
those of the CUDA backend, interpreted (docs/simt.md), in build/simt.

  --sanitize  all of them with clang 16: with AddressSanitizer and UndefinedBehaviorSanitizer in build/simt-asan, then
              those of programs that start threads with ThreadSanitizer in build/simt-tsan
  --help      print this

The CUDA backend needs the CUDA Toolkit's headers, in $CUDA_PATH/include or /usr/local/cuda/include. Without them it is
left out, and --sanitize builds in build/asan and build/tsan.
END
}

# build_and_test PRESET TARGET
build_and_test() {
  local start=$SECONDS built count
  build "$1" "$2"
  built=$SECONDS
  ctest --preset "$1" -j "$(nproc)"
  count=$(ctest --preset "$1" -N | sed -n 's/^Total Tests: //p')
  summary+="$count tests in build/$1 passed: "
  summary+="build $(duration $((built - start))), tests $(duration $((SECONDS - built)))"$'\n'
}

sanitize=false
packages=("${program_packages[@]}" "${test_packages[@]}")
for argument in "$@"; do
  case $argument in
    --sanitize) sanitize=true; packages+=("${sanitizer_packages[@]}") ;;
    -h | --help) usage; exit ;;
    *) usage >&2; exit 2 ;;
  esac
done

install_packages "${packages[@]}"
summary=
if ! $sanitize; then
  build_and_test release all
  if has_cuda_headers; then build_and_test simt gpu_tests; fi
elif has_cuda_headers; then
  build_and_test simt-asan all
  build_and_test simt-tsan all
else
  build_and_test asan all
  build_and_test tsan all
fi
if ! has_cuda_headers; then summary+=$'The CUDA backend was left out: no headers of the CUDA Toolkit here\n'; fi
printf '%s' "$summary"
