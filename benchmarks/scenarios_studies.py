"""Studies beside the main grid of scenarios: what the gain depends on, and how time and memory grow.

    python3 benchmarks/scenarios_studies.py run --sheet DataCoSupplyChainDataset.csv.gz --grid RUN --out STUDIES [--recant target/release/recant]
    python3 benchmarks/scenarios_studies.py tables --out STUDIES
    python3 benchmarks/scenarios_studies.py table4 --out RUN

RUN is the folder of the main grid (`recant scenarios ... --out RUN`): its learning rates and weight decays are used again, so that a study
differs from the grid in one thing. `run` goes on where it was stopped. `tables` and `table4` (the main grid beside the paper's Table 4, from
RUN/report) print what docs/results-scenarios.md quotes. Needs nothing but Python's standard library and GNU time (for seconds and peak memory).
"""

import argparse
import csv
import json
import math
import os
import statistics
import subprocess

KINDS = ("squared-batch-gradient", "per-sample-fisher")
REFERENCES = ("retain-original-batches", "retain", "full")
RATES = ("0.003", "0.01", "0.03", "0.06")
LENGTHS = (10, 20, 40, 80)
# Rows of made-up sheets, which share the columns of the DataCo sheet.
HEIGHTS = (20_000, 40_000, 80_000, 160_000)
REPAIRS = "retrain,finetune,assd"


def studies(grid):
    """Name and options of every study."""
    chosen = {}
    for size in ("2x50", "3x100"):
        with open(os.path.join(grid, "tuning", f"{size}.json"), encoding="utf-8") as file:
            tuned = json.load(file)
        chosen[size] = ["--learning-rate", repr(tuned["learning_rate"]), "--weight-decay", repr(tuned["weight_decay"])]
    decay = chosen["3x100"][2:]
    yield "leakfree", ["--profile", "dataco", "--sizes", "2x50,3x100", "--runs", "20,10", "--methods", "all"]
    paper = ["--profile", "dataco-paper", "--sizes"]
    yield "kindpaper", [*paper, "2x50", "--runs", "30", "--kind", "paper", "--methods", "all", *chosen["2x50"]]
    for size, name, errors, runs in (("2x50", "imp50", "1%,5%,10%", "20"), ("3x100", "imp100", "5%", "10")):
        for kind in KINDS:
            for reference in REFERENCES:
                options = [*paper, size, "--errors", errors, "--runs", runs, "--methods", "assd", *chosen[size]]
                yield f"{name}-{kind}-{reference}", [*options, "--importance", kind, "--reference", reference]
    for rate in RATES:
        options = [*paper, "3x100", "--errors", "1%,5%", "--runs", "10", "--methods", REPAIRS, "--learning-rate", rate]
        yield f"lr100-{rate}", [*options, *decay]
    options = [*paper, "2x50", "--errors", "1%,5%", "--runs", "20", "--init-seeds", "5", "--methods", REPAIRS]
    yield "init50", [*options, *chosen["2x50"]]
    for runs in LENGTHS:
        yield f"linear-{runs}", [*paper, "2x50", "--errors", "5%", "--runs", str(runs), "--methods", "all", *chosen["2x50"]]
    for rows in HEIGHTS:
        yield f"rows-{rows}", [*paper, "2x50", "--errors", "5%", "--runs", "10", "--methods", "all", *chosen["2x50"]]


def run(arguments):
    os.makedirs(arguments.out, exist_ok=True)
    for name, options in studies(arguments.grid):
        folder = os.path.join(arguments.out, name)
        if os.path.exists(os.path.join(folder, "records.csv")):
            continue
        sheet = arguments.sheet
        if name.startswith("rows-"):
            sheet = f"{folder}.csv"
            generate = [arguments.recant, "generate", "--rows", name.removeprefix("rows-"), "--seed", "1", "--out", sheet, "--quiet"]
            if not os.path.exists(sheet):
                subprocess.run(generate, check=True)
        command = [arguments.recant, "scenarios", sheet, "--quiet", "--sweep-runs", "0", *options, "--out", folder]
        print(" ".join(command), flush=True)
        measured = ["/usr/bin/time", "-f", "%U user %S sys %e s %M KiB", "-o", f"{folder}.time"]
        subprocess.run(measured + command, check=True)


def read(folder):
    """Test accuracy by (size, rate, method), one number for each scenario and initialisation, in order."""
    found = {}
    with open(os.path.join(folder, "records.csv"), encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["split"] == "test":
                place = found.setdefault((row["size"], row["error_rate"], row["method"]), {})
                place[(int(row["run"]), int(row["init"]))] = 100 * int(row["right"]) / int(row["rows"])
    return found


def gains(found, size, rate, method):
    """Gain over the baseline of the same scenario, percentage points."""
    before, after = found[(size, rate, "baseline")], found[(size, rate, method)]
    return [after[place] - before[place] for place in sorted(before)]


def shown(values):
    spread = statistics.stdev(values) if len(values) > 1 else math.nan
    return f"{statistics.mean(values):+.2f} ± {spread:.2f}"


def level(values):
    return f"{statistics.mean(values):.2f} ± {statistics.stdev(values):.2f}"


def grid_table(title, folder):
    if not os.path.exists(os.path.join(folder, "records.csv")):
        return
    found = read(folder)
    methods = list(dict.fromkeys(method for _, _, method in found if method != "baseline"))
    print(f"\n{title}\n\n| size, errors | n | baseline | " + " | ".join(methods) + " |\n" + "|---" * (3 + len(methods)) + "|")
    for size, rate in dict.fromkeys((size, rate) for size, rate, _ in found):
        before = list(found[(size, rate, "baseline")].values())
        cells = [shown(gains(found, size, rate, method)) for method in methods]
        print(f"| {size}, {rate} | {len(before)} | {level(before)} | " + " | ".join(cells) + " |")


def importance_table(out, name):
    there = [
        (kind, reference, os.path.join(out, f"{name}-{kind}-{reference}"))
        for kind in KINDS
        for reference in REFERENCES
        if os.path.exists(os.path.join(out, f"{name}-{kind}-{reference}", "records.csv"))
    ]
    if not there:
        return
    first = read(there[0][2])
    cells = list(dict.fromkeys((size, rate) for size, rate, _ in first))
    heads = " | ".join(f"{size}, {rate}" for size, rate in cells)
    print(f"\nGain of ASSD by importance and reference set\n\n| importance | reference | {heads} |\n" + "|---" * (2 + len(cells)) + "|")
    for kind, reference, folder in there:
        found = read(folder)
        print(f"| {kind} | {reference} | " + " | ".join(shown(gains(found, *cell, "assd")) for cell in cells) + " |")


def rate_table(out):
    print("\nGain by learning rate (3x100)\n\n| learning rate | errors | n | baseline | retrain | finetune | assd |\n|---|---|---|---|---|---|---|")
    for rate in RATES:
        folder = os.path.join(out, f"lr100-{rate}")
        if os.path.exists(os.path.join(folder, "records.csv")):
            found = read(folder)
            for size, errors in dict.fromkeys((size, errors) for size, errors, _ in found):
                before = list(found[(size, errors, "baseline")].values())
                cells = [shown(gains(found, size, errors, method)) for method in REPAIRS.split(",")]
                print(f"| {rate} | {errors} | {len(before)} | {level(before)} | " + " | ".join(cells) + " |")


def initialisation_table(out):
    """Variance of the gain split into between scenarios and between initialisations within one (one-way random effects, by moments)."""
    folder = os.path.join(out, "init50")
    if not os.path.exists(os.path.join(folder, "records.csv")):
        return
    found = read(folder)
    print("\nInitialisations\n\n| errors | method | gain | sd between scenarios | sd between initialisations |\n|---|---|---|---|---|")
    for size, errors in dict.fromkeys((size, errors) for size, errors, _ in found):
        for method in ["baseline", *REPAIRS.split(",")]:
            before, after = found[(size, errors, "baseline")], found[(size, errors, method)]
            value = (lambda place: after[place]) if method == "baseline" else (lambda place: after[place] - before[place])
            runs = sorted({place[0] for place in before})
            groups = [[value(place) for place in sorted(before) if place[0] == run] for run in runs]
            within = statistics.mean(statistics.variance(group) for group in groups)
            means = [statistics.mean(group) for group in groups]
            between = max(0.0, statistics.variance(means) - within / len(groups[0]))
            shape = ".2f" if method == "baseline" else "+.2f"
            print(f"| {errors} | {method} | {statistics.mean(means):{shape}} | {math.sqrt(between):.2f} | {math.sqrt(within):.2f} |")


def growth_table(out):
    print("\nTime and memory (2x50, 5 % errors, all methods)\n\n| scenarios | processor seconds | per scenario | peak MiB |\n|---|---|---|---|")
    for runs in LENGTHS:
        if used := resources(os.path.join(out, f"linear-{runs}.time")):
            print(f"| {runs} | {used[0]:.1f} | {used[0] / runs:.2f} | {used[1]:.0f} |")
    print("\nTime and memory by rows of the sheet (made up, 10 scenarios)\n")
    print("| rows | training rows | processor seconds | per million training rows and scenario | peak MiB |\n|---|---|---|---|---|")
    for rows in HEIGHTS:
        if used := resources(os.path.join(out, f"rows-{rows}.time")):
            with open(os.path.join(out, f"rows-{rows}", "records.csv"), encoding="utf-8", newline="") as file:
                training = next(int(row["rows"]) for row in csv.DictReader(file) if row["split"] == "train")
            print(f"| {rows:,} | {training:,} | {used[0]:.1f} | {used[0] / 10 / training * 1e6:.1f} | {used[1]:.0f} |")


def resources(path):
    """Processor seconds and peak MiB as GNU time wrote them; None where a study has not been run to its end."""
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        words = file.read().split()
    return (float(words[0]) + float(words[2]), int(words[6]) / 1024) if len(words) >= 8 else None


def table4(folder):
    """The main grid beside the paper's Table 4: levels, then gains with the verdicts of the report."""
    with open(os.path.join(folder, "report", "report.json"), encoding="utf-8") as file:
        report = json.load(file)
    cells = report["cells"]
    for split in ("test", "train"):
        names = [method["method"] for method in cells[0]["methods"]]
        print(f"\nAccuracy on {split} rows, mean ± sd over scenarios, percent\n")
        print("| size, errors | n | | baseline | " + " | ".join(names) + " |\n" + "|---" * (4 + len(names)) + "|")
        for cell in cells:
            methods = cell["methods"]
            start = methods[0][split]["baseline"]
            ours = [moments(start)] + [moments(method[split]["repaired"]) for method in methods]
            print(f"| {cell['size']}, {cell['error']} | {cell['scenarios']} | ours | " + " | ".join(ours) + " |")
            published = [method.get(f"published_{split}") for method in methods]
            first = next((entry for entry in published if entry), None)
            if first:
                theirs = [pair(first["baseline"])] + [pair(entry["method"]) if entry else "" for entry in published]
                print("| | 100 | paper | " + " | ".join(theirs) + " |")
    family = sum(len(cell["methods"]) for cell in cells)
    marks = {"better": " ▲", "worse": " ▼"}
    print(f"\nChange on the test rows, percentage points; verdicts corrected over {family} cells\n")
    names = [method["method"] for method in cells[0]["methods"]]
    heads = [*names, "paper's ASSD", "ASSD: p unpaired", "paired, corrected"]
    print("| size, errors | " + " | ".join(heads) + " |\n" + "|---" * (1 + len(heads)) + "|")
    for cell in cells:
        row = []
        for method in cell["methods"]:
            test = method["test"]
            row.append(f"{100 * test['difference']['mean']:+.2f}{marks.get(test['verdict'], '')}")
            if method["method"] == "assd":
                theirs, found = method.get("published_test"), test
        row.append(f"{100 * (theirs['method'][0] - theirs['baseline'][0]):+.2f}" if theirs else "")
        row += [probability(found["unpaired_student"]["p"]) if found["unpaired_student"] else "", probability(found["p_holm"])]
        print(f"| {cell['size']}, {cell['error']} | " + " | ".join(row) + " |")


def moments(summary):
    return f"{100 * summary['mean']:.2f} ± {100 * (summary['standard_deviation'] or 0):.2f}"


def pair(values):
    return f"{100 * values[0]:.2f} ± {100 * values[1]:.2f}"


def probability(p):
    return "< 0.0001" if p < 1e-4 else f"{p:.4f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "tables", "table4"))
    parser.add_argument("--sheet")
    parser.add_argument("--grid")
    parser.add_argument("--recant", default="target/release/recant")
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    if arguments.what == "run":
        run(arguments)
        return
    if arguments.what == "table4":
        table4(arguments.out)
        return
    grid_table("Leak-free profile (`dataco`)", os.path.join(arguments.out, "leakfree"))
    grid_table("The published injector (`--kind paper`)", os.path.join(arguments.out, "kindpaper"))
    importance_table(arguments.out, "imp50")
    importance_table(arguments.out, "imp100")
    rate_table(arguments.out)
    initialisation_table(arguments.out)
    growth_table(arguments.out)


if __name__ == "__main__":
    main()
