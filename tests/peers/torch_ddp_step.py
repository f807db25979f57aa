"""The training step of a job on several ranks in PyTorch: DistributedDataParallel over gloo, as a good user tunes it.

    mpirun -np 2 python3 tests/peers/torch_ddp_step.py tests/peers/mlp-1200.toml

Model, optimizer, data and step are those of torch_step.py, one thread and --batch samples a rank. Rank and number of
ranks come from mpirun; who meets where is PyTorch's to know, by MASTER_ADDR, MASTER_PORT and GLOO_SOCKET_IFNAME
(without them, ranks of one machine meet on its loopback device).

Gradients are exchanged as fp32 and through PyTorch's bf16 hook, for each of --bucket-mb: DDP never splits a tensor, so
the size decides which tensors wait for each other. Gradients are views of the buckets, the graph is static. Rank 0
prints one line {"codec": ..., "bucket_mb": ..., "step_ms": ...} for each, with the median of the slowest rank over the
steps, then an empty one. With --rounds every line on standard input starts another round, so that a caller can measure
something else in between; the ranks wait for it without using their cores.
"""

import argparse
import datetime
import itertools
import json
import os
import statistics
import sys
import tomllib

import torch
import torch.distributed as dist
from torch.distributed.algorithms.ddp_comm_hooks import default_hooks
from torch.nn.parallel import DistributedDataParallel

import torch_step

HOOKS = {"fp32": None, "bf16": default_hooks.bf16_compress_hook}


class Candidate:
    """One way to exchange gradients, with a model of its own, ready to be timed again and again."""

    def __init__(self, job, options, codec, bucket_mb):
        self.options = options
        self.names = {"codec": codec, "bucket_mb": bucket_mb}
        self.step = torch_step.Step(job, torch.device("cpu"), channels_last=False)
        self.step.model = DistributedDataParallel(self.step.model, bucket_cap_mb=bucket_mb,
                                                  gradient_as_bucket_view=True, static_graph=True)
        if HOOKS[codec] is not None:
            self.step.model.register_comm_hook(None, HOOKS[codec])

    def measure(self):
        for _ in range(self.options.warmup):
            self.step()
        median = torch.tensor(statistics.median(torch_step.time_on_cpu(self.step, self.options.steps)))
        dist.all_reduce(median, dist.ReduceOp.MAX)
        return {**self.names, "step_ms": float(median), "torch": torch.__version__}


def join():
    """Makes this process a rank of the group that mpirun started."""
    rank, ranks = (os.environ.get(f"OMPI_COMM_WORLD_{word}") for word in ["RANK", "SIZE"])
    if rank is None or ranks is None:
        raise SystemExit("torch_ddp_step: to be started by Open MPI's mpirun: no OMPI_COMM_WORLD_RANK or _SIZE here")
    if "MASTER_ADDR" not in os.environ:
        os.environ.update(MASTER_ADDR="127.0.0.1", GLOO_SOCKET_IFNAME="lo")
    os.environ.setdefault("MASTER_PORT", "29500")
    # A caller may take its time between two rounds.
    dist.init_process_group("gloo", rank=int(rank), world_size=int(ranks), timeout=datetime.timedelta(hours=1))


def rounds(options):
    """Yields once per line that rank 0 reads, on every rank; once without --rounds."""
    while True:
        is_wanted = torch.tensor(0)
        if dist.get_rank() == 0:
            is_wanted.fill_(bool(sys.stdin.readline()) if options.rounds else True)
        dist.broadcast(is_wanted, 0)
        if not is_wanted:
            return
        yield
        if not options.rounds:
            return


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job")
    parser.add_argument("--batch", type=int, default=128, help="samples a rank")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--warmup", type=int, default=5, help="steps before those that are timed")
    parser.add_argument("--codec", choices=HOOKS, nargs="+", default=list(HOOKS), help="what to exchange gradients as")
    parser.add_argument("--bucket-mb", type=float, nargs="+", default=[25.0], help="bucket_cap_mb of DDP")
    parser.add_argument("--rounds", action="store_true", help="measure once per line on standard input")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with open(options.job, "rb") as file:
        job = tomllib.load(file)
    job["job"]["global_batch"] = options.batch  # torch_step's batch is that of one process

    join()
    candidates = [Candidate(job, options, *names) for names in itertools.product(options.codec, options.bucket_mb)]
    for _ in rounds(options):
        rows = [candidate.measure() for candidate in candidates]
        if dist.get_rank() == 0:
            print(*map(json.dumps, rows), "", sep="\n", flush=True)  # an empty line ends the round
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
