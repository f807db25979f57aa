"""Training steps over a slow network: eightfold's exchanges beside PyTorch DDP over gloo, interleaved, as a table.

    sudo python3 tests/peers/compare_ddp.py build/release/launch/eightfold --hosts 2 4 --rate 1gbit --rounds 10

For each number of hosts a cluster of launch/netcluster.sh comes up, with a rank a host, 128 samples and one thread a
rank, and goes again. In every round each candidate runs once, so that whatever else the machine does hits all alike:
`eightfold bench step` with each setting of [exchange], and the steps of torch_ddp_step.py, which only sleeps meanwhile.
All train the same network on random data; a step is everything from the bytes of a batch to the updated weights.

  compute   eightfold's step without waiting for the exchange; without overlap nothing else runs meanwhile
  exposed   its waiting for the exchange
  bound     the least a step can take with the bucket times of the same run
  /bound    step over bound
  DDP fp32  times as fast as DDP in fp32, round by round; the same against its bf16 hook. Of several bucket sizes the one
            with the least median counts

Hosts of netcluster share this machine's cores: with more of them than cores compute takes longer, for everybody.
"""

import argparse
import collections
import json
import pathlib
import signal
import statistics
import subprocess
import sys

from candidates import Peer, bench_step, describe

HERE = pathlib.Path(__file__).resolve().parent
NETCLUSTER = HERE.parent.parent / "launch/netcluster.sh"
CLUSTER = "ddp"
# What PyTorch wants to know of the cluster: where its first rank is, and the interface to everybody. It would warn that
# addresses here have no names.
RENDEZVOUS = {"MASTER_ADDR": "10.88.0.1", "MASTER_PORT": "29500", "GLOO_SOCKET_IFNAME": "eth0",
              "TORCH_CPP_LOG_LEVEL": "ERROR"}
SETTINGS = [{"codec": codec, "algorithm": "two_shot", "overlap": overlap}
            for codec in ["fp32", "bf16", "dynamic-tree8"] for overlap in [True, False]]


def setting(text):
    """codec=bf16,overlap=false as keys of [exchange] and their values."""
    result = {}
    for part in text.split(","):
        key, separator, value = part.partition("=")
        if not separator:
            raise argparse.ArgumentTypeError(f"\"{part}\" is not key=value")
        result[key] = {"true": True, "false": False}.get(value, value)
    return result


class Cluster:
    """So many hosts, from `with` on to its end."""

    def __init__(self, hosts, rate):
        self.hosts, self.rate = hosts, rate
        self.launcher = [str(NETCLUSTER), "run", "-np", str(hosts), "--name", CLUSTER, "--"]

    def __enter__(self):
        subprocess.run([NETCLUSTER, "up", str(self.hosts), "--rate", self.rate, "--name", CLUSTER], check=True,
                       stdout=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        subprocess.run([NETCLUSTER, "down", "--name", CLUSTER], check=True)


def name_of(row):
    if row["program"] == "eightfold":
        words = [str(value) for key, value in row["exchange"].items() if key != "overlap"]
        return " ".join(words if row["exchange"].get("overlap", True) else [*words, "no overlap"])
    return f"DDP {row['codec']}, {row['bucket_mb']:g} MB"


def run_eightfold(cluster, options, exchange):
    settings = {"job.global_batch": options.batch * cluster.hosts, "job.threads": 1, "job.device": "host"}
    settings.update({f"exchange.{key}": value for key, value in exchange.items()})
    result = bench_step(cluster.launcher, options.program, options.job, settings, "--steps", str(options.steps),
                        "--warmup", str(options.warmup))
    return {"program": "eightfold", "exchange": exchange, **result["rows"][0]}, result["environment"]


def measure(cluster, options):
    """The rows of every round by the name of their candidate, and eightfold's word for this machine."""
    peer_command = [*cluster.launcher, sys.executable, str(HERE / "torch_ddp_step.py"), str(options.job), "--batch",
                    str(options.batch), "--steps", str(options.steps), "--warmup", str(options.warmup), "--bucket-mb",
                    *map(str, options.bucket_mb), "--rounds"]
    rows = collections.defaultdict(list)
    with Peer(peer_command, {**RENDEZVOUS, "OMP_NUM_THREADS": "1"}) as peer:
        for _ in range(options.rounds):
            ours = [run_eightfold(cluster, options, exchange) for exchange in options.setting or SETTINGS]
            environment = ours[0][1]
            for row in [*(row for row, _ in ours), *({"program": "pytorch ddp", **row} for row in peer.round())]:
                rows[name_of(row)].append(row)
    return rows, environment


def times(rows):
    return [row["step_ms"] for row in rows]


def fastest_peer(rows, codec):
    """DDP's times with this codec, at the bucket size that suits it best."""
    return min((times(of_rounds) for of_rounds in rows.values()
                if of_rounds[0]["program"] != "eightfold" and of_rounds[0]["codec"] == codec), key=statistics.median)


def summarize(rows, hosts):
    """A row for each candidate: medians over the rounds, and how many times as fast as DDP."""
    peers = {codec: fastest_peer(rows, codec) for codec in ["fp32", "bf16"]}
    result = []
    for name, of_rounds in rows.items():
        own = times(of_rounds)
        row = {"hosts": hosts, "contender": name, "step_ms": statistics.median(own), "least_ms": min(own),
               "most_ms": max(own)}
        if of_rounds[0]["program"] == "eightfold":
            row |= {key: statistics.median(each[key] for each in of_rounds)
                    for key in ["compute_ms", "exposed_ms", "bound_ms"]}
            row["over_bound"] = statistics.median(each["step_ms"] / each["bound_ms"] for each in of_rounds)
        for codec, peer in peers.items():
            row[f"ddp_{codec}_ratio"] = statistics.median(theirs / ours for theirs, ours in zip(peer, own))
        result.append(row)
    return result


def print_table(summary, rows, options):
    hosts = summary[0]["hosts"]
    print(f"{options.job.stem}, {hosts} hosts at {options.rate}: ms per step, median of {options.rounds} rounds "
          "(least to most)")
    print(f"  {'':<36}{'step':>9}{'':<22}{'compute':>9}{'exposed':>9}{'bound':>9}{'/bound':>8}"
          f"{'DDP fp32':>10}{'DDP bf16':>10}")
    for row in summary:
        parts = [f"{row[key]:9.1f}" if key in row else f"{'':9}" for key in ["compute_ms", "exposed_ms", "bound_ms"]]
        parts.append(f"{row['over_bound']:8.2f}" if "over_bound" in row else f"{'':8}")
        ratios = "".join(f"{row[f'ddp_{codec}_ratio']:9.2f}x" for codec in ["fp32", "bf16"])
        print(f"  {row['contender']:<36}{describe(times(rows[row['contender']])):<31}{''.join(parts)}{ratios}",
              flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the eightfold to measure")
    parser.add_argument("--job", type=pathlib.Path, default=HERE / "mlp-1200.toml")
    parser.add_argument("--hosts", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--rate", default="1gbit", help="of every link, as tc writes it")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--batch", type=int, default=128, help="samples a rank")
    parser.add_argument("--steps", type=int, default=20, help="per candidate and round")
    parser.add_argument("--warmup", type=int, default=5, help="steps before those that are timed")
    parser.add_argument("--setting", type=setting, action="append", metavar="KEY=VALUE,...",
                        help="keys of [exchange] to measure instead of the usual ones; repeatable")
    parser.add_argument("--bucket-mb", type=float, nargs="+", default=[1.0, 25.0], help="bucket_cap_mb of DDP to try")
    parser.add_argument("--json", type=pathlib.Path, help="write the table, and every round behind it, to this file")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # takes the cluster down on its way
    written = {"environment": {}, "rows": [], "rounds": []}
    for hosts in options.hosts:
        with Cluster(hosts, options.rate) as cluster:
            rows, written["environment"] = measure(cluster, options)
        summary = summarize(rows, hosts)
        print_table(summary, rows, options)
        written["rows"] += summary
        written["rounds"] += [{"hosts": hosts, "round": round, "contender": name, **row}
                              for name, of_rounds in rows.items() for round, row in enumerate(of_rounds)]
        if options.json:
            options.json.write_text(json.dumps(written, indent=2) + "\n")


if __name__ == "__main__":
    main()
