#!/usr/bin/env bash
# The whole test suite. See usage().
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source launch/setup.sh

usage() {
  cat <<'END'
Usage: tests/run.sh [--sanitize]

Installs the packages that are missing, builds everything with its tests and runs all of them.

  --sanitize  with clang 16, AddressSanitizer and UndefinedBehaviorSanitizer, in build/asan; else in build/release
  --help      print this
END
}

preset=release
packages=("${program_packages[@]}" "${test_packages[@]}")
for argument in "$@"; do
  case $argument in
    --sanitize) preset=asan; packages+=("${sanitizer_packages[@]}") ;;
    -h | --help) usage; exit ;;
    *) usage >&2; exit 2 ;;
  esac
done

SECONDS=0
install_packages "${packages[@]}"
build "$preset" all
built=$SECONDS
ctest --preset "$preset" -j "$(nproc)"
count=$(ctest --preset "$preset" -N | sed -n 's/^Total Tests: //p')
echo "$count tests in build/$preset passed: build $(duration "$built"), tests $(duration $((SECONDS - built)))"
