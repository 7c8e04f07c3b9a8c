#!/usr/bin/env python3
"""The PyTorch side of the image networks on a GPU: images per second through a training step and through evaluation.

usage: gpu_images.py --out RESULT.json [--network resnet9|resnet18] [--batch 512] [--rounds 100] [--steps 4000] [--device cuda]

ResNet-9 of the corrective benchmark and ResNet-18 for CIFAR, channels last, in four ways: single precision without TF32, with TF32, AMP with
bfloat16, and the last one compiled by torch.compile (where a compiler is at hand). Images lie on the device as bytes; crop after padding and
mirror are done there in one gather, without the turn by up to 15 degrees that ours does as well. SGD with momentum, fused. The loss is
read once at the end of all rounds, which is to the peer's advantage: ours knows every step's loss.

Also measured: the matrix rate at the sizes of the networks' convolutions and the bandwidth, for the floor under a step.
"""
import argparse, json, pathlib, time

import torch
from torch import nn
from torch.nn import functional as F


def block(inputs, outputs, kernel, stride, padding):
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, padding), nn.BatchNorm2d(outputs), nn.CELU(0.075))


class Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


def resnet9():
    return nn.Sequential(
        block(3, 64, 3, 1, 1), block(64, 128, 5, 2, 2), Residual(block(128, 128, 3, 1, 1), block(128, 128, 3, 1, 1)),
        block(128, 256, 3, 1, 1), nn.MaxPool2d(2), Residual(block(256, 256, 3, 1, 1), block(256, 256, 3, 1, 1)),
        block(256, 128, 3, 1, 0), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(128, 10, bias=False))


class Basic(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return F.relu(self.main(x) + self.shortcut(x), inplace=True)


def resnet18():
    layers, inputs = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True)], 64
    for stage, width in enumerate([64, 128, 256, 512]):
        for index in range(2):
            layers.append(Basic(inputs, width, 2 if stage > 0 and index == 0 else 1))
            inputs = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


NETWORKS = {"resnet9": (resnet9, 2_276_224), "resnet18": (resnet18, 11_173_962)}


class Loader:
    """Batches made on the device: rows of a set of bytes, cropped after padding by 4, mirrored, normalised."""

    def __init__(self, device, images=4096):
        self.device, self.images = device, images
        self.pixels = torch.randint(0, 256, (images, 3, 40, 40), dtype=torch.uint8, device=device)
        self.labels = torch.arange(images, device=device) % 10

    def batch(self, step, size):
        rows = (torch.arange(size, device=self.device) + step * size) % self.images
        down, right = torch.randint(0, 9, (2, size, 1), device=self.device)
        flip = torch.rand(size, 1, device=self.device) < 0.5
        y = down + torch.arange(32, device=self.device)
        x = torch.arange(32, device=self.device).expand(size, 32)
        x = right + torch.where(flip, 31 - x, x)
        pixels = self.pixels[rows[:, None, None], :, y[:, :, None], x[:, None, :]]
        values = (pixels.float() / 255 - 0.5) / 0.25
        return values.permute(0, 3, 1, 2), self.labels[rows]


def measure(network, batch, rounds, way, device):
    build, parameters = NETWORKS[network]
    torch.manual_seed(1)
    model = build().to(device).to(memory_format=torch.channels_last)
    assert sum(p.numel() for p in model.parameters()) == parameters
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = way == "tf32"
    torch.backends.cudnn.benchmark = True
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4, fused=device == "cuda")
    half = way.startswith("bf16")
    forward = torch.compile(model) if way == "bf16-compiled" else model
    loader = Loader(device)

    def step(number):
        x, y = loader.batch(number, batch)
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, dtype=torch.bfloat16, enabled=half):
            loss = F.cross_entropy(forward(x), y)
        loss.backward()
        optimizer.step()
        return loss

    def evaluate(number):
        x, _ = loader.batch(number, batch)
        with torch.no_grad(), torch.autocast(device, dtype=torch.bfloat16, enabled=half):
            return forward(x).sum()

    found = {}
    for name, work, train in [("step", step, True), ("evaluation", evaluate, False)]:
        model.train(train)
        for number in range(10):
            work(number).item()
        start = time.perf_counter()
        for number in range(rounds):
            last = work(number)
        last.item()
        if device == "cuda":
            torch.cuda.synchronize()
        found[f"sustained_{name}_images_per_second"] = batch * rounds / (time.perf_counter() - start)
    return found


def rates(device):
    """Operations per second of products as our convolutions have them, and bytes read and written per second."""
    def seconds(work, times=20):
        for _ in range(3):
            work()
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(times):
            work()
        torch.cuda.synchronize()
        return (time.perf_counter() - start) / times

    found = {}
    for name, kind, tf32 in [("f32", torch.float32, False), ("tf32", torch.float32, True), ("bf16", torch.bfloat16, False)]:
        torch.backends.cuda.matmul.allow_tf32 = tf32
        for rows, inner, outputs in [(524288, 576, 64), (131072, 1152, 128), (32768, 2304, 256), (8192, 4608, 512)]:
            a, b = torch.randn(rows, inner, device=device, dtype=kind), torch.randn(inner, outputs, device=device, dtype=kind)
            found[f"{name} {rows} x {inner} x {outputs}"] = 2 * rows * inner * outputs / seconds(lambda: a @ b)
    source, target = (torch.empty(1 << 30, dtype=torch.uint8, device=device) for _ in range(2))
    return {"matrix rates": found, "bandwidth, bytes read and written per second": 2 * source.numel() / seconds(lambda: target.copy_(source))}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--network", nargs="*", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--way", nargs="*", default=["f32", "tf32", "bf16", "bf16-compiled"])
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--rates", action="store_true")
    arguments = parser.parse_args()
    result = {"torch": torch.__version__, "batch": arguments.batch, "rounds": arguments.rounds, "networks": {},
              "device": torch.cuda.get_device_name() if arguments.device == "cuda" else "cpu"}
    for network in arguments.network:
        for way in arguments.way:
            try:
                found = measure(network, arguments.batch, arguments.rounds, way, arguments.device)
            except Exception as error:  # torch.compile needs a compiler, which a bare machine lacks
                found = {"failed": str(error).splitlines()[0]}
            result["networks"].setdefault(network, {})[way] = found
            print(network, way, found, flush=True)
    if arguments.rates:
        result.update(rates(arguments.device))
    pathlib.Path(arguments.out).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
