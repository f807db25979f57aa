"""A training job that is watched from outside while something is done to it; for faults.py."""

import collections
import json
import os
import pathlib
import re
import signal
import struct
import subprocess
import tempfile
import time

PHASES = ("start-up", "data", "forward", "exchange", "evaluation", "checkpoint", "ended")
NO_RECORD = "start-up, no record"

# The head of kernels/base/flight_record.hpp.
LAYOUT = struct.Struct("<8s4i64s4q4H5q")
MAGIC, VERSION = b"8flight\n", 1
Record = collections.namedtuple("Record", "rank pid phase step exit_code")


def read_record(file):
    """None if there is none that is whole."""
    try:
        with open(file, "rb") as record:
            fields = LAYOUT.unpack(record.read(LAYOUT.size))
    except (OSError, struct.error):
        return None
    magic, version, rank, _, pid, _, _, phase, _, step = fields[:10]
    if magic != MAGIC or version != VERSION or not 0 <= phase < len(PHASES):
        return None
    return Record(rank, pid, PHASES[phase], step, fields[17])


class Job:
    """A command in a directory of its own, and the ranks that it starts there."""

    def __init__(self, command):
        self.scratch = tempfile.TemporaryDirectory(prefix="faults-")
        self.directory = os.path.realpath(self.scratch.name)
        self.log = open(os.path.join(self.directory, "log"), "w+")
        self.begin = time.monotonic()
        root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        self.process = subprocess.Popen(command, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=subprocess.STDOUT, env={**root, **os.environ})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                self.process.send_signal(number)
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                pass
        for pid in self.ranks().values():  # what a launcher that had to be killed has left
            os.kill(pid, signal.SIGKILL)
        self.log.close()
        self.scratch.cleanup()

    def age(self):
        return time.monotonic() - self.begin

    def is_over(self):
        return self.process.poll() is not None

    def text(self):
        return pathlib.Path(self.directory, "log").read_text(errors="replace")

    def ranks(self):
        """Process ids by rank, of those that /proc shows at work in this directory: no other job's."""
        found = {}
        for process in pathlib.Path("/proc").iterdir():
            try:
                if not process.name.isdigit() or os.readlink(process / "cwd") != self.directory:
                    continue
                rank = re.search(rb"(?:^|\0)OMPI_COMM_WORLD_RANK=(\d+)\0", (process / "environ").read_bytes())
                if rank:
                    found[int(rank[1])] = int(process.name)
            except OSError:  # it has ended meanwhile, or is somebody else's
                pass
        return found

    def run_directory(self):
        return next(pathlib.Path(self.directory).glob("runs/*/*"), None)

    def record(self, rank):
        run = self.run_directory()
        return read_record(run / "flight" / f"rank-{rank:05}.bin") if run else None

    def report(self):
        run = self.run_directory()
        file = run / "flight/report.txt" if run else None
        return file.read_text() if file and file.exists() else ""

    def attempts(self):
        logs = pathlib.Path(self.directory).glob("runs/*/*/attempts.jsonl")
        return [json.loads(line) for log in logs for line in log.read_text().splitlines()]

    def result(self):
        """Of the last line: its keys and values."""
        lines = re.findall(r"^result (.*)$", self.text(), re.MULTILINE)
        return dict(each.split("=", 1) for each in lines[-1].split()) if lines else {}

    def trains(self, ranks, step=10):
        """Waits until all of them are beyond this step."""
        for _ in moments(120):
            records = [self.record(rank) for rank in range(ranks)]
            if all(each and each.step >= step for each in records):
                return
            if self.is_over():
                break
        raise SystemExit(f"the job does not come to step {step}:\n{self.text()}")

    def watch(self, since, patience):
        """Waits for the end: the seconds until no rank was left, and until the launcher was over; None: not in time."""
        ranks_end = launcher_end = None
        while time.monotonic() - since < patience and None in (ranks_end, launcher_end):
            if launcher_end is None and self.is_over():
                launcher_end = time.monotonic() - since
            if self.ranks():
                ranks_end = None
            elif ranks_end is None:
                ranks_end = time.monotonic() - since
            time.sleep(0.02)
        return ranks_end, launcher_end


def moments(limit, pause=0.01):
    """Ticks until `limit` seconds are over."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        yield
        time.sleep(pause)


class Cluster:
    """Hosts of launch/netcluster.sh."""

    script = str(pathlib.Path(__file__).resolve().parents[2] / "launch/netcluster.sh")

    def __init__(self, hosts, retries=None):
        self.name = "f" + "".join(chr(ord("a") + int(digit)) for digit in f"{os.getpid() % 10**7:07}")
        self.hosts = hosts
        self.script_does("up", str(hosts), "--rate", "1gbit")
        if retries is not None:
            for host in range(1, hosts + 1):
                subprocess.run(["ip", "netns", "exec", self.space(host), "sysctl", "-qw",
                                f"net.ipv4.tcp_retries2={retries}"], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.script_does("down")

    def script_does(self, action, *arguments):
        subprocess.run([self.script, action, *arguments, "--name", self.name], check=True, stdout=subprocess.DEVNULL)

    def space(self, host):
        return f"eightfold-{self.name}-{host}"

    def set_link(self, host, state):
        subprocess.run(["ip", "-n", self.space("switch"), "link", "set", f"port{host}", state], check=True)
