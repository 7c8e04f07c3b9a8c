#!/usr/bin/env python3
"""The training engine against the PyTorch peer, in turns in one run, on the same rows and number of threads.

usage: engine_speed.py --data NPY_FOLDER --out RESULT.json [--peer ../shared/reference/torch_scenarios.py] [--engine PROGRAM]
                       [--sizes 2x50,3x100,5x250] [--rounds 3] [--threads 2] [--epochs 25] [--realtime]

NPY_FOLDER is what the pandas peer writes (X_train.npy, y_train.npy). PROGRAM is the built example `engine_speed`
(cargo build --release --example engine_speed). Every round runs the peer, then the engine; raw numbers of all rounds are kept, ratios are of
the smallest times. --realtime puts both under real-time scheduling (chrt, needs root), so that other work on the machine disturbs neither.
The peer needs torch and numpy in the Python that runs this script.
"""
import argparse, json, os, pathlib, platform, subprocess, sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PARTS = ["train", "assd", "scenario"]


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def widths(size):
    layers, width = size.split("x")
    return ",".join([width] * int(layers))


def last_json(command, realtime):
    prefix = ["chrt", "-f", "10"] if realtime else []
    done = subprocess.run(prefix + command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--peer", type=pathlib.Path, default=ROOT / "../shared/reference/torch_scenarios.py")
    parser.add_argument("--engine", type=pathlib.Path, default=ROOT / "target/release/examples/engine_speed")
    parser.add_argument("--sizes", default="2x50,3x100,5x250")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--realtime", action="store_true")
    args = parser.parse_args()
    for needed in [args.peer, args.engine, args.data / "X_train.npy"]:
        if not needed.exists():
            sys.exit(f"skipped: {needed} is not there")
    result = {"processor": processor(), "cores": os.cpu_count(), "threads": args.threads, "epochs": args.epochs,
              "realtime": args.realtime, "sizes": {}}
    for size in args.sizes.split(","):
        raw = {"torch": [], "recant": []}
        for _ in range(args.rounds):
            raw["torch"].append(last_json(
                [sys.executable, str(args.peer), str(args.data / "X_train.npy"), str(args.data / "y_train.npy"), "--hidden", widths(size),
                 "--scenarios", "1", "--threads", str(args.threads), "--epochs", str(args.epochs)], args.realtime))
            raw["recant"].append(last_json(
                [str(args.engine), "--data", str(args.data), "--hidden", size, "--threads", str(args.threads),
                 "--epochs", str(args.epochs), "--scenarios", str(2 * args.threads)], args.realtime))
        best = {side: {part: min(run[part] for run in runs) for part in PARTS} for side, runs in raw.items()}
        ratios = {part: best["torch"][part] / best["recant"][part] for part in PARTS}
        # The highest peak of all rounds: a peak measured while something else ran would flatter the engine.
        peak = max(run["peak_gflops"] for run in raw["recant"])
        shares = {part: max(run[f"{part}_share_of_peak"] * run["peak_gflops"] for run in raw["recant"]) / peak for part in PARTS}
        # What `recant repair` does: training has stored the importances, so that only the flagged rows remain.
        ratios["assd_from_stored"] = best["torch"]["assd"] / min(run["assd_from_stored"] for run in raw["recant"])
        result["sizes"][size] = {"times_faster": ratios, "gemm_peak_gflops": peak, "share_of_gemm_peak": shares,
                                 "smallest_seconds": best, "raw": raw}
        told = [f"{part} {ratio:.2f}x" + (f" ({shares[part]:.0%} of the GEMM peak)" if part in shares else "") for part, ratio in ratios.items()]
        print(size, ", ".join(told), flush=True)
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
