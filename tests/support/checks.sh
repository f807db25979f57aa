# shellcheck shell=bash
# Checks of what programs do, for tests that are scripts. Sourced; the script sets $scratch, a directory, and ends with
# `all_passed`.

skip() { # REASON: exit code 77 is a test that was skipped
  echo "skipped: $1"
  exit 77
}
needs() { # TOOL...
  local tool
  for tool; do command -v "$tool" >/dev/null || skip "no $tool"; done
}
needs_root() {
  if ((EUID != 0)); then skip "not root"; fi
}
needs_shaped_namespaces() { # what launch/netcluster.sh makes hosts of
  needs_root
  needs ip tc unshare
  unshare --net tc qdisc add dev lo root tbf rate 1gbit burst 256kb latency 50ms || skip "no namespaces or no sch_tbf"
}

failures=0
check() { # SENTENCE COMMAND...
  local sentence=$1
  shift
  if "$@"; then
    echo "ok: $sentence"
  else
    echo "FAILED: $sentence"
    failures=$((failures + 1))
  fi
}
is() { # GOT EXPECTED
  if [[ $1 == "$2" ]]; then return; fi
  printf 'got:      %s\nexpected: %s\n' "$1" "$2"
  return 1
}
exits() { # STATUS COMMAND...: whose output goes to $scratch/output
  local status=0
  # shellcheck disable=SC2154  # the script sets it
  timeout 200 "${@:2}" >"$scratch/output" 2>&1 || status=$?
  if ((status == $1)); then return; fi
  echo "exit code $status of ${*:2}:"
  cat "$scratch/output"
  return 1
}
says() { # WORDS [LOG]
  local log=${2-$scratch/output}
  if grep -qF -- "$1" "$log" 2>/dev/null; then return; fi
  echo "\"$1\" is not in $log, whose end is:"
  tail -n 20 "$log" 2>/dev/null || true
  return 1
}
comes_true() { # COMMAND...: within two minutes
  local tries
  for ((tries = 0; tries < 1200; ++tries)); do
    if "$@" >/dev/null; then return; fi
    sleep 0.1
  done
  return 1
}
one_in_ten() { # COMMAND...: of so many tries
  local tries
  for ((tries = 0; tries < 10; ++tries)); do
    if "$@" >/dev/null; then return; fi
  done
  return 1
}
all_passed() {
  echo "$failures failures"
  ((failures == 0))
}
