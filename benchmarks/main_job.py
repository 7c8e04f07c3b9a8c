"""The main job on the DataCo sheet, as a person would run it: train, inject, train on the corrupted sheet, repair, predict.

    python3 benchmarks/main_job.py --sheet DataCoSupplyChainDataset.csv.gz --recant target/release/recant --out main-job.json

Needs nothing but Python's standard library. Prints the table of README.md; the JSON file keeps for every command its words, seconds,
peak memory and what `--json` said of it that matters. With --realtime (as root) other work on the machine waits meanwhile.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import tempfile
import time

PROFILES = ("dataco-paper", "dataco")
SEGMENT = 'segment:Market = LATAM and "Shipping Mode" = "Standard Class": late -> on time, 100%'
ERRORS = {"segment": ["--kind", SEGMENT], "uniform": ["--rate", "5%"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sheet", required=True)
    parser.add_argument("--recant", default="target/release/recant")
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--realtime", action="store_true", help="run under `chrt -f 10`")
    arguments = parser.parse_args()
    program = os.path.abspath(arguments.recant)
    sheet = os.path.abspath(arguments.sheet)
    runs = {}

    def run(name, *words):
        command = [program, *words, "--json", "--quiet", "--seed", str(arguments.seed)]
        started = time.monotonic()
        process = subprocess.Popen(
            (["chrt", "-f", "10"] if arguments.realtime else []) + command, stdout=subprocess.PIPE, text=True
        )
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        if os.waitstatus_to_exitcode(status) != 0:
            raise SystemExit(f"failed: {' '.join(command)}")
        shown = ["recant", *(os.path.basename(word) if word == sheet else word for word in words)]
        runs[name] = {"command": shown, "seconds": round(seconds, 2), "peak_mib": round(usage.ru_maxrss / 1024)}
        return json.loads(said), runs[name]

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for profile in PROFILES:
            said, kept = run(f"{profile}: train, clean", "train", sheet, "--profile", profile, "--out", f"clean-{profile}")
            trained(said, kept)
            for error, kind in ERRORS.items():
                trial, name = f"{error}-{profile}", f"{profile}: {error}"
                said, kept = run(f"{name}: inject", "inject", sheet, "--profile", profile, *kind, "--out", trial)
                kept["said"] = {key: said[key] for key in ("mislabelled", "training_rows") if key in said}
                corrupted = f"{trial}/corrupted.csv"
                said, kept = run(f"{name}: train", "train", corrupted, "--profile", profile, "--out", f"model-{trial}")
                trained(said, kept)
                touched = f"{trial}/truth/affected-rows.csv"
                said, kept = run(
                    f"{name}: repair", "repair", "--model", f"model-{trial}", "--flags", f"{trial}/flags.csv",
                    "--data", corrupted, "--method", "all", "--out", f"repaired-{trial}",
                    *(["--affected", touched] if error == "segment" else []),
                )  # fmt: skip
                repaired(said, kept)
                _, kept = run(
                    f"{name}: predict", "predict", sheet, "--model", f"repaired-{trial}", "--out", f"{trial}.csv",
                )  # fmt: skip
    result = {
        "machine": f"{os.cpu_count()} cores, {cpu()}, {platform.system()}",
        "realtime": arguments.realtime,
        "seed": arguments.seed,
        "n": 1,
        "runs": runs,
    }
    with open(arguments.out, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    table(runs)


def trained(said, kept):
    kept["said"] = {key: said[key] for key in ("test", "rows") if key in said}
    kept["said"]["usefulness"] = said["usefulness"]["sentence"]


def repaired(record, kept):
    """What counts of the repair's record."""
    methods = {}
    for method in record["methods"]:
        test = method["test"]
        methods[method["name"]] = {
            "before": test["before"]["accuracy"]["estimate"],
            "after": test["after"]["accuracy"]["estimate"],
            "rows": test["rows"],
            "p_holm": test["p_holm"],
            "verdict": test["verdict"],
            "fixed": test["mcnemar"]["fixed"],
            "broken": test["mcnemar"]["broken"],
        }
    affected = record.get("affected")
    kept["said"] = {
        "flagged": len(record["flagged_rows"]),
        "recommended": record["recommendation"]["method"],
        "methods": methods,
        "affected": affected and {key: affected[key] for key in ("rows", "before", "after")},
    }


def table(runs):
    for profile in PROFILES:
        clean = runs[f"{profile}: train, clean"]["said"]["test"]["accuracy"]
        for error in ERRORS:
            said = runs[f"{profile}: {error}: repair"]["said"]
            cells = [f"`{profile}`, {error} ({said['flagged']:,})", f"{clean:.1%}"]
            cells.append(f"{next(iter(said['methods'].values()))['before']:.1%}")
            for name, method in said["methods"].items():
                word = {"better": " better", "worse": " worse"}.get(method["verdict"], "")
                cells.append(f"{name} {method['after']:.1%}{word}")
            print("| " + " | ".join(cells) + f" | recommended: {said['recommended']}")
    for name, kept in runs.items():
        print(f"{name:40} {kept['seconds']:6.2f} s {kept['peak_mib']:6} MiB")
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"peak of all: {children.ru_maxrss / 1024:.0f} MiB")


def cpu():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


if __name__ == "__main__":
    main()
