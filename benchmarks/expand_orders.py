"""What `recant expand` says on made-up orders whose wrong rows are known: patterns, slips, and flags on right rows.

    python benchmarks/expand_orders.py RECANT FOLDER --out rows.jsonl [--seeds 3] [--cases lane,three,...] [--rows 8000] [--known 0.2]

Needs pandas. A sheet of 8,000 orders (seed 1000 and up), of which 90 % are COMPLETE, loses the columns that give the label away. Cases:

    lane       late orders of one market and shipping mode are recorded as on time
    three      the same where market, mode and customer segment meet
    threshold  the same from a price on, in a window of eight months
    category   the same in one of 50 product categories
    clerks     late as on time in one market, on time as late in another
    stray      `lane`, and a fifth of the flags lie on right rows anywhere
    few        `lane`, ten flags
    slips      6 % of all rows get another class at random
    audited    the same, and all flags come from one market: nobody looked elsewhere
    told       the same, with `--checked`
    false      flags on random rows, none of them wrong
    false-told flags on random rows of one market, none of them wrong, with `--checked`
    false-corner the same without `--checked`

A part (--known) of the wrong training rows is flagged; of false flags there are as many as 5 % of the rows (of the market's rows). One line of
JSON a run: rows proposed and claimed against those that are wrong, the same for all that is listed, and by tenths of the chance told.
"""

import argparse, json, os, shutil, subprocess

import numpy as np
import pandas as pd

KEY, DAYS, PLAN, WHEN = "Order Item Id", "Days for shipping (real)", "Days for shipment (scheduled)", "order date (DateOrders)"
GIVEN_AWAY = ["Late_delivery_risk", "Delivery Status", "shipping date (DateOrders)"]
CASES = ["lane", "three", "threshold", "category", "clerks", "stray", "few", "slips", "audited", "told", "false", "false-told", "false-corner"]
MARKETS = ["LATAM", "Europe", "Pacific Asia", "USCA"]


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stderr}")
    return done.stdout


def orders(recant, folder, rows, number):
    path = f"{folder}/made-up.csv"
    run(recant, "generate", "--rows", rows, "--seed", 1000 + number, "--complete-share", "90%", "--out", path, "-q", "--force")
    made = pd.read_csv(path, encoding="latin-1")
    complete = made["Order Status"] == "COMPLETE"
    order = made[complete].assign(when=pd.to_datetime(made[WHEN])).sort_values("when", kind="stable")
    training = set(order[KEY].values[: int(len(order) * 0.72)])
    return made.drop(columns=[name for name in GIVEN_AWAY if name in made]), complete, training


def damaged(made, complete, case, number):
    """The sheet with errors, and which rows are wrong."""
    rng = np.random.default_rng(number)
    gap = made[DAYS] - made[PLAN]
    late, punctual = complete & (gap > 0), complete & (gap == 0)
    market, other = MARKETS[number % 4], MARKETS[(number + 1) % 4]
    mode = ["Standard Class", "Second Class"][number % 2]
    segment = ["Consumer", "Corporate"][number % 2]
    here = made["Market"] == market
    bad = made.copy()
    if case in ("slips", "audited", "told"):
        hit = complete & (rng.random(len(made)) < 0.06)
        shift = np.where(gap > 0, rng.choice([0, -1], len(made)), np.where(gap == 0, rng.choice([1, -1], len(made)), rng.choice([0, 1], len(made))))
        bad.loc[hit, DAYS] = (bad[PLAN] + shift)[hit].clip(lower=0)
        wrong = np.sign(bad[DAYS] - bad[PLAN]) != np.sign(gap)
        return bad, complete & wrong, market
    if case.startswith("false"):
        return bad, complete & False, market
    months = pd.to_datetime(made[WHEN]).rank(pct=True)
    hit = {
        "lane": here & (made["Shipping Mode"] == mode), "stray": here & (made["Shipping Mode"] == mode), "few": here & (made["Shipping Mode"] == mode),
        "three": here & (made["Shipping Mode"] == "Standard Class") & (made["Customer Segment"] == segment),
        "threshold": (made["Order Item Product Price"] >= made["Order Item Product Price"].quantile([0.5, 0.6, 0.7][number % 3])) & months.between(0.2, 0.5),
        "category": made["Category Name"] == made["Category Name"].value_counts().index[number % 4],
        "clerks": here,
    }[case]
    if case == "clerks":
        swapped = (made["Market"] == other) & punctual & (rng.random(len(made)) < 0.8)
        bad.loc[swapped, DAYS] = bad.loc[swapped, PLAN] + 1
    wrong = hit & late & (rng.random(len(made)) < (0.9 if case in ("clerks", "lane", "stray") else 1.0))
    bad.loc[wrong, DAYS] = bad.loc[wrong, PLAN]
    return bad, wrong | (swapped if case == "clerks" else False), market


def one(arguments, case, number):
    recant, folder = arguments.recant, arguments.folder
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    rng = np.random.default_rng(5_000 + number)
    made, complete, training = orders(recant, folder, arguments.rows, number)
    bad, wrong, market = damaged(made, complete, case, number)
    learnt = bad[KEY].isin(training)
    here = bad["Market"] == market
    known = np.sort(bad.loc[wrong & learnt, KEY].values)
    if case in ("audited", "told"):
        known = np.sort(bad.loc[wrong & learnt & here, KEY].values)
        flags = rng.choice(known, int(0.5 * len(known)), replace=False)
    elif case.startswith("false"):
        from_these = bad.loc[learnt & (here if case != "false" else True), KEY].values
        flags = rng.choice(from_these, int(0.05 * len(from_these)), replace=False)
    else:
        flags = rng.choice(known, 10 if case == "few" else max(5, int(arguments.known * len(known))), replace=False)
    if case == "stray":
        right = bad.loc[learnt & ~wrong, KEY].values
        flags = np.concatenate([flags, rng.choice(right, len(flags) // 4, replace=False)])
    sheet, model, flag_file, out = (f"{folder}/{name}" for name in ("bad.csv", "model", "flags.csv", "found.csv"))
    bad.to_csv(sheet, index=False)
    pd.DataFrame({KEY: flags}).to_csv(flag_file, index=False)
    run(recant, "train", sheet, "--profile", "dataco", "--out", model, "-q", "--threads", 1)
    checked = ["--checked", f"Market = {market}"] if case.endswith("told") else []
    told = json.loads(run(recant, "expand", sheet, "--model", model, "--flags", flag_file, *checked, "--out", out, "--json", "--threads", 1))
    found = pd.read_csv(out, encoding="utf-8-sig")
    wrong_keys, flagged = set(bad.loc[wrong, KEY]), set(flags)
    rest = wrong_keys & training - flagged
    listed = found[found["kind"].isin(["pattern", "doubtful"])]
    proposed = found[found["kind"] == "pattern"]
    hits = lambda rows: int(rows[KEY].isin(rest).sum())
    tenths = []
    for tenth in range(10):
        rows = listed[(listed["chance_wrong"] * 10).clip(upper=9.99).astype(int) == tenth]
        tenths.append([len(rows), round(float(rows["chance_wrong"].sum()), 1), hits(rows)])
    return {
        "case": case, "seed": number, "rows": told["training_rows"], "wrong": len(wrong_keys & training), "flagged": len(flagged), "verdict": told["verdict"],
        "sentence": told["sentence"], "rules": [rule["conditions"] for rule in told["rules"]], "ranges": [rule.get("wrong_range") for rule in told["rules"]],
        "estimates": [round(rule["estimated_wrong"], 1) for rule in told["rules"]], "unknown_wrong": len(rest), "proposed": len(proposed), "proposed_wrong": hits(proposed),
        "proposed_claimed": round(float(proposed["chance_wrong"].sum()), 1), "listed": len(listed), "listed_wrong": hits(listed),
        "listed_claimed": round(float(listed["chance_wrong"].sum()), 1), "recall": round(hits(listed) / len(rest), 3) if rest else None, "tenths": tenths,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recant")
    parser.add_argument("folder")
    parser.add_argument("--out", required=True)
    parser.add_argument("--rows", type=int, default=8_000)
    parser.add_argument("--known", type=float, default=0.2)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cases", default=",".join(CASES))
    arguments = parser.parse_args()
    with open(arguments.out, "a") as out:
        for case in arguments.cases.split(","):
            for seed in range(arguments.seeds):
                record = one(arguments, case, seed)
                out.write(json.dumps(record) + "\n")
                out.flush()
                print({key: value for key, value in record.items() if key != "tenths"}, flush=True)


if __name__ == "__main__":
    main()
