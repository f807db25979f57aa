"""The training step of a job file in PyTorch, as a good user would write it; prints the median time as JSON.

Reads the same TOML as eightfold: layers, optimizer, batch. Random data of the job's shape, already in memory, so
that only the step is timed: forward, loss, backward, update.
"""

import argparse
import json
import statistics
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


def make_optimizer(parameters, config):
    kind = config.get("kind", "sgd")
    rate, decay = config.get("learning_rate", 0.1), config.get("weight_decay", 0.0)
    if kind == "sgd":
        return torch.optim.SGD(parameters, rate, config.get("momentum", 0.0), nesterov=config.get("nesterov", False),
                               weight_decay=decay, fused=True)
    if kind == "rmsprop":
        return torch.optim.RMSprop(parameters, rate, config.get("decay", 0.9), momentum=config.get("momentum", 0.0),
                                   weight_decay=decay, foreach=True)
    return torch.optim.AdamW(parameters, rate, weight_decay=decay, fused=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--warmup", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--channels-last", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with open(options.job, "rb") as file:
        job = tomllib.load(file)

    torch.manual_seed(1)
    shape = SAMPLE_SHAPES[job["data"]["kind"]]
    model = build(job["model"]["layer"], shape)
    batch = job["job"].get("global_batch", 128)
    images = torch.randn(batch, *shape)
    if options.channels_last:
        model, images = model.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
    labels = torch.randint(0, 10, (batch,))
    loss_of = nn.CrossEntropyLoss()
    optimizer = make_optimizer(model.parameters(), job.get("optimizer", {}))

    times = []
    for step in range(options.warmup + options.steps):
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss_of(model(images), labels).backward()
        optimizer.step()
        if step >= options.warmup:
            times.append(time.perf_counter() - start)
    print(json.dumps({"step_ms": 1e3 * statistics.median(times), "torch": torch.__version__,
                      "channels_last": options.channels_last}))


if __name__ == "__main__":
    main()
