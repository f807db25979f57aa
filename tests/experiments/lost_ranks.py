"""What losing ranks costs under `eightfold launch`: a job is launched again and again, a rank of it killed each time.

    python3 tests/experiments/lost_ranks.py build/release/launch/eightfold configs/jobs/digits-mlp.toml --runs 20 \\
        --ranks 3 --set job.epochs=2 --set checkpoint.every=50

The first run is left alone; its length and its weight hash are what the others are measured by. In each of those a random
rank gets SIGKILL at a random moment of that length, start-up and checkpoints included. A run counts if it ends with exit
code 0 and the same weight hash. The exit code is 1 if one does not.
"""

import argparse
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time


def processes_of_rank(directory, rank):
    """Those that work in `directory` as this rank: no other run's."""
    variable = f"OMPI_COMM_WORLD_RANK={rank}".encode()
    for process in pathlib.Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if os.readlink(process / "cwd") == directory and variable in (process / "environ").read_bytes().split(b"\0"):
                yield int(process.name)
        except OSError:  # it has ended meanwhile, or is somebody else's
            pass


class Run:
    def __init__(self, options, directory):
        self.directory = directory
        command = [os.path.abspath(options.program), "launch", os.path.abspath(options.job), "--ranks-per-node",
                   str(options.ranks), "--backoff", "100ms"]
        for each in options.set:
            command += ["--set", each]
        self.log = open(os.path.join(directory, "log"), "w+")
        self.begin = time.monotonic()
        self.process = subprocess.Popen(command, cwd=directory, stdout=self.log, stderr=subprocess.STDOUT)

    def kill_rank(self, rank, moment):
        """At the first moment from then on at which there is such a rank. False if the run was over before."""
        time.sleep(max(0, moment - (time.monotonic() - self.begin)))
        while self.process.poll() is None:
            for victim in processes_of_rank(self.directory, rank):
                try:
                    os.kill(victim, signal.SIGKILL)
                    return True
                except ProcessLookupError:
                    pass
        return False

    def end(self, limit):
        try:
            code = self.process.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            code = "hung"
        seconds = time.monotonic() - self.begin
        self.log.seek(0)
        text = self.log.read()
        weights = re.findall(r"^result .*weight_hash=(\w+)", text, re.MULTILINE)
        logs = list(pathlib.Path(self.directory).glob("runs/*/*/attempts.jsonl"))
        attempts = [json.loads(line) for log in logs for line in log.read_text().splitlines()]
        return code, weights[-1] if weights else None, seconds, attempts, text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("job")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=300, help="seconds for each run")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    chance = random.Random(options.seed)

    with tempfile.TemporaryDirectory() as directory:
        code, hash, length, _, text = Run(options, directory).end(options.limit)
    if code != 0:
        sys.exit(f"undisturbed, the job ends with {code}:\n{text}")
    print(f"undisturbed: {length:.1f} s, weights {hash}", flush=True)
    good = 0
    for number in range(1, options.runs + 1):
        was_killed = False
        while not was_killed:
            rank, moment = chance.randrange(options.ranks), chance.uniform(0, length)
            with tempfile.TemporaryDirectory() as directory:
                run = Run(options, directory)
                was_killed = run.kill_rank(rank, moment)
                code, weights, seconds, attempts, text = run.end(options.limit)
        is_good = code == 0 and weights == hash
        good += is_good
        steps = [f"{each['begun_at_step']} to {each['left_at_step']}" for each in attempts]
        print(f"{number:3}: rank {rank} killed at {moment:.1f} s; "
              f"{seconds:.1f} s, steps {', '.join(steps)}: {'the same weights' if is_good else 'WRONG'}", flush=True)
        if not is_good:
            print(f"exit code {code}, weights {weights}\n{text}")
    print(f"{good} of {options.runs} ended with the same weights")
    sys.exit(good != options.runs)


if __name__ == "__main__":
    main()
