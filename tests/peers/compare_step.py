"""Training steps of eightfold and PyTorch on the same core, interleaved: a table of medians and spreads.

    python3 tests/peers/compare_step.py build/release/launch/eightfold --rounds 7 --core 0

Both run one thread on one core, fp32, the same job file, random data. In every round each contender runs once, so
that whatever else the machine does hits all alike. PyTorch runs with contiguous and with channels-last tensors; the
ratio is against the faster of the two. What differs: eightfold also turns bytes into normalised floats in its step.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
JOBS = [HERE / "mlp-1200.toml", HERE.parent.parent / "configs/jobs/mnist-convnet.toml"]


def run_eightfold(program, job, options):
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/row.json"
        subprocess.run(["taskset", "-c", str(options.core), program, "bench", "step", str(job), "--set", "job.threads=1",
                        "--steps", str(options.steps), "--json", path], check=True, capture_output=True)
        with open(path) as file:
            return json.load(file)["rows"][0]


def run_torch(job, options, channels_last):
    command = ["taskset", "-c", str(options.core), sys.executable, str(HERE / "torch_step.py"), str(job), "--steps",
               str(options.steps)] + (["--channels-last"] if channels_last else [])
    output = subprocess.run(command, check=True, capture_output=True, text=True, env=dict(os.environ, OMP_NUM_THREADS="1"))
    return json.loads(output.stdout.splitlines()[-1])


def describe(times):
    return f"{statistics.median(times):8.2f} ({min(times):.2f} to {max(times):.2f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the eightfold to measure")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--core", type=int, default=0)
    options = parser.parse_args()
    for job in JOBS:
        ours, rows, peers = [], [], {False: [], True: []}
        for _ in range(options.rounds):
            row = run_eightfold(options.program, job, options)
            rows.append(row)
            ours.append(row["step_ms"])
            for channels_last, times in peers.items():
                times.append(run_torch(job, options, channels_last)["step_ms"])
        best = min(statistics.median(times) for times in peers.values())
        rate = statistics.median(row["gflops"] for row in rows)
        peak = max(row["gemm_gflops"] for row in rows)
        print(f"{job.stem}: ms per step, median of {options.rounds} rounds (least to most)")
        print(f"  eightfold               {describe(ours)}   {rate:.0f} GFLOP/s, {100 * rate / peak:.0f} % of this core's GEMM at {peak:.0f}")
        print(f"  PyTorch                 {describe(peers[False])}")
        print(f"  PyTorch, channels last  {describe(peers[True])}")
        print(f"  ratio to the faster     {best / statistics.median(ours):8.2f}")


if __name__ == "__main__":
    main()
