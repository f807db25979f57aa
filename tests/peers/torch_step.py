"""The training step of a job file in PyTorch, as a good user would write it; prints times as JSON.

Reads the same TOML as eightfold: layers, optimizer, clipping, batch. The step is eightfold's: bytes and labels from
(page-locked) memory to the device, bytes to normalised floats, forward, loss, backward, update by PyTorch's fused
optimizer. The batch is the same random one in every step.

Each way to run it (contiguous or channels-last; on a GPU also TF32 off or on, and eager or as one CUDA graph) prints
one line {"tf32": ..., "channels_last": ..., "graph": ..., "step_ms": ...}, the median over the steps. On a GPU all
steps are queued without waiting, with an event behind each, and a step is the time between two events. With --rounds
every line on standard input starts another round, so that a caller can measure something else in between.
"""

import argparse
import itertools
import json
import statistics
import sys
import time
import tomllib

import torch
from torch import nn

SAMPLE_SHAPES = {"digits": (1, 28, 28), "idx": (1, 28, 28), "cifar10": (3, 32, 32), "cifar100": (3, 32, 32)}


def build(layers, shape):
    """The layer list as a torch module, shapes inferred by running a sample through what is there so far."""
    modules = []
    x = torch.zeros(2, *shape)
    for layer in layers:
        kind = layer["kind"]
        if kind == "linear":
            if x.dim() > 2:
                modules.append(nn.Flatten())
                x = x.flatten(1)
            module = nn.Linear(x.shape[1], layer["out"])
        elif kind == "conv2d":
            module = nn.Conv2d(x.shape[1], layer["out"], layer["kernel"], layer.get("stride", 1),
                               layer.get("padding", 0), groups=layer.get("groups", 1))
        elif kind == "max_pool":
            module = nn.MaxPool2d(layer["kernel"], layer.get("stride"), layer.get("padding", 0))
        elif kind == "average_pool":
            module = nn.AvgPool2d(layer["kernel"], layer.get("stride"), layer.get("padding", 0), count_include_pad=False)
        elif kind == "relu":
            module = nn.ReLU(inplace=True)
        elif kind == "dropout":
            module = nn.Dropout(layer.get("rate", 0.5))
        elif kind == "lrn":
            module = nn.LocalResponseNorm(layer.get("size", 5), layer.get("alpha", 1e-4), layer.get("beta", 0.75),
                                          layer.get("k", 2.0))
        else:
            raise SystemExit(f"torch_step: no layer kind {kind}")
        modules.append(module)
        x = module(x)
    return nn.Sequential(*modules)


def make_optimizer(parameters, config, device):
    kind = config.get("kind", "sgd")
    rate, decay = config.get("learning_rate", 0.1), config.get("weight_decay", 0.0)
    if kind == "sgd":
        return torch.optim.SGD(parameters, rate, config.get("momentum", 0.0), nesterov=config.get("nesterov", False),
                               weight_decay=decay, fused=True)
    in_graph = device.type == "cuda"  # counts its steps on the device
    if kind == "rmsprop":
        return torch.optim.RMSprop(parameters, rate, config.get("decay", 0.9), momentum=config.get("momentum", 0.0),
                                   weight_decay=decay, foreach=True, capturable=in_graph)
    return torch.optim.AdamW(parameters, rate, weight_decay=decay, fused=True, capturable=in_graph)


class Step:
    """A model with all it needs for a step, in one memory format."""

    def __init__(self, job, device, channels_last):
        torch.manual_seed(1)
        shape = SAMPLE_SHAPES[job["data"]["kind"]]
        batch = job["job"].get("global_batch", 128)
        layout = torch.channels_last if channels_last else torch.contiguous_format
        optimizer = job.get("optimizer", {})
        self.model = build(job["model"]["layer"], shape).to(device, memory_format=layout)
        self.parameters = list(self.model.parameters())
        self.optimizer = make_optimizer(self.parameters, optimizer, device)
        self.clip_norm = optimizer.get("clip_norm", 0)
        self.loss_of = nn.CrossEntropyLoss()
        self.host_bytes = torch.randint(0, 256, (batch, *shape), dtype=torch.uint8).contiguous(memory_format=layout)
        self.host_labels = torch.randint(0, 10, (batch,))
        if device.type == "cuda":
            self.host_bytes, self.host_labels = self.host_bytes.pin_memory(), self.host_labels.pin_memory()
        self.bytes = torch.empty_like(self.host_bytes, device=device)
        self.labels = torch.empty_like(self.host_labels, device=device)
        deviation = self.host_bytes.float().std()
        self.scale = torch.full((1, shape[0], 1, 1), float(1 / deviation), device=device)
        self.shift = -self.scale * float(self.host_bytes.float().mean())

    def __call__(self):
        self.bytes.copy_(self.host_bytes, non_blocking=True)
        self.labels.copy_(self.host_labels, non_blocking=True)
        images = torch.mul(self.bytes, self.scale).add_(self.shift)
        self.optimizer.zero_grad(set_to_none=True)
        self.loss_of(self.model(images), self.labels).backward()
        if self.clip_norm > 0:
            nn.utils.clip_grad_norm_(self.parameters, self.clip_norm, foreach=True)
        self.optimizer.step()


def warm_up(step, count):
    """On a stream of its own, as a capture wants it: libraries choose their algorithms, the optimizer makes its state."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(count):
            step()
    torch.cuda.current_stream().wait_stream(stream)


def capture(step):
    """The whole step as one graph: gradients get memory of the graph's own, so that none may be left over."""
    step.optimizer.zero_grad(set_to_none=True)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def set_tf32(is_allowed):
    torch.backends.cuda.matmul.allow_tf32 = is_allowed
    torch.backends.cudnn.allow_tf32 = is_allowed


def time_on_cpu(run, steps):
    times = []
    for _ in range(steps):
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    return times


def time_on_gpu(run, steps):
    marks = [torch.cuda.Event(enable_timing=True) for _ in range(steps + 1)]
    torch.cuda.synchronize()
    marks[0].record()
    for mark in marks[1:]:
        run()
        mark.record()
    torch.cuda.synchronize()
    return [before.elapsed_time(after) for before, after in zip(marks, marks[1:])]


class Candidate:
    """One way to run the step, ready to be timed again and again."""

    def __init__(self, job, device, options, tf32, channels_last, graph):
        self.device, self.options = device, options
        self.names = {"tf32": tf32, "channels_last": channels_last, "graph": graph}
        set_tf32(tf32)
        step = Step(job, device, channels_last)
        if device.type == "cuda":
            warm_up(step, max(3, options.warmup))
        self.run = capture(step) if graph else step

    def measure(self):
        set_tf32(self.names["tf32"])
        for _ in range(self.options.warmup):
            self.run()
        time_steps = time_on_gpu if self.device.type == "cuda" else time_on_cpu
        times = time_steps(self.run, self.options.steps)
        return {**self.names, "step_ms": statistics.median(times), "torch": torch.__version__}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--warmup", type=int, default=10, help="steps before those that are timed")
    parser.add_argument("--threads", type=int, default=1, help="of the host")
    parser.add_argument("--rounds", action="store_true", help="measure once per line on standard input")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.backends.cudnn.benchmark = True  # shapes never change: let cuDNN try its algorithms
    with open(options.job, "rb") as file:
        job = tomllib.load(file)

    device = torch.device(options.device)
    on_gpu = device.type == "cuda"
    choices = [[False, True] if on_gpu else [False], [False, True], [False, True] if on_gpu else [False]]
    candidates = []
    for tf32, channels_last, graph in itertools.product(*choices):
        try:
            candidates.append(Candidate(job, device, options, tf32, channels_last, graph))
        except RuntimeError as error:  # the others can still be measured
            print(f"torch_step: tf32={tf32} channels_last={channels_last} graph={graph} left out: {error}", file=sys.stderr)
    if not candidates:
        raise SystemExit("torch_step: nothing can be measured here")
    for _ in sys.stdin if options.rounds else [""]:
        for candidate in candidates:
            print(json.dumps(candidate.measure()))
        print(flush=True)  # an empty line ends the round


if __name__ == "__main__":
    main()
