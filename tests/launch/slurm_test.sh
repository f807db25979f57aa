#!/usr/bin/env bash
# slurm_test.sh SLURM_JOB PROGRAM JOB: srun starts ranks that know each other, and the batch script launch/scripts/slurm_job.sh
# goes on after a signal and after exit code 75. The cluster is one node, this machine, with daemons, a key and ports of
# its own; all else it has is in a scratch directory. Exits 77 where it cannot be had.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
slurm_job=$1 program=$2 job=$3
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/../support/checks.sh"

needs_root
needs munged slurmctld slurmd sbatch srun scancel
for variable in "${!SLURM_@}" "${!SBATCH_@}"; do unset "$variable"; done # of a job that this test may be part of

scratch=$(mktemp -d)
daemons=()
take_down() {
  if [[ -e $scratch/up ]]; then
    scancel --quiet --partition=all || true
    comes_true no_jobs || true
  fi
  local last=${#daemons[@]}
  while ((last-- > 0)); do # munged, without which no other can be talked to, goes last
    kill "${daemons[last]}" 2>/dev/null || true
    wait "${daemons[last]}" 2>/dev/null || true
  done
  rm -rf "$scratch"
}
trap take_down EXIT

no_jobs() { [[ -z $(squeue --noheader) ]]; }

# --- a cluster ---

# Every user has to be able to reach munge's socket, and nobody the key.
chmod 755 "$scratch"
mkdir "$scratch"/{state,spool,bin}
host=$(hostname)
ports=$((20000 + $$ % 5000 * 2)) # several of these tests may run at once
cat >"$scratch/slurm.conf" <<END_OF_CONF
ClusterName=eightfold
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$ports
SlurmdPort=$((ports + 1))
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
AuthType=auth/munge
# A job that starts again waits for the credentials of its last start to be void, five seconds at least.
AuthInfo=socket=$scratch/munge.socket,cred_expire=5
StateSaveLocation=$scratch/state
SlurmdSpoolDir=$scratch/spool
SlurmctldPidFile=$scratch/slurmctld.pid
SlurmdPidFile=$scratch/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc --all)
PartitionName=all Nodes=ALL Default=YES
END_OF_CONF
export SLURM_CONF=$scratch/slurm.conf
[[ $(srun --mpi=list 2>&1) == *pmix* ]] || skip "this Slurm was built without PMIx"

daemon() { # COMMAND...
  "$@" >"$scratch/${1##*/}.log" 2>&1 &
  daemons+=($!)
}
head -c 128 /dev/urandom >"$scratch/munge.key"
chmod 600 "$scratch/munge.key"
# Slurm asks for ten threads, by a warning in its clients' output.
daemon munged --foreground --num-threads=10 --key-file="$scratch/munge.key" --socket="$scratch/munge.socket" \
  --pid-file="$scratch/munge.pid" --seed-file="$scratch/munge.seed" --log-file="$scratch/munge.log"
comes_true test -S "$scratch/munge.socket"
daemon slurmctld -D
daemon slurmd -D
touch "$scratch/up"
node_is_idle() { [[ $(sinfo --noheader --format=%t 2>/dev/null) == idle ]]; }
if ! comes_true node_is_idle; then
  tail -n 20 "$scratch"/slurm{ctld,d}.log
  skip "slurmctld and slurmd do not run here"
fi

# --- srun ---

export OMPI_MCA_mpi_yield_when_idle=1 # there may be more to do here than there are cores
small=(--set job.steps=4 --set schedule.warmup_steps=1 --set data.train=512 --set data.test=128 --set "job.run_dir=\"$scratch/runs\"")
two=(srun --ntasks=2 --overcommit --mpi=pmix)
check "a network is trained on two ranks" exits 0 "${two[@]}" "$program" train "$job" "${small[@]}"
check "they know each other" says "2 ranks on 1 node"
check "one of them says how it went" is "$(grep -c '^result ' "$scratch/output")" 1
hash() { sed -n 's/^result .*weight_hash=\([^ ]*\).*/\1/p'; } # of standard input
hash_of_srun=$(hash <"$scratch/output")
if command -v mpirun >/dev/null; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  check "mpirun trains it" exits 0 mpirun -np 2 --oversubscribe "$program" train "$job" "${small[@]}"
  check "to the same weights, bit for bit" is "$(hash <"$scratch/output")" "$hash_of_srun"
  check "inside an allocation, too" exits 0 salloc --ntasks=2 --overcommit mpirun -np 2 --oversubscribe \
    "$program" train "$job" "${small[@]}"
  check "to the same" is "$(hash <"$scratch/output")" "$hash_of_srun"
fi
check "a wrong key is an error of usage" exits 2 "${two[@]}" "$program" train "$job" --set job.stepz=4
check "which one rank explains" is "$(grep -c 'error: --set job.stepz=4' "$scratch/output")" 1
check "without PMIx no rank trains by itself" exits 1 srun --ntasks=2 --overcommit --mpi=none "$program" train "$job" \
  "${small[@]}"
check "and the doctor says why" exits 3 srun --ntasks=2 --overcommit --mpi=none "$program" doctor --cluster
check "by the name of the check" says "FAIL    launcher SLURM_STEP_NUM_TASKS = 2, PMIX_RANK = not set"
check "with PMIx it examines both ranks" exits 0 "${two[@]}" "$program" doctor --cluster
check "together" says "2 ranks on 1 host"
check "scale run measures through srun" exits 0 "$program" scale run "$job" --results "$scratch/results.jsonl" \
  --launcher srun --launcher-argument=--overcommit --ranks-per-node 1,2 --codec bf16 --repeats 1 --steps 2 --warmup 0
check "every point" says "result points=2 measured=2 failed=0 skipped=0 "
check "launch takes the allocation" exits 0 salloc --ntasks=2 --overcommit "$program" launch "$job" \
  --launcher-argument=--overcommit "${small[@]}"
check "by srun" says "2 ranks by srun"
check "to the same weights" is "$(hash <"$scratch/output")" "$hash_of_srun"
check "and passes on what would end the same" exits 2 salloc --ntasks=2 --overcommit "$program" launch "$job" \
  --launcher-argument=--overcommit "${small[@]}" --set job.global_batch=1
check "after one attempt" says "attempt 1 ended with exit code 2"

# --- the batch script ---

log=$scratch/batch.log
submit() { sbatch --parsable --ntasks=2 --overcommit --output="$log" "$slurm_job" "$@"; }
is_over() { [[ $(squeue --noheader --job "$1" --format=%T 2>/dev/null) == "" ]]; } # ID
exit_code() { scontrol --oneliner show job "$1" | sed -n 's/.*\bExitCode=\([0-9]*\):.*/\1/p'; } # ID

check "without a job it says so" exits 2 "$slurm_job"

# One that would go on for ever, but that its length is changed before it starts again.
cat >"$scratch/bin/eightfold" <<END_OF_PROGRAM
#!/bin/sh
exec $program "\$@"
END_OF_PROGRAM
chmod +x "$scratch/bin/eightfold"
PATH=$scratch/bin:$PATH
sed 's/^kind = "cosine".*/kind = "constant"/; s/^epochs = .*/epochs = 1000000000\nsteps = 1000000000/
  s/^warmup_steps = .*/warmup_steps = 1/' \
  "$job" >"$scratch/long.toml"
id=$(submit "$scratch/long.toml" --set data.train=512 --set data.test=128 --set evaluation.every=0 \
  --set checkpoint.every=50 --set "job.run_dir=\"$scratch/long\"")
checkpoints() { compgen -G "$scratch/long/*/*/checkpoints/step-*/manifest.json" >/dev/null; }
check "a batch job trains" comes_true checkpoints
check "it gets the signal of a time limit" scancel --batch --signal=USR1 "$id"
check "it says that it will go on" comes_true says "to be continued" "$log"
newest=$(find "$scratch/long" -name 'step-*' -path '*/checkpoints/step-*' -printf '%f\n' | sort | tail -n 1)
steps=$((10#${newest#step-} + 20)) # few: with sanitizers, and beside other work, a step takes long
sed -i "s/^steps = .*/steps = $steps/" "$scratch/long.toml"
check "it starts again and comes to its end" comes_true is_over "$id"
check "it went on where it was" says "(step $((10#${newest#step-})))" "$log"
check "it says how it went" says "steps=$steps" "$log"
check "that is a success" is "$(exit_code "$id")" 0
hash_of_batch=$(hash <"$log")
check "one that is left alone" exits 0 "${two[@]}" "$program" train "$scratch/long.toml" --set data.train=512 \
  --set data.test=128 --set evaluation.every=0 --set "job.run_dir=\"$scratch/undisturbed\""
check "comes to the same weights" is "$(hash <"$scratch/output")" "$hash_of_batch"

# What the ranks return decides: the same exit code every time, one line for each start.
returning() { # STATUS
  printf '#!/bin/sh\necho "$@" >>%s\nexit %s\n' "$scratch/starts" "$1" >"$scratch/bin/eightfold"
  rm -f "$scratch/starts" "$log"
}
returning 75
id=$(EIGHTFOLD_RESTARTS=1 submit JOB --set a=1)
check "exit code 75 is no end" comes_true says "not done after restart 1" "$log"
comes_true is_over "$id"
check "it is the last one's exit code" is "$(exit_code "$id")" 75
check "each start was the same, and to go on" is "$(sort "$scratch/starts" | uniq -c | xargs)" \
  "4 train JOB --set a=1 --resume"
returning 4
id=$(submit JOB)
comes_true is_over "$id"
check "another exit code is the job's" is "$(exit_code "$id")" 4
check "and its end" is "$(wc -l <"$scratch/starts")" 2

all_passed
