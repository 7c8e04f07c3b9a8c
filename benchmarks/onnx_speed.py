#!/usr/bin/env python3
"""ASSD on an imported network against PyTorch doing the same, in turns in one run on the same cores.

usage: onnx_speed.py --program RECANT --out RESULT.json [--rows 47593] [--inputs 24] [--flagged 1500] [--threads 2] [--rounds 7]

pip install torch onnx numpy

A multilayer perceptron of three hidden layers of 100 with ReLU and three classes is made by PyTorch (seed 7, trained for one epoch on rows made by a
formula) and exported. Every round runs ASSD (arXiv 2402.10098) once in PyTorch (32-bit floats) and once in `recant repair --method assd`: the mean
over mini-batches of 1,024 rows of the squared gradient of the batch's mean loss, for all rows but the flagged ones and for the flagged ones, alpha as
a percentile of the ratios, dampening. The seconds are those that each measures for this alone (Recant's stand in its `timings.json`), so neither pays
for its start, its sheet or its judgement. The ratio is of the smallest times. What both changed is then compared: how many values, and the
largest difference between the values after, relative to the largest value.
"""
import argparse, json, os, pathlib, platform, subprocess, sys, tempfile, time

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

BATCH = 1024


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def made(args):
    """Inputs, labels and the flagged rows: of a corner where one class is recorded as another."""
    random = np.random.default_rng(7)
    x = random.standard_normal((args.rows, args.inputs)).astype(np.float32)
    score = x[:, 0] + 0.5 * x[:, 1] * x[:, 2] + 0.3 * random.standard_normal(args.rows)
    truth = (score > -0.3).astype(int) + (score > 0.8).astype(int)
    wrong = np.flatnonzero((truth == 2) & (x[:, 3] > 0.5))
    labels = truth.copy()
    labels[wrong] = 1
    return x, labels, wrong[: args.flagged]


def trained(args, x, y):
    torch.manual_seed(7)
    sizes = [args.inputs, 100, 100, 100, 3]
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    optimiser = torch.optim.Adam(model.parameters(), lr=0.002)
    for batch in torch.randperm(len(x)).split(256):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
        optimiser.step()
    return model.eval()


def importance(model, x, y, batches):
    total = [torch.zeros_like(value) for value in model.parameters()]
    for batch in batches:
        model.zero_grad()
        nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
        for sum_, value in zip(total, model.parameters()):
            sum_ += value.grad**2
    return torch.cat([(sum_ / len(batches)).flatten() for sum_ in total])


def by_torch(model, x, y, flagged):
    """Seconds, and the values after."""
    start = time.perf_counter()
    every = np.arange(len(x))
    is_flagged = np.zeros(len(x), dtype=bool)
    is_flagged[flagged] = True
    kept = [torch.from_numpy(batch[~is_flagged[batch]]) for batch in np.split(every, range(BATCH, len(x), BATCH))]
    reference = importance(model, x, y, kept)
    forget = importance(model, x, y, [torch.from_numpy(batch) for batch in np.split(flagged, range(BATCH, len(flagged), BATCH))])
    ratios = (forget / reference).numpy()
    alpha = np.percentile(ratios[np.isfinite(ratios)], 100 - np.log1p(100 * len(flagged) / len(x)))
    before = torch.cat([value.detach().flatten() for value in model.parameters()])
    after = torch.where(forget > alpha * reference, before * torch.clamp(reference / forget, max=1.0), before)
    return time.perf_counter() - start, before.numpy(), after.numpy()


def by_recant(args, folder, number):
    out = folder / f"repaired{number}.onnx"
    command = [args.program, "repair", "--model", folder / "model.onnx", "--data", folder / "train.csv", "--label", "status"]
    command += ["--flags", folder / "wrong.csv", "--row-numbers", "from-0", "--classes", "a,b,c", "--method", "assd", "--threads", args.threads, "--out", out]
    start = time.perf_counter()
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    whole = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(done.stderr)
    timings = json.loads((folder / f"repaired{number}-report" / "timings.json").read_text())
    return timings["methods"]["assd"], whole, out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--out", required=True)
    for name, value in [("rows", 47_593), ("inputs", 24), ("flagged", 1_500), ("threads", 2), ("rounds", 7)]:
        parser.add_argument(f"--{name}", type=int, default=value)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    load_before = os.getloadavg()[0]
    inputs, labels, flagged = made(args)
    x, y = torch.from_numpy(inputs), torch.from_numpy(labels)
    model = trained(args, x, y)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        torch.onnx.export(model, (x[:4],), folder / "model.onnx", dynamo=False, input_names=["x"], output_names=["logits"], dynamic_axes={"x": {0: "rows"}, "logits": {0: "rows"}})
        header = ",".join([f"x{column}" for column in range(args.inputs)] + ["status"])
        lines = [",".join([*(repr(float(value)) for value in row), "abc"[label]]) for row, label in zip(inputs, labels)]
        (folder / "train.csv").write_text("\n".join([header, *lines]) + "\n")
        (folder / "wrong.csv").write_text("\n".join(["row", *map(str, flagged)]) + "\n")
        by_torch(model, x, y, flagged)  # warm
        rounds = []
        for number in range(args.rounds):
            torch_seconds, before, after = by_torch(model, x, y, flagged)
            recant_seconds, whole, out = by_recant(args, folder, number)
            rounds.append({"pytorch": torch_seconds, "recant": recant_seconds, "recant_whole_command": whole})
        names = [name for name, _ in model.named_parameters()]
        written = {tensor.name: numpy_helper.to_array(tensor).flatten() for tensor in onnx.load(out).graph.initializer}
        ours = np.concatenate([written[name] for name in names])
    least = {key: min(found[key] for found in rounds) for key in ("pytorch", "recant")}
    result = {
        "script": "benchmarks/onnx_speed.py",
        "arguments": {key: value for key, value in vars(args).items() if key not in ("program", "out")},
        "processor": processor(),
        "cores": os.cpu_count(),
        "load_before": round(load_before, 2),
        "versions": {"torch": torch.__version__, "python": platform.python_version(), "recant": subprocess.run([args.program, "--version"], capture_output=True, text=True).stdout.strip()},
        "parameters": len(before),
        "rounds": rounds,
        "least_seconds": least,
        "ratio": least["recant"] / least["pytorch"],
        "changed_values": {"pytorch": int((after != before).sum()), "recant": int((ours != before).sum())},
        "largest_difference": float(np.abs(ours - after).max() / np.abs(after).max()),
    }
    pathlib.Path(args.out).write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({key: result[key] for key in ("least_seconds", "ratio", "changed_values", "largest_difference", "load_before")}))


main()
