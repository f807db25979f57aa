#!/usr/bin/env bash
# What a build says of itself on a machine with a GPU. See usage().
set -euo pipefail
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")

usage() {
  cat <<'END'
Usage: tests/gpu.sh [--logs DIR] [BUILD]

Runs a build of the preset cuda (build/cuda without BUILD) on this machine's GPU and prints one table, in less than eight
minutes: every test with the label gpu, compute-sanitizer over the kernels' tests, the training step of two networks in
fp32 and with TF32, and the same in PyTorch. Neither CMake nor a compiler is needed: the build may have been carried here
from elsewhere, with the repository beside it. mpirun comes from PATH, PyTorch from python3. What is missing is skipped
and named. DIR gets what every part said.

Exit codes: 0 nothing failed; 1 something did; 2 usage; 3 no GPU, or no build.
END
}

build=$root/build/cuda
logs=
while (($#)); do
  case $1 in
    --logs)
      if (($# < 2)); then usage >&2; exit 2; fi
      logs=$(realpath -m "$2")
      shift
      ;;
    -h | --help) usage; exit ;;
    -*) usage >&2; exit 2 ;;
    *) build=$(realpath -m "$1") ;;
  esac
  shift
done
cd "$root"

if ! nvidia-smi -L >/dev/null 2>&1 && ! compgen -G '/dev/nvidia[0-9]*' >/dev/null; then
  echo "tests/gpu.sh: no NVIDIA GPU on this machine; without one tests/run.sh interprets these tests (docs/simt.md)" >&2
  exit 3
fi
if [[ ! -x $build/launch/eightfold || ! -s $build/tests/gpu_programs.txt ]]; then
  echo "tests/gpu.sh: no tests in $build: cmake --preset cuda && cmake --build --preset cuda" >&2
  exit 3
fi

# Tests that start the program find it where this build is now. More ranks than cores or GPUs share them.
EIGHTFOLD_SOURCE_DIR=$root
EIGHTFOLD_PROGRAM=$build/launch/eightfold
EIGHTFOLD_MPIEXEC=$(command -v mpirun || true)
export EIGHTFOLD_SOURCE_DIR EIGHTFOLD_PROGRAM EIGHTFOLD_MPIEXEC
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 \
  OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_mpi_yield_when_idle=1 \
  PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe PRTE_MCA_hwloc_default_binding_policy=none
if [[ -z $logs ]]; then
  logs=$(mktemp -d)
  trap 'rm -rf "$logs"' EXIT
fi
mkdir -p "$logs"

budget=440  # seconds for everything, but for the question whether PyTorch is there
SECONDS=0
failed=()  # logs

row() {
  printf '%-44s %-8s %5s  %s\n' "$@"
}
skip() {
  row "$1" skipped - "$2"
}
# The last line of a log that says something, without colours, cut to fit a row.
last_line() {
  sed -e 's/\x1b\[[0-9;]*m//g' -e '/^[[:space:]=]*$/d' "$1" | tail -n 1 | cut -c 1-100
}

# part NAME LIMIT SUMMARY COMMAND...: runs it for LIMIT seconds at most and prints its row; `SUMMARY LOG` prints what the
# row says of a success. Exit code 77 is a test program that found no GPU. Returns whether it passed.
part() {
  local name=$1 limit=$2 summary=$3 log code=0 start=$SECONDS
  shift 3
  log=$logs/$(tr -c 'a-zA-Z0-9\n' - <<<"$name").log
  if ((limit > budget - SECONDS)); then limit=$((budget - SECONDS)); fi
  if ((limit < 5)); then
    skip "$name" "no time left of $budget s"
    return 1
  fi
  timeout -k 5 "$limit" "$@" >"$log" 2>&1 </dev/null || code=$?
  if ((code == 0)); then
    row "$name" passed "$((SECONDS - start)) s" "$("$summary" "$log")"
    return
  fi
  failed+=("$log")
  case $code in
    77) row "$name" FAILED "$((SECONDS - start)) s" "the program sees no GPU: is the driver too old for its CUDA?" ;;
    124 | 137) row "$name" FAILED "$((SECONDS - start)) s" "not done after $limit s" ;;
    *) row "$name" FAILED "$((SECONDS - start)) s" "exit code $code: $(last_line "$log")" ;;
  esac
  return 1
}

# Every program with the label gpu, as CTest would start it.
run_tests() {
  local ranks program
  while read -r ranks program; do
    local name=${program##*/} start=()
    if ((ranks > 0)); then
      name+=.np$ranks
      start=(mpirun -np "$ranks")
    fi
    if [[ -z $EIGHTFOLD_MPIEXEC && ($ranks != 0 || $program == *launch*) ]]; then
      skip "$name" "no mpirun in PATH"
      continue
    fi
    part "$name" 120 last_line "${start[@]}" "$build/$program" || true
  done <"$build/tests/gpu_programs.txt"
}

run_sanitizer() {
  local sanitizer tool program=$build/tests/kernels/kernels_cuda_tests
  sanitizer=$(command -v compute-sanitizer || compgen -G '/usr/local/cuda/bin/compute-sanitizer' || true)
  for tool in memcheck racecheck; do
    if [[ -z $sanitizer ]]; then
      skip "compute-sanitizer $tool" "not in PATH: part of the CUDA Toolkit"
      continue
    fi
    # Our kernels only: those of the libraries are many, and not ours to mend.
    part "compute-sanitizer $tool" 75 last_line "$sanitizer" --tool "$tool" --error-exitcode 1 \
      --kernel-name kns=eightfold "$program" || true
  done
}

# A value of the line `result key=value ...`.
value_of() {
  sed -n "s/^result .*\b$1=\([^ ]*\).*/\1/p" "$2"
}
step_summary() {
  printf '%s ms a step, %s GFLOP/s; no allocation, no waiting' "$(value_of step_ms "$1")" "$(value_of gflops "$1")"
}
run_steps() {
  local job tf32
  for job in mnist-convnet cifar10-alexnet; do
    for tf32 in false true; do
      part "step of $job, tf32=$tf32" 40 step_summary "$EIGHTFOLD_PROGRAM" bench step "configs/jobs/$job.toml" \
        --set job.device=cuda --set "job.tf32=$tf32" --steps 200 --warmup 20 --check-steady-state || true
    done
  done
}

done_word() {
  echo "the table below, from $(wc -l <"$1") lines"
}
run_peer() {
  local python log=$logs/PyTorch.log
  python=$(command -v python3 || true)
  if [[ -z $python ]]; then
    skip "PyTorch on the same GPU" "no python3 in PATH"
  elif ! timeout 30 "$python" -c 'import tomllib, torch; torch.cuda.init()' >"$log" 2>&1; then
    skip "PyTorch on the same GPU" "$(last_line "$log")"
  elif part "PyTorch on the same GPU" 200 done_word "$python" tests/peers/compare_step.py "$EIGHTFOLD_PROGRAM" \
    --device cuda --rounds 3 --steps 200; then
    sed 's/^/    /' "$logs"/PyTorch-on-the-same-GPU.log
  fi
}

nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null || echo "nvidia-smi is missing"
"$EIGHTFOLD_PROGRAM" --version | tr '\n' ';' | tr -s ' ;' | sed 's/;/; /g; s/; $/\n/'
echo
row part outcome time "what it said"
run_tests
run_steps
run_sanitizer
run_peer
if ((${#failed[@]} > 0)); then
  for log in "${failed[@]}"; do
    printf '\nThe end of %s:\n' "${log##*/}"
    tail -n 30 "$log" | sed 's/^/    | /'
  done
  printf '\n%s parts FAILED; %s s\n' "${#failed[@]}" "$SECONDS"
  exit 1
fi
printf '\nnothing failed in %s s\n' "$SECONDS"
