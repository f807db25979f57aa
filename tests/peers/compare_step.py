"""Training steps of eightfold and PyTorch on the same core or GPU, interleaved: a table of medians and spreads.

    python3 tests/peers/compare_step.py build/release/launch/eightfold --rounds 7 --core 0
    python3 tests/peers/compare_step.py build/cuda/launch/eightfold --device cuda

Both run the same job file in fp32 on random data; a step is everything from the bytes of a batch in host memory to the
updated weights. In every round each candidate runs once, so that whatever else the machine does hits all alike. On the
CPU both have one thread on one core; on a GPU they are compared without and with TF32. PyTorch runs with contiguous and
with channels-last tensors, on a GPU eagerly and as a CUDA graph; the ratio is against the fastest of these. Steps are
queued one behind the other on a GPU, nobody waits between them, and events time them (torch_step.py).
"""

import argparse
import collections
import pathlib
import statistics
import sys

from candidates import Peer, bench_step, describe

HERE = pathlib.Path(__file__).resolve().parent
JOB_FOLDER = HERE.parent.parent / "configs/jobs"
JOBS = {"cpu": [HERE / "mlp-1200.toml", JOB_FOLDER / "mnist-convnet.toml"],
        "cuda": [JOB_FOLDER / "mnist-convnet.toml", JOB_FOLDER / "cifar10-alexnet.toml"]}


def pin_to(options):
    return ["taskset", "-c", str(options.core)] if options.device == "cpu" else []


def run_eightfold(job, options, tf32):
    settings = {"job.threads": 1, "job.device": "host"} if options.device == "cpu" else {"job.device": "cuda"}
    settings["job.tf32"] = tf32
    return bench_step(pin_to(options), options.program, job, settings, "--steps", str(options.steps))["rows"][0]


def torch_peer(job, options):
    command = [*pin_to(options), sys.executable, str(HERE / "torch_step.py"), str(job), "--device", options.device,
               "--steps", str(options.steps), "--rounds"]
    return Peer(command, {"OMP_NUM_THREADS": "1"} if options.device == "cpu" else {})


def name_of(row):
    words = ["PyTorch", "graph" if row["graph"] else "", "channels last" if row["channels_last"] else ""]
    return ", ".join(word for word in words if word)


def measure(job, options):
    """Times in ms by TF32 and candidate, and all rows of eightfold by TF32."""
    times, rows = collections.defaultdict(lambda: collections.defaultdict(list)), collections.defaultdict(list)
    with torch_peer(job, options) as peer:
        for _ in range(options.rounds):
            for tf32 in [False, True] if options.device == "cuda" else [False]:
                rows[tf32].append(run_eightfold(job, options, tf32))
                times[tf32]["eightfold"].append(rows[tf32][-1]["step_ms"])
            for row in peer.round():
                times[row["tf32"]][name_of(row)].append(row["step_ms"])
    return times, rows


def print_table(job, options, times, rows):
    for tf32, candidates in times.items():
        arithmetic = f", TF32 {'on' if tf32 else 'off'}" if options.device == "cuda" else ""
        print(f"{job.stem}{arithmetic}: ms per step, median of {options.rounds} rounds (least to most)")
        rate = statistics.median(row["gflops"] for row in rows[tf32])
        peak = max(row["gemm_gflops"] for row in rows[tf32])
        for name, of_rounds in candidates.items():
            note = f"   {rate:.0f} GFLOP/s, {100 * rate / peak:.0f} % of a GEMM at {peak:.0f}" if name == "eightfold" else ""
            print(f"  {name:<30}{describe(of_rounds)}{note}")
        medians = {name: statistics.median(of_rounds) for name, of_rounds in candidates.items()}
        ours = medians.pop("eightfold")
        if medians:
            print(f"  {'ratio to the fastest PyTorch':<30}{min(medians.values()) / ours:9.3f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the eightfold to measure")
    parser.add_argument("--device", choices=JOBS, default="cpu")
    parser.add_argument("--job", type=pathlib.Path, action="append", help="instead of the usual jobs; repeatable")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=40, help="per candidate and round")
    parser.add_argument("--core", type=int, default=0, help="where both run on the CPU")
    options = parser.parse_args()
    for job in options.job or JOBS[options.device]:
        print_table(job, options, *measure(job, options))


if __name__ == "__main__":
    main()
