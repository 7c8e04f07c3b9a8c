#!/usr/bin/env python3
"""Reading a sheet and making features of it against the pandas peer, in turns in one run on the same cores.

usage: features_speed.py --out RESULT.json [--sheet DataCoSupplyChainDataset.csv.gz] [--peer ../shared/reference/pandas_features.py]
                         [--engine PROGRAM] [--program RECANT] [--rounds 3] [--realtime] [--whole-job]

PROGRAM is the built example `features_speed` (cargo build --release --example features_speed). Every round runs the peer, then the engine, each
in a process of its own that reads the sheet once; raw numbers of all rounds are kept, the ratio is of the smallest times. The seconds are those
that each measures itself, so neither pays for its start. What both made is then compared: the same columns in the same order, the same labels,
and the largest difference between the inputs. A difference beyond what 32-bit numbers round away ends the run with an error.
--whole-job also measures the peak memory of the whole job (recant inject, train, repair --method all) with RECANT, the built program.
--realtime puts everything measured under real-time scheduling (chrt, needs root), so that other work on the machine disturbs neither.
The peer needs pandas and numpy in the Python that runs this script.
"""
import argparse, json, os, pathlib, platform, re, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHEET = "dataco/DataCoSupplyChainDataset.csv.gz"
MIB = 1 << 20


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def measured(command, realtime):
    """Runs a command; what it printed and the most memory it held, in MiB."""
    child = subprocess.Popen((["chrt", "-f", "10"] if realtime else []) + [str(word) for word in command], stdout=subprocess.PIPE, text=True)
    printed = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"exit code {child.returncode}: {' '.join(map(str, command))}")
    return printed, usage.ru_maxrss / 1024


def run_peer(args, folder):
    printed, memory = measured([sys.executable, args.peer, args.sheet, folder], args.realtime)
    read, transform = (float(seconds) for seconds in re.search(r"read ([\d.]+) s, transform ([\d.]+) s", printed).groups())
    return {"read": read, "prepare": transform, "total": read + transform, "peak_memory_mib": memory}


def run_engine(args, folder):
    printed, memory = measured([args.engine, args.sheet, "--rounds", "1", "--out", folder], args.realtime)
    found = json.loads(printed)
    return {**found["rounds"][0], "peak_memory_mib": memory}, found


def plain(name):
    """`Customer Zipcode = 725` and pandas' `Customer Zipcode_725.0` are the same column."""
    return re.sub(r"\.0$", "", name.replace(" = ", "_", 1))


def compare(peer, ours):
    import numpy as np

    columns = [[plain(name) for name in (folder / "columns.txt").read_text().splitlines()] for folder in (peer, ours)]
    if columns[0] != columns[1]:
        sys.exit(f"the columns differ: {sorted(set(columns[0]) ^ set(columns[1])) or 'in their order'}")
    compared = {"columns": len(columns[0])}
    for part in ["train", "test"]:
        wanted, found = np.load(peer / f"X_{part}.npy"), np.load(ours / f"X_{part}.npy")
        if wanted.shape != found.shape:
            sys.exit(f"{part} rows x columns differ: {wanted.shape} and {found.shape}")
        difference = float(np.abs(wanted.astype(np.float64) - found).max())
        labels = int((np.load(peer / f"y_{part}.npy") != np.load(ours / f"y_{part}.npy")).sum())
        compared[part] = {"rows": len(found), "largest_difference": difference, "cells_that_differ": int((wanted != found).sum()),
                          "labels_that_differ": labels}
        if difference > 1e-6 or labels:
            sys.exit(f"the {part} rows differ: {compared[part]}")
    return compared


def whole_job(args, folder):
    """The most memory each command of the job holds, in MiB, and the commands."""
    common = ["--profile", "dataco-paper", "--seed", "42", "--quiet"]
    wrong, model, repaired = folder / "wrong", folder / "model", folder / "repaired"
    steps = {
        "inject": ["inject", args.sheet, "--rate", "0.1", "--out", wrong, *common],
        "train": ["train", wrong / "corrupted.csv", "--out", model, *common],
        "repair --method all": ["repair", "--model", model, "--flags", wrong / "flags.csv", "--data", wrong / "corrupted.csv",
                                "--method", "all", "--out", repaired, "--seed", "42", "--quiet"],
    }
    found = {}
    for name, words in steps.items():
        _, memory = measured([args.program, *words], args.realtime)
        shown = " ".join(str(word).replace(str(folder) + "/", "").replace(str(args.sheet), args.sheet.name) for word in words)
        found[name] = {"peak_memory_mib": memory, "command": f"recant {shown}"}
        print(f"{name}: {memory:.0f} MiB", flush=True)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    data = pathlib.Path(os.environ.get("RECANT_DATA", ROOT / "../shared/data"))
    parser.add_argument("--sheet", type=pathlib.Path, default=data / SHEET)
    parser.add_argument("--peer", type=pathlib.Path, default=ROOT / "../shared/reference/pandas_features.py")
    parser.add_argument("--engine", type=pathlib.Path, default=ROOT / "target/release/examples/features_speed")
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "target/release/recant")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--realtime", action="store_true")
    parser.add_argument("--whole-job", action="store_true")
    args = parser.parse_args()
    for needed in [args.sheet, args.peer, args.engine] + ([args.program] if args.whole_job else []):
        if not needed.exists():
            sys.exit(f"skipped: {needed} is not there")
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        raw = {"pandas": [], "recant": []}
        for _ in range(args.rounds):
            raw["pandas"].append(run_peer(args, folder / "peer"))
            seconds, found = run_engine(args, folder / "ours")
            raw["recant"].append(seconds)
            compared = compare(folder / "peer", folder / "ours")
        best = {side: min(runs, key=lambda run: run["total"]) for side, runs in raw.items()}
        result = {"processor": processor(), "cores": os.cpu_count(), "threads": found["threads"], "rounds": args.rounds,
                  "realtime": args.realtime, "sheet": {"name": args.sheet.name, **found["sheet"]}, "profile": "dataco-paper",
                  "command": " ".join(["benchmarks/features_speed.py", f"--rounds {args.rounds}"]
                                      + [f"--{name.replace('_', '-')}" for name in ["realtime", "whole_job"] if getattr(args, name)]),
                  "times_faster": {part: best["pandas"][part] / best["recant"][part] for part in ["read", "prepare", "total"]},
                  "best_round": best, "compared": compared, "checksum": found["checksum"], "raw": raw}
        print(", ".join(f"{part} {ratio:.1f} times faster" for part, ratio in result["times_faster"].items()), compared, flush=True)
        if args.whole_job:
            result["whole_job"] = whole_job(args, folder)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
