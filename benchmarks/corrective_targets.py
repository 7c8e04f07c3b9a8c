#!/usr/bin/env python3
"""What a corrective study reached against its targets, from the summaries: python3 benchmarks/corrective_targets.py FOLDER

FOLDER holds the runs of benchmarks/corrective.sh; each has report/summary.csv, or summary.csv itself.
"""
import csv, os, sys

folder = sys.argv[1]


def rows(run):
    for path in (f"{folder}/{run}/report/summary.csv", f"{folder}/{run}/summary.csv"):
        if os.path.exists(path):
            with open(path, newline="") as file:
                return list(csv.DictReader(file))
    return []


def number(text):
    return float(text) if text else None


def mean(values):
    values = [value for value in values if value is not None]
    return sum(values) / len(values) if values else float("nan")


def recovery(run):
    """Per way and known share: recovered (mean over patterns with 50 flags or more; lowest), change elsewhere, time."""
    all_rows = rows(run)
    if not all_rows:
        return print(f"\n{run}: not computed")
    print(f"\n{run}: repetitions {'/'.join(sorted({row['repetitions'] for row in all_rows}))}")
    print("| way | known | recovered | patterns | lowest | elsewhere, points (lowest) | time of training |\n|---|---|---|---|---|---|---|")
    keys = dict.fromkeys((row["method"], row["known"]) for row in all_rows if row["known"])
    for method, known in keys:
        own = [row for row in all_rows if (row["method"], row["known"]) == (method, known)]
        enough = [row for row in own if number(row["flags"]) >= 50 and row["recovered"]]
        won = [number(row["recovered"]) for row in enough]
        change = [number(row["elsewhere_change"]) for row in own if row["elsewhere_change"]]
        cells = [f"{100 * mean(won):.1f} %", len(won), f"{100 * min(won, default=float('nan')):.1f} %"]
        cells += [f"{100 * mean(change):+.2f} ({100 * min(change, default=float('nan')):+.2f})"]
        cells += [f"{100 * mean([number(row['of_training']) for row in own]):.0f} %"]
        print(f"| {method} | {float(known):.0%} | " + " | ".join(map(str, cells)) + " |")
    for known in dict.fromkeys(known for method, known in keys if method.startswith("expand")):
        own = [row for row in all_rows if row["known"] == known and row["method"] == proposing(all_rows)]
        proposed = sum(number(row["proposed"]) for row in own)
        right = sum(number(row["proposed"]) * (number(row["precision"]) or 0) for row in own)
        each = " ".join(f"{100 * number(row['precision']):.0f}" if row["precision"] else "-" for row in own)
        share = f"{100 * right / proposed:.1f} %" if proposed else "-"
        print(f"proposed at {float(known):.0%} known: {proposed:.0f}, right {share} (by pattern {each}), seconds {mean([number(row['expanding_seconds']) for row in own]):.1f}")


def proposing(all_rows):
    """A way that proposes rows: all of them propose the same."""
    return next(row["method"] for row in all_rows if row["method"].startswith("expand"))


def against(run):
    """With proposed rows minus without, points."""
    for row in rows(run):
        if row["affected_against_without"] or row["elsewhere_against_without"]:
            cells = [number(row[name]) for name in ("affected_against_without", "elsewhere_against_without")]
            told = " ".join("-" if cell is None else f"{100 * cell:+.2f}" for cell in cells)
            print(f"{run} {row['kind'][:60]} {row['method']} flags {float(row['flags']):.0f} proposed {float(row['proposed']):.0f} affected, elsewhere {told}")


for run in ("dataco-paper", "made-up", "made-up-false", "dataco-paper-ways", "made-up-ways", "made-up-all-known", "made-up-search"):
    recovery(run)
print()
for run in ("made-up-few", "dataco-paper-few"):
    against(run)
for run in ("dataco-paper-uniform", "made-up-uniform"):
    for row in rows(run):
        if row["method"] == proposing(rows(run)):
            print(f"{run} {row['rate']} known {row['known']} flags {float(row['flags']):.0f} proposed {float(row['proposed']):.0f}")
