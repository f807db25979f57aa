#!/usr/bin/env bash
# A batch script for Slurm that trains a job over as many time limits as it takes:
#
#   sbatch --nodes=2 --ntasks-per-node=8 --gpus-per-node=8 --time=4:00:00 launch/scripts/slurm_job.sh JOB [OPTION...]
#
# The options are those of `eightfold train`, which has to be in PATH. Two minutes before the time limit the ranks get
# SIGUSR1, then Slurm starts the same again, which goes on from the newest checkpoint; so it does after exit code 75.
# Any other end is the end. EIGHTFOLD_RESTARTS (20) is how often at most, for a job that never gets as far as a
# checkpoint; SLURM_MPI_TYPE (pmix) how ranks find each other, see srun --mpi=list.
#
# Given to sbatch, its options win over these:
#SBATCH --job-name=eightfold
#SBATCH --output=%x-%j.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@120
set -uo pipefail

if (($# == 0)); then
  echo "slurm_job.sh: which job? sbatch [OPTION OF SBATCH...] launch/scripts/slurm_job.sh JOB [OPTION OF TRAIN...]" >&2
  exit 2
fi

start=(srun --mpi="${SLURM_MPI_TYPE:-pmix}")
# A rank that dies leaves the others waiting for it: Slurm is to end them.
start+=(--kill-on-bad-exit=1)
# Since Slurm 22.05 srun does not take this over from sbatch.
if [[ -n ${SLURM_CPUS_PER_TASK-} ]]; then start+=(--cpus-per-task="$SLURM_CPUS_PER_TASK"); fi

out_of_time=false
interrupted=false
# Slurm signals this shell alone (B:), which thereby knows the time limit from scancel; srun hands it to every rank.
trap 'out_of_time=true interrupted=true; kill -USR1 "$step"' USR1
"${start[@]}" eightfold train "$@" --resume &
step=$!
while true; do
  status=0
  wait "$step" || status=$?
  if ! $interrupted; then break; fi # else it was the signal that ended the wait, not srun
  interrupted=false
done

# Out of time, ranks that were lost, hung or killed lose nothing but their last steps; what is wrong with the job or the
# machine stays wrong.
may_go_on=false
if ((status == 75)) || { $out_of_time && ((status == 5 || status == 6 || status > 128)); }; then may_go_on=true; fi
if ! $may_go_on; then exit "$status"; fi
if ((${SLURM_RESTART_COUNT:-0} >= ${EIGHTFOLD_RESTARTS:-20})); then
  echo "slurm_job.sh: not done after restart ${SLURM_RESTART_COUNT:-0}; EIGHTFOLD_RESTARTS allows more" >&2
  exit "$status"
fi
echo "slurm_job.sh: to be continued after restart ${SLURM_RESTART_COUNT:-0}" >&2
scontrol requeue "$SLURM_JOB_ID" || exit "$status"
