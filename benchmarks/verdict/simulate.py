"""Does the headline of a repair agree with the clean truth, and does `auto` leave good models alone?

    python benchmarks/verdict/simulate.py RECANT FOLDER headline --runs 200
    python benchmarks/verdict/simulate.py RECANT FOLDER false-flags --runs 60
    python benchmarks/verdict/simulate.py RECANT FOLDER corner-flags --runs 20
    python benchmarks/verdict/simulate.py RECANT FOLDER true-flags --runs 30

Needs pandas and numpy. Every run makes a sheet of 6,000 orders (seed 1000 + run) and, of the COMPLETE ones, in the order of their dates:

    headline      an error runs through the whole sheet, test rows included, or there is none and the flags are false; 20 % of the wrong
                  rows of the training period are flagged; repaired with the default method, judged by the sheet's own test rows;
                  the truth is the accuracy of both models on the clean labels of the same test rows
    stopped       an error of a lane in the training period only, 20 % of it flagged: the labels of the test rows are right, and must not be doubted
                  so much that a harmful repair is called better
    false-flags   5 % of the rows of the training period are flagged at random, none of them wrong
    corner-flags  15 % of the rows of one market (or shipping mode, or segment) in the training period are flagged at random, none of them wrong, and
                  nobody says that only these were looked at
    true-flags    an error in the training period only, all of it flagged

One line of JSON a run goes to FOLDER/<part>.jsonl; runs that are there are not made again. The summary is printed.
"""

import argparse, json, os, shutil, subprocess
import numpy as np
import pandas as pd

KEY, DAYS, PLAN = "Order Item Id", "Days for shipping (real)", "Days for shipment (scheduled)"
LANES = [("Market", "LATAM"), ("Market", "Europe"), ("Shipping Mode", "Second Class"), ("Customer Segment", "Corporate")]


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stderr}")
    return done.stdout


def sheet(recant, folder, number):
    path = f"{folder}/orders.csv"
    run(recant, "generate", "--rows", 6000, "--seed", 1000 + number, "--complete-share", "90%", "--out", path, "-q")
    orders = pd.read_csv(path, encoding="latin-1")
    drop = [name for name in ("Late_delivery_risk", "Delivery Status", "shipping date (DateOrders)") if name in orders]
    complete = orders[orders["Order Status"] == "COMPLETE"].copy()
    complete["when"] = pd.to_datetime(complete["order date (DateOrders)"])
    complete = complete.sort_values("when", kind="stable")
    return orders.drop(columns=drop), complete[KEY].values[: int(len(complete) * 0.79)], set(complete[KEY])


def damaged(orders, rows, number, kind):
    """The sheet with late orders recorded as on time: those of a lane, or a random part of all."""
    rng = np.random.default_rng(number)
    late = orders[KEY].isin(rows) & (orders[DAYS] > orders[PLAN])
    if kind == "lane":
        column, value = LANES[number % len(LANES)]
        hit = late & (orders[column] == value) & (rng.random(len(orders)) < 0.8)
    else:
        hit = late & (rng.random(len(orders)) < 0.15)
    bad = orders.copy()
    bad.loc[hit, DAYS] = bad.loc[hit, PLAN]
    return bad, orders.loc[hit, KEY].values


def accuracy(recant, folder, model, clean, keys):
    """Accuracy on the clean labels of the rows with these keys."""
    out = f"{folder}/predicted.csv"
    run(recant, "predict", clean, "--model", model, "--out", out, "--force", "-q")
    found = pd.read_csv(out, encoding="utf-8-sig")
    found = found[found[KEY].isin(keys)]
    gap = found[DAYS] - found[PLAN]
    truth = np.where(gap < 0, "early", np.where(gap == 0, "on time", "late"))
    return float((found["predicted"] == truth).mean()), len(found)


def one(recant, folder, part, number):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    orders, training, complete = sheet(recant, folder, number)
    rng = np.random.default_rng(7_000_000 + number)
    kind = "lane" if number % 3 < 2 else "everywhere"
    if part == "false-flags" or (part == "headline" and number % 4 == 3):
        kind, bad, flags = "none", orders, rng.choice(training, int(0.05 * len(training)), replace=False)
    elif part == "corner-flags":
        column, value = LANES[number % len(LANES)]
        there = orders.loc[orders[KEY].isin(set(training)) & (orders[column] == value), KEY].values
        kind, bad, flags = "none", orders, rng.choice(there, int(0.15 * len(there)), replace=False)
    elif part in ("headline", "stopped"):
        kind = "lane" if part == "stopped" else kind
        bad, wrong = damaged(orders, complete if part == "headline" else training, number, kind)
        known = np.intersect1d(wrong, training)
        flags = rng.choice(known, max(10, int(0.2 * len(known))), replace=False)
    else:
        bad, flags = damaged(orders, training, number, kind)
    clean_path, bad_path, flag_path = f"{folder}/clean.csv", f"{folder}/bad.csv", f"{folder}/flags.csv"
    orders.to_csv(clean_path, index=False)
    bad.to_csv(bad_path, index=False)
    pd.DataFrame({KEY: flags}).to_csv(flag_path, index=False)
    model, repaired = f"{folder}/model", f"{folder}/repaired"
    run(recant, "train", bad_path, "--profile", "dataco", "--out", model, "--seed", number + 1, "-q")
    expand = ["--expand"] if part == "headline" and kind == "lane" and number % 2 else []
    said = json.loads(run(recant, "repair", "--model", model, "--flags", flag_path, "--data", bad_path, *expand, "--method", "auto", "--out", repaired, "--json"))
    test = complete - set(training)
    before, rows = accuracy(recant, folder, model, clean_path, test)
    after, _ = accuracy(recant, folder, repaired, clean_path, test)
    chosen = next(method for method in said["methods"] if method["name"] == said["chosen"])
    whole = chosen.get("whole") or {}
    verdict = whole.get("verdict") or (chosen.get("test") or {}).get("verdict")
    recorded = chosen.get("test_as_recorded") or chosen.get("test") or {}
    return {
        "run": number, "kind": kind, "expanded": bool(expand), "flags": len(flags), "test_rows": rows, "chosen": said["chosen"],
        "kept": said["chosen"] == "none", "verdict": verdict, "advice": said["recommendation"].get("advice"),
        "truth_before": before, "truth_after": after, "recorded_verdict": recorded.get("verdict"),
        "trusted": whole.get("trusted"), "open": whole.get("open"), "by_chance": whole.get("by_chance"),
        "rests_on_chances": whole.get("rests_on_chances", False), "further": any(note["code"] == "further-rows" for note in said["notes"]),
        "reason": said["recommendation"]["reason"],
    }


def summary(part, records):
    change = np.array([record["truth_after"] - record["truth_before"] for record in records]) * 100
    kept = sum(record["kept"] for record in records)
    print(f"{part}: {len(records)} runs, old model kept in {kept}, mean change of true accuracy {change.mean():+.2f} points")
    if part not in ("headline", "stopped"):
        return
    for kind in sorted({record["kind"] for record in records}):
        rows = [(record["kept"], gain) for record, gain in zip(records, change) if record["kind"] == kind]
        made = [gain for kept, gain in rows if not kept]
        print(f"  {kind}: repaired in {len(made)} of {len(rows)}" + (f", true change {np.mean(made):+.2f} (from {min(made):+.2f} to {max(made):+.2f})" if made else ""))
    # Wrong is a claim against the truth by more than chance on so many rows allows for the difference (a tenth of a point is no change).
    said = {"better": 1, "worse": -1}
    claims = [(said[record["verdict"]], gain) for record, gain in zip(records, change) if record["verdict"] in said and not record["kept"]]
    wrong = sum(sign * gain <= 0 for sign, gain in claims)
    naive = [(said[record["recorded_verdict"]], gain) for record, gain in zip(records, change) if record["recorded_verdict"] in said and not record["kept"]]
    print(f"  claims of better or worse: {len(claims)}, against the truth {wrong}; by recorded labels {len(naive)}, against the truth {sum(s * g <= 0 for s, g in naive)}")
    for verdict in sorted({str(record["verdict"]) for record in records}):
        rows = [gain for record, gain in zip(records, change) if str(record["verdict"]) == verdict]
        print(f"  {verdict}: {len(rows)}, true change {np.mean(rows):+.2f} (from {min(rows):+.2f} to {max(rows):+.2f})")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("recant")
    options.add_argument("folder")
    options.add_argument("part", choices=["headline", "stopped", "false-flags", "corner-flags", "true-flags"])
    options.add_argument("--runs", type=int, required=True)
    options.add_argument("--from", dest="first", type=int, default=0, help="number of the first run")
    given = options.parse_args()
    os.makedirs(given.folder, exist_ok=True)
    path = f"{given.folder}/{given.part}.jsonl"
    records = [json.loads(line) for line in open(path)] if os.path.exists(path) else []
    done = {record["run"] for record in records}
    for number in range(given.first, given.first + given.runs):
        if number in done:
            continue
        record = one(given.recant, f"{given.folder}/work-{given.part}", given.part, number)
        records.append(record)
        with open(path, "a") as file:
            file.write(json.dumps(record) + "\n")
        print(record["run"], record["kind"], record["chosen"], record["verdict"], f"{record['truth_before']:.3f} -> {record['truth_after']:.3f}", flush=True)
    summary(given.part, records)


if __name__ == "__main__":
    main()
