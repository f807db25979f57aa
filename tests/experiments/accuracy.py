"""What a codec costs in accuracy: a job is trained with several seeds in every exchange setting, paired by seed.

    python3 tests/experiments/accuracy.py build/release/launch/eightfold configs/jobs/digits-convnet.toml \\
        --rows digits.jsonl --set job.epochs=2

The seed decides first weights, order of the samples and dropout, so that two runs of one seed differ by their exchange
alone, and the difference between them varies far less than the accuracies do. Every run becomes a line of --rows; those
that the file holds already are not run again, so the command can be interrupted and repeated, and other settings or
more seeds added later. (It knows a run by job, ranks, seed and settings, not by the build: a new file for a new one.)

The table has the mean and the standard deviation of the test accuracy, and the mean difference to the first setting in
percentage points with its 95 % interval, by Student's t distribution over the seeds.
"""

import argparse
import concurrent.futures
import itertools
import json
import math
import os
import pathlib
import statistics
import subprocess
import tempfile

# Quantile 0.975 of Student's t distribution, from 1 degree of freedom on.
T_975 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
         2.120, 2.110, 2.101, 2.093]
CODECS = ["fp32", "bf16", "dynamic-tree8", "linear8", "static-tree8", "mantissa8", "fp8-e4m3", "fp8-e5m2"]
COARSE_CODECS = ["linear4", "one-bit"]
SETTINGS = [f"codec={codec},algorithm=two_shot" for codec in CODECS]
SETTINGS += [f"codec={codec},algorithm=two_shot,error_feedback=on" for codec in COARSE_CODECS]


def assignments(setting):
    """codec=bf16,algorithm=two_shot as --set wants it."""
    return [f"exchange.{part}" for part in setting.split(",")]


class Rows:
    """The runs that are done, one JSON object a line, in a file that only grows."""

    def __init__(self, path):
        self.path = path
        self.by_key = {}
        if path.exists():
            for line in path.read_text().splitlines():
                row = json.loads(line)
                self.by_key[self.key(row)] = row

    @staticmethod
    def key(row):
        return row["job"], row["ranks"], tuple(row["set"]), row["setting"], row["seed"]

    def find(self, row):
        return self.by_key.get(self.key(row))

    def add(self, row):
        with open(self.path, "a") as file:
            file.write(json.dumps(row) + "\n")
        self.by_key[self.key(row)] = row


def plan(options, setting, seed):
    """What tells one run from another."""
    return {"job": options.job.stem, "ranks": options.ranks, "set": sorted(options.set), "setting": setting,
            "seed": seed}


def train(options, row):
    """The row of a run with what came of it."""
    # More ranks than cores are welcome: they yield to each other.
    environment = {"OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_hwloc_base_binding_policy": "none",
                   "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
                   "PRTE_MCA_hwloc_default_binding_policy": "none", "OMPI_MCA_mpi_yield_when_idle": "1"}
    with tempfile.TemporaryDirectory() as run_dir:  # what the run leaves behind is not wanted
        overrides = [*options.set, *assignments(row["setting"]), f"job.seed={row['seed']}", "job.threads=1",
                     f"job.run_dir={json.dumps(run_dir)}", "checkpoint.every=-1", "evaluation.every=0"]
        command = ["mpirun", "-np", str(options.ranks), str(options.program), "train", str(options.job)]
        for override in overrides:
            command += ["--set", override]
        finished = subprocess.run(command, capture_output=True, text=True, env={**environment, **os.environ})
    if finished.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {finished.returncode}:\n{finished.stderr}")
    result = dict(word.split("=", 1) for word in finished.stdout.splitlines()[-1].split()[1:])
    numbers = {key: float(result[key]) for key in ["test_accuracy", "test_loss", "steps", "seconds"]}
    return {**row, **numbers, "weight_hash": result["weight_hash"]}


def complete(options, rows):
    """Runs what is missing, seed by seed, so that what there is at any time is paired."""
    planned = [plan(options, setting, seed)
               for seed, setting in itertools.product(range(1, options.seeds + 1), options.settings)]
    missing = [row for row in planned if not rows.find(row)]
    with concurrent.futures.ThreadPoolExecutor(options.parallel) as pool:
        for row in pool.map(lambda row: train(options, row), missing):
            rows.add(row)
            print(f"seed {row['seed']}  {row['setting']:<60}{100 * row['test_accuracy']:8.2f} %{row['seconds']:8.1f} s",
                  flush=True)


def half_width(values):
    """Of the 95 % interval of their mean."""
    return T_975[len(values) - 2] * statistics.stdev(values) / math.sqrt(len(values))


def print_table(options, rows):
    def accuracies(setting):
        return [100 * rows.find(plan(options, setting, seed))["test_accuracy"] for seed in range(1, options.seeds + 1)]

    print(f"\n{options.job.stem}, {options.ranks} ranks, {options.seeds} seeds, {' '.join(sorted(options.set))}\n")
    print("| exchange | accuracy, % | deviation | difference, points | 95 % interval |\n|---|---|---|---|---|")
    reference = accuracies(options.settings[0])
    for setting in options.settings:
        own = accuracies(setting)
        cells = [f"`{setting}`", f"{statistics.mean(own):.2f}", f"{statistics.stdev(own):.2f}"]
        differences = [a - b for a, b in zip(own, reference)]
        mean, half = statistics.mean(differences), half_width(differences)
        if setting != options.settings[0]:
            cells += [f"{mean:+.2f}", f"{mean - half:+.2f} to {mean + half:+.2f}"]
        cells += [""] * (5 - len(cells))
        print(f"| {' | '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path, help="the eightfold to train with")
    parser.add_argument("job", type=pathlib.Path)
    parser.add_argument("--rows", type=pathlib.Path, required=True, help="file of the runs, one JSON object a line")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--parallel", type=int, default=1, help="runs at the same time")
    parser.add_argument("--seeds", type=int, default=10, choices=range(2, len(T_975) + 2), metavar="N",
                        help=f"seeds 1 to N, 2 to {len(T_975) + 1} of them")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="for every run; repeatable")
    parser.add_argument("--settings", nargs="+", default=SETTINGS, metavar="KEY=VALUE,...",
                        help="keys of [exchange], the first what the others are compared with; by default fp32, bf16, "
                        "every 8-bit codec, and those of fewer bits with error feedback")
    options = parser.parse_args()
    rows = Rows(options.rows)
    complete(options, rows)
    print_table(options, rows)


if __name__ == "__main__":
    main()
