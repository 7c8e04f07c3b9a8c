#!/usr/bin/env python3
"""The floor under Table 4 on this GPU: operations over the measured matrix rate, bytes over the measured bandwidth.

usage: gpu_floor.py OUT_FOLDER        (needs torch with CUDA; reads OUT_FOLDER/ours.json and peer-*.txt where they are there)

Counted for one training row of one model in one step, with k inputs and w outputs of a layer: 6 k w operations (4 k w in the first layer,
which needs no deltas below it), and 4 (2 k + 10 w) bytes: the products read a twice, write z and the deltas, and read deltas twice; batch norm
reads z and writes xhat and a; its backward pass reads deltas and xhat and writes deltas. Reading the same value a second time in one kernel
is taken to hit a cache. Passes over the rows: 25 for the baseline, 25 for retraining, 2 for fine-tuning (after training, after ASSD), 1 for importances.
"""
import json, pathlib, sys, time
import torch

INPUTS, CLASSES, ROWS, BATCH, MODELS = 28, 3, 47_593, 1024, 100
SIZES = {"2x50": [50] * 2, "3x100": [100] * 3, "5x250": [250] * 5}
PASSES, RATES = 25 + 25 + 2 + 1, 6


def seconds(work, times=20):
    for _ in range(3):
        work()
    torch.cuda.synchronize()
    found = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(times):
            work()
        torch.cuda.synchronize()
        found.append((time.perf_counter() - start) / times)
    return min(found)


def matrix_rate(width):
    """Operations per second of the three products of a hidden layer, batched over the models, single precision without TF32."""
    a, d = (torch.randn(MODELS, BATCH, width, device="cuda") for _ in range(2))
    w = torch.randn(MODELS, width, width, device="cuda")
    each = 2 * MODELS * BATCH * width * width
    times = [seconds(lambda: torch.bmm(a, w.transpose(1, 2))), seconds(lambda: torch.bmm(d, w)), seconds(lambda: torch.bmm(d.transpose(1, 2), a))]
    return 3 * each / sum(times)


def main():
    out = pathlib.Path(sys.argv[1])
    torch.backends.cuda.matmul.allow_tf32 = False
    large = torch.randn(8192, 8192, device="cuda")
    source, target = (torch.empty(1 << 30, dtype=torch.uint8, device="cuda") for _ in range(2))
    result = {"gpu": torch.cuda.get_device_name(), "torch": torch.__version__,
              "single-precision rate, 8192 x 8192": 2 * 8192**3 / seconds(lambda: large @ large, 3),
              "bandwidth, bytes read and written per second": 2 * source.numel() / seconds(lambda: target.copy_(source)), "sizes": {}}
    ours = json.loads((out / "ours.json").read_text()) if (out / "ours.json").exists() else {}
    for size, hidden in SIZES.items():
        widths = [INPUTS, *hidden, CLASSES]
        pairs = list(zip(widths, widths[1:]))
        operations = sum(6 * k * w for k, w in pairs) - 2 * pairs[0][0] * pairs[0][1]
        bytes_moved = 4 * sum(2 * k + 10 * w for k, w in pairs)
        rows = ROWS * PASSES * MODELS * RATES
        rate = matrix_rate(hidden[0])
        entry = {"operations": operations * rows, "bytes": bytes_moved * rows, "matrix rate at this width": rate,
                 "seconds by operations": operations * rows / rate,
                 "seconds by bytes": bytes_moved * rows / result["bandwidth, bytes read and written per second"]}
        entry["floor, products then elementwise work"] = entry["seconds by operations"] + entry["seconds by bytes"]
        if size in ours:
            entry["ours"] = ours[size]["seconds"]
            entry["ours over floor"] = entry["ours"] / entry["floor, products then elementwise work"]
        peer = out / f"peer-{','.join(map(str, hidden))}.txt"
        if peer.exists():
            entry["peer, seconds per scenario"] = json.loads(peer.read_text().strip().splitlines()[-1])["scenario"]
            if size in ours:
                entry["times faster than the peer per scenario"] = entry["peer, seconds per scenario"] / (ours[size]["seconds"] / ours[size]["scenarios"])
        result["sizes"][size] = entry
    (out / "floor.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
