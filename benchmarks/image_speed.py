#!/usr/bin/env python3
"""ResNet-9 of the corrective benchmark, or ViT-B/16 at 224: a training step and evaluation against PyTorch, in turns in one run, on the same
number of threads.

usage: image_speed.py --out RESULT.json [--engine PROGRAM] [--network resnet9|vit-b-16] [--batch 64] [--threads 2] [--turns 3] [--rounds 5]
                      [--realtime]

PROGRAM is the built example `image_speed` (cargo build --release --example image_speed). Every turn runs the peer, then the engine; raw numbers
of all turns are kept, the ratio is of the smallest times. --realtime puts both under real-time scheduling (chrt, needs root), so that other work
on the machine disturbs neither. The peer needs torch in the Python that runs this script; it is tried with both memory formats.
"""
import argparse, json, os, pathlib, platform, subprocess, sys, time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def peer(network, batch, threads, rounds):
    import torch
    from torch import nn
    from torch.nn import functional as F

    torch.set_num_threads(threads)

    def block(inputs, outputs, kernel, stride, padding):
        return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, padding), nn.BatchNorm2d(outputs), nn.CELU(0.075))

    class Residual(nn.Sequential):
        def forward(self, x):
            return x + super().forward(x)

    class Transformer(nn.Module):
        def __init__(self):
            super().__init__()
            self.patches, self.head = nn.Conv2d(3, 768, 16, 16), nn.Linear(768, 10)
            self.token, self.positions = nn.Parameter(torch.zeros(1, 1, 768)), nn.Parameter(torch.zeros(1, 197, 768))
            layer = nn.TransformerEncoderLayer(768, 12, 3072, 0.0, "gelu", batch_first=True, norm_first=True)
            self.blocks = nn.TransformerEncoder(layer, 12, nn.LayerNorm(768), enable_nested_tensor=False)

        def forward(self, x):
            x = self.patches(x).flatten(2).transpose(1, 2)
            return self.head(self.blocks(torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.positions)[:, 0])

    def resnet9():
        return nn.Sequential(
            block(3, 64, 3, 1, 1), block(64, 128, 5, 2, 2), Residual(block(128, 128, 3, 1, 1), block(128, 128, 3, 1, 1)),
            block(128, 256, 3, 1, 1), nn.MaxPool2d(2), Residual(block(256, 256, 3, 1, 1), block(256, 256, 3, 1, 1)),
            block(256, 128, 3, 1, 0), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(128, 10, bias=False))

    build, size, parameters = {"resnet9": (resnet9, 32, 2_276_224), "vit-b-16": (Transformer, 224, 85_806_346)}[network]
    found = {}
    for name, form in [("planes", torch.contiguous_format), ("channels_last", torch.channels_last)]:
        model = build().to(memory_format=form)
        assert sum(p.numel() for p in model.parameters()) == parameters
        x, y = torch.randn(batch, 3, size, size).to(memory_format=form), torch.arange(batch) % 10
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9, weight_decay=5e-4)
        step, evaluation = [], []
        for _ in range(rounds + 1):
            model.train()
            start = time.perf_counter()
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
            step.append(time.perf_counter() - start)
            model.eval()
            start = time.perf_counter()
            with torch.no_grad():
                model(x)
            evaluation.append(time.perf_counter() - start)
        found[name] = {"step_seconds": step[1:], "evaluation_seconds": evaluation[1:]}
    print(json.dumps({"torch": torch.__version__, "formats": found}))


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def last_json(command, realtime):
    prefix = ["chrt", "-f", "10"] if realtime else []
    done = subprocess.run(prefix + command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--engine", type=pathlib.Path, default=ROOT / "target/release/examples/image_speed")
    parser.add_argument("--network", choices=["resnet9", "vit-b-16"], default="resnet9")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--realtime", action="store_true")
    parser.add_argument("--peer", action="store_true", help="measure PyTorch alone and print the raw numbers")
    args = parser.parse_args()
    if args.peer:
        return peer(args.network, args.batch, args.threads, args.rounds)
    if not args.out or not args.engine.exists():
        sys.exit(f"skipped: --out is needed, and {args.engine}")
    common = ["--network", args.network, "--batch", str(args.batch), "--threads", str(args.threads), "--rounds", str(args.rounds)]
    raw = {"torch": [], "recant": []}
    for _ in range(args.turns):
        raw["torch"].append(last_json([sys.executable, __file__, "--peer", *common], args.realtime))
        size = ["--size", "224"] if args.network == "vit-b-16" else []
        raw["recant"].append(last_json([str(args.engine), *common, *size], args.realtime))
    result = {"processor": processor(), "cores": os.cpu_count(), "network": args.network, "batch": args.batch, "threads": args.threads, "realtime": args.realtime}
    for part in ["step", "evaluation"]:
        key = f"{part}_seconds"
        ours = min(second for run in raw["recant"] for second in run[key])
        theirs = min(second for run in raw["torch"] for form in run["formats"].values() for second in form[key])
        result[part] = {"recant_images_per_second": args.batch / ours, "torch_images_per_second": args.batch / theirs, "times_faster": theirs / ours}
        print(f"{part}: recant {args.batch / ours:.3g} images/s, PyTorch {args.batch / theirs:.3g} images/s, {theirs / ours:.2f}x", flush=True)
    result["raw"] = raw
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
