"""What becomes of a job when a rank or a host is lost, tried again and again.

    python3 tests/experiments/faults.py kill build/release/launch/eightfold configs/jobs/digits-mlp.toml --runs 50
    python3 tests/experiments/faults.py launch build/release/launch/eightfold configs/jobs/digits-mlp.toml --runs 20 \\
        --ranks 3 --set job.steps=200 --set checkpoint.every=20
    python3 tests/experiments/faults.py stop build/release/launch/eightfold configs/jobs/digits-mlp.toml --runs 20
    python3 tests/experiments/faults.py cut build/release/launch/eightfold configs/jobs/digits-mlp.toml --runs 5
    python3 tests/experiments/faults.py elsewhere build/release/launch/eightfold configs/jobs/digits-mlp.toml --runs 5

kill       SIGKILL for a random rank of 2 to 4 in a random phase, under mpirun: within 10 seconds /proc shows no rank of
           the job, mpirun's exit code is not 0, and the lost rank is named. The phase is the one that the victim's
           flight record shows after its death.
launch     SIGKILL at a random moment under `eightfold launch`: it ends with code 0 and the weights of an undisturbed run.
stop       SIGSTOP for a random rank of 2, 3 and 4: within the deadline and 5 seconds mpirun and all ranks are gone, the
           stopped one included; exit code 6, and one line of the watchdog, which names the rank.
cut        the link of a random host of 2, 3 and 4 goes down (launch/netcluster.sh, one rank on each; as root): within the
           deadline and 5 seconds all ranks are gone, each with 6 in its flight record, and the host is named. Of two hosts
           either may be the lost one; where all ranks are in a collective nobody can know, and such runs are counted
           by themselves. How long mpirun takes is measured, not judged.
elsewhere  the same under `eightfold launch`: it ends with code 0, on the hosts that are left, from a checkpoint.

There is a line for each run and one for all; the exit code is 1 if a run was not as it says above.
"""

import argparse
import collections
import os
import random
import re
import signal
import sys
import time

from faulty_job import NO_RECORD, PHASES, Cluster, Job, moments

PROMPT = 10  # seconds from a kill to the end of all ranks
BEYOND_DEADLINE = 5
WATCHDOG = 6
NAMELESS = "all ranks are in this collective, and it does not end"  # all that is known then
ENDLESS = ("job.epochs=1000000", "data.train=2048", "data.test=512", "evaluation.every=1", "checkpoint.every=20")


def train(options, settings):
    """`eightfold train` or `launch` follows: program and job with the settings, those of the user last."""
    program = [os.path.abspath(options.program), "train", os.path.abspath(options.job)]
    for each in (*settings, *options.set):
        program += ["--set", each]
    return program


def mpirun(options, ranks, settings):
    return ["mpirun", "-np", str(ranks), "--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1",
            *train(options, settings)]


class Tally:
    """Prints a line for each run and counts those that were as they should be."""

    def __init__(self):
        self.runs = self.good = 0
        self.worst = collections.defaultdict(float)
        self.notes = collections.Counter()

    def add(self, line, errors, text):
        self.runs += 1
        self.good += not errors
        print(f"{self.runs:3}: {line}{': WRONG, ' + ', '.join(errors) if errors else ''}", flush=True)
        if errors:
            print(text, flush=True)

    def take_time(self, what, seconds):
        self.worst[what] = max(self.worst[what], seconds if seconds is not None else float("inf"))

    def close(self, promise):
        worst = "".join(f"; {what} at most {seconds:.1f} s" for what, seconds in self.worst.items())
        notes = "".join(f"; {count} {note}" for note, count in self.notes.items())
        print(f"{self.good} of {self.runs} {promise}{notes}{worst}")
        return self.good == self.runs


def shown(seconds):
    return "never" if seconds is None else f"{seconds:.1f} s"


def late(what, seconds, limit):
    return [f"{what} not over after {limit:.0f} s"] if seconds is None or seconds > limit else []


# --- kill ---


def kill_in_start_up(job, victim, moment):
    """Once the job is as old as that and the rank is there."""
    time.sleep(moment)
    for _ in moments(60, 0.001):
        pid = job.ranks().get(victim)
        if pid:
            os.kill(pid, signal.SIGKILL)
            return
    raise SystemExit(f"there is no rank {victim}:\n{job.text()}")


def kill_in_phase(job, ranks, victim, phase, moment):
    """Some time into its training, when it next is in that phase or after five seconds."""
    job.trains(ranks)
    time.sleep(moment)
    pid = job.record(victim).pid
    for _ in moments(5, 0):
        if job.record(victim).phase == phase:
            break
    os.kill(pid, signal.SIGKILL)


def namers(job, victim):
    """Who names the rank that is gone, and whom they name instead if anybody else."""
    text = job.text()
    said = {"a survivor": re.findall(r"rank (\d+) \(host [^)]*\) is gone", text),
            "the report": re.findall(r"rank (\d+) \(host [^)]*\) is gone", job.report()),
            "mpirun": re.findall(r"noticed that process rank (\d+) with PID", text)}
    wrong = [f"{who} names rank {rank}" for who, ranks in said.items() for rank in ranks if int(rank) != victim]
    return [who for who, ranks in said.items() if ranks], wrong


def kill_once(options, chance, start_up, tally, table):
    ranks = chance.choice(options.ranks)
    victim, phase = chance.randrange(ranks), chance.choice(PHASES[:-1])
    with Job(mpirun(options, ranks, ENDLESS)) as job:
        if phase == "start-up":
            kill_in_start_up(job, victim, chance.uniform(0, start_up))
        else:
            kill_in_phase(job, ranks, victim, phase, chance.uniform(0, 1))
        ranks_end, launcher_end = job.watch(time.monotonic(), 60)
        record, code = job.record(victim), job.process.poll()
        names, errors = namers(job, victim)
        errors += late("ranks", ranks_end, PROMPT)
        errors += [] if names else ["nobody names it"]
        errors += [f"exit code {code}"] if code in (0, None) else []
        where = record.phase if record else NO_RECORD
        tally.take_time("ranks gone after", ranks_end)
        tally.take_time("mpirun after", launcher_end)
        tally.add(f"rank {victim} of {ranks} killed in {where}{f', step {record.step}' if record else ''}; ranks gone "
                  f"after {shown(ranks_end)}, exit code {code}, named by {' and '.join(names)}", errors, job.text())
        table[where].update(["kills", *names, *(["mpirun alone"] if names == ["mpirun"] else [])])


def kill(options, chance):
    with Job(mpirun(options, max(options.ranks), ENDLESS)) as job:
        job.trains(max(options.ranks), 1)
        start_up = job.age()
    print(f"start-up of {max(options.ranks)} ranks: {start_up:.1f} s", flush=True)
    tally, table = Tally(), collections.defaultdict(collections.Counter)
    for _ in range(options.runs):
        kill_once(options, chance, start_up, tally, table)
    columns = ("kills", "a survivor", "the report", "mpirun", "mpirun alone")
    print(f"\n{'phase':22}" + "".join(f"{column:>14}" for column in columns))
    for phase in (NO_RECORD, *PHASES):
        if table[phase]:
            print(f"{phase:22}" + "".join(f"{table[phase][column]:14}" for column in columns))
    total = sum(table.values(), collections.Counter())
    print(f"{'all':22}" + "".join(f"{total[column]:14}" for column in columns) + "\n")
    return tally.close(f"ended within {PROMPT} s of the kill with an error, the rank named")


# --- launch ---


def launched(options, ranks_per_node, *arguments):
    program = train(options, [])
    program[1] = "launch"
    return [*program, "--ranks-per-node", str(ranks_per_node), "--backoff", "100ms", *arguments]


def finish(job, options):
    """The exit code; None if the job takes longer than it may."""
    return job.process.poll() if job.watch(job.begin, options.limit)[1] is not None else None


def steps(job):
    return ", ".join(f"{each['begun_at_step']} to {each['left_at_step']}" for each in job.attempts())


def launch(options, chance):
    ranks = options.ranks[0]
    with Job(launched(options, ranks)) as job:
        code, length, weights = finish(job, options), job.age(), job.result().get("weight_hash")
        if code != 0:
            sys.exit(f"undisturbed, the job ends with {code}:\n{job.text()}")
    print(f"undisturbed: {length:.1f} s, weights {weights}", flush=True)
    tally = Tally()
    while tally.runs < options.runs:
        victim, moment = chance.randrange(ranks), chance.uniform(0, length)
        with Job(launched(options, ranks)) as job:
            time.sleep(moment)
            while not job.is_over() and victim not in job.ranks():
                pass
            try:
                os.kill(job.ranks()[victim], signal.SIGKILL)
            except (KeyError, ProcessLookupError):  # the run was over before: another moment
                continue
            code = finish(job, options)
            errors = [] if code == 0 else [f"exit code {code}"]
            errors += [] if job.result().get("weight_hash") == weights else ["other weights"]
            tally.take_time("it took", job.age())
            tally.add(f"rank {victim} killed at {moment:.1f} s; {job.age():.1f} s, steps {steps(job)}", errors,
                      job.text())
    return tally.close("ended with code 0 and the same weights")


# --- stop and cut ---


def watched(options):
    return (*ENDLESS, f"watchdog.deadline={options.deadline}s", f"watchdog.checkpoint={options.deadline}s")


def watchdog_line(job):
    """Its words, the ranks that it names, and the deadline that had passed: it may have been learned."""
    lines = re.findall(r"error: watchdog: (.*)$", job.text(), re.MULTILINE)
    if len(lines) != 1:
        return None, [], None
    told = re.search(r"has waited for ([\d.]+)(ms|s|m|h)$", lines[0])
    deadline = float(told[1]) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[told[2]] if told else None
    return lines[0], [int(each) for each in re.findall(r"rank (\d+) \(host ", lines[0])], deadline


def judge_watchdog(job, victim, suspects, tally):
    """ErrorList about its line, among whose first ranks the victim has to be, and by when the job has to be over."""
    line, named, deadline = watchdog_line(job)
    if line is None:
        return ["not one line of the watchdog"], 0
    errors = [] if victim in named[:suspects] or not suspects else [f"the wrong rank: {line}"]
    if deadline is None:
        return [*errors, f"no deadline: {line}"], 0
    tally.take_time("deadline", deadline)
    return errors, deadline + BEYOND_DEADLINE


def stop_once(options, chance, ranks, tally):
    victim = chance.randrange(ranks)
    with Job(mpirun(options, ranks, watched(options))) as job:
        job.trains(ranks)
        time.sleep(chance.uniform(0, 1))
        os.kill(job.record(victim).pid, signal.SIGSTOP)
        ranks_end, launcher_end = job.watch(time.monotonic(), 60)
        record, code = job.record(victim), job.process.poll()
        errors, limit = judge_watchdog(job, victim, 1, tally)
        errors += late("ranks", ranks_end, limit) + late("mpirun", launcher_end, limit)
        errors += [] if code == WATCHDOG else [f"exit code {code}"]
        tally.take_time("all gone after", max(ranks_end or 60, launcher_end or 60))
        tally.add(f"rank {victim} of {ranks} stopped in {record.phase}, step {record.step}; ranks gone after "
                  f"{shown(ranks_end)}, mpirun after {shown(launcher_end)}, exit code {code}", errors, job.text())


def stop(options, chance):
    tally = Tally()
    for ranks in options.ranks:
        for _ in range(options.runs):
            stop_once(options, chance, ranks, tally)
    return tally.close(f"ended within their deadline and {BEYOND_DEADLINE} s with code {WATCHDOG}, the rank named")


def cut_once(options, chance, cluster, tally):
    lost = chance.randint(1, cluster.hosts)
    command = [cluster.script, "run", "--name", cluster.name, "-np", str(cluster.hosts), "--",
               *train(options, watched(options))]
    with Job(command) as job:
        job.trains(cluster.hosts)
        time.sleep(chance.uniform(0, 1))
        cluster.set_link(lost, "down")
        ranks_end, launcher_end = job.watch(time.monotonic(), options.patience)
        code = job.process.poll()
        is_nameless = NAMELESS in job.text()
        tally.notes["of them in a collective, no host named"] += is_nameless
        suspects = 0 if is_nameless else 2 if cluster.hosts == 2 else 1
        errors, limit = judge_watchdog(job, lost - 1, suspects, tally)
        errors += late("ranks", ranks_end, limit)
        codes = [job.record(rank) for rank in range(cluster.hosts)]
        codes = [each.exit_code if each.phase == "ended" else None for each in codes]
        errors += [] if set(codes) == {WATCHDOG} else [f"exit codes {codes}"]
        tally.take_time("ranks gone after", ranks_end)
        tally.take_time("mpirun after", launcher_end)
        tally.add(f"host {lost} of {cluster.hosts} cut off; ranks gone after {shown(ranks_end)}, mpirun after "
                  f"{shown(launcher_end)} with exit code {code}{'; no host named' if is_nameless else ''}", errors,
                  job.text())


def cut(options, chance):
    tally = Tally()
    for hosts in options.ranks:
        for _ in range(options.runs):
            with Cluster(hosts, options.retries) as cluster:
                cut_once(options, chance, cluster, tally)
    return tally.close(f"ended all ranks within the deadline and {BEYOND_DEADLINE} s with code {WATCHDOG}, the host named")


# --- elsewhere ---


def elsewhere_once(options, chance, cluster, tally):
    lost = chance.randint(1, cluster.hosts)
    command = launched(options, 1, "--launcher", "netcluster", "--netcluster", cluster.script, "--netcluster-name",
                       cluster.name, "--nodes", str(cluster.hosts))
    for each in (*ENDLESS, "job.steps=600", "evaluation.every=0", f"watchdog.deadline={options.deadline}s",
                 f"watchdog.checkpoint={options.deadline}s", *options.set):
        command += ["--set", each]
    with Job(command) as job:
        job.trains(cluster.hosts, 25)
        time.sleep(chance.uniform(0, 1))
        cluster.set_link(lost, "down")
        since = time.monotonic()
        for _ in moments(options.limit):
            if job.attempts() or job.is_over():
                break
        noticed, code, attempts = time.monotonic() - since, finish(job, options), job.attempts()
        names = [f"{cluster.name}{host}" for host in range(1, cluster.hosts + 1) if host != lost]
        errors = [] if code == 0 else [f"exit code {code}"]
        errors += [] if job.result().get("steps") == "600" else ["not all steps"]
        errors += [] if attempts and attempts[-1]["hosts"] == names else ["not on the hosts that are left"]
        errors += [] if attempts and attempts[-1]["begun_at_step"] > 0 else ["not from a checkpoint"]
        tally.take_time("the next attempt after", noticed)
        tally.add(f"host {lost} of {cluster.hosts} cut off; next attempt after {noticed:.1f} s, done {job.age():.1f} s "
                  f"after its start, steps {steps(job)}", errors, job.text())


def elsewhere(options, chance):
    tally = Tally()
    for hosts in options.ranks:
        for _ in range(options.runs):
            with Cluster(hosts, options.retries) as cluster:
                elsewhere_once(options, chance, cluster, tally)
    return tally.close("went on to the end on the hosts that were left, from a checkpoint")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    does = {each.__name__: each for each in (kill, launch, stop, cut, elsewhere)}
    parser.add_argument("fault", choices=does)
    parser.add_argument("program")
    parser.add_argument("job")
    parser.add_argument("--runs", type=int, default=20, help="for stop, cut and elsewhere: with each number of ranks")
    parser.add_argument("--ranks", type=lambda text: [int(each) for each in text.split(",")], default=[2, 3, 4],
                        help="2,3,4; hosts for cut and elsewhere; launch takes the first")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--deadline", type=int, default=2, help="of the watchdog, in seconds")
    parser.add_argument("--patience", type=float, default=60, help="seconds to wait for an mpirun that is cut off")
    parser.add_argument("--retries", type=int, help="net.ipv4.tcp_retries2 of the hosts, instead of 15")
    parser.add_argument("--limit", type=float, default=300, help="seconds for each run of launch and elsewhere")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    sys.exit(not does[options.fault](options, random.Random(options.seed)))


if __name__ == "__main__":
    main()
