"""What the comparisons with PyTorch share: how a candidate is run for a round, and how its times are told."""

import json
import os
import statistics
import subprocess
import tempfile


def describe(times):
    return f"{statistics.median(times):9.3f} ({min(times):.3f} to {max(times):.3f})"


def bench_step(launcher, program, job, settings, *options):
    """One `eightfold bench step` behind the words of a launcher: what its --json holds."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/row.json"
        command = [*launcher, program, "bench", "step", str(job), *options, "--json", path]
        for key, value in settings.items():
            command += ["--set", f"{key}={json.dumps(value)}"]
        finished = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if finished.returncode != 0:
            raise SystemExit(f"{' '.join(command)} ended with {finished.returncode}:\n{finished.stderr}")
        with open(path) as file:
            return json.load(file)


class Peer:
    """A script with --rounds, kept running between rounds: it starts and compiles once."""

    def __init__(self, command, environment):
        self.name = next(word for word in command if word.endswith(".py"))
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, **environment})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:  # it never came to read its input
            self.process.terminate()
            self.process.wait()

    def round(self):
        """The rows of another round, one for each way that the script knows."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        rows = []
        for line in self.process.stdout:
            if line.isspace():
                return rows
            rows.append(json.loads(line))
        raise SystemExit(f"{self.name} ended before its time; see above")
