"""A pipeline of scikit-learn (texts and numbers in, an MLP behind) on made-up orders with the late ones of one region recorded as on time, and what
its repair needs.

pip install scikit-learn skl2onnx onnxruntime pandas
recant generate --rows 60000 --seed 7 --out orders.csv
python examples/onnx/orders_pipeline.py orders.csv OUT
recant repair --model OUT/model.onnx --data OUT/train.csv --label status --key "Order Item Id" --flags OUT/wrong.csv --test OUT/test.csv --method assd --out OUT/repaired.onnx
python examples/onnx/orders_pipeline.py --accuracy OUT

Seed 7. OUT/train.csv holds the observed labels, OUT/test.csv the true ones of later orders, OUT/wrong.csv the keys of half of the rows that were
recorded wrongly. The accuracies are onnxruntime's.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

REGION = "Western Europe"
KEY = "Order Item Id"
NUMBERS = ["Order Item Total", "Order Item Quantity", "Days for shipment (scheduled)", "hour"]
TEXTS = ["Shipping Mode", "Order Region", "Type", "Category Name", "month", "weekday"]


def sheets(path):
    table = pd.read_csv(path, encoding="latin-1", low_memory=False)
    table = table[table["Order Status"] == "COMPLETE"]
    when = pd.to_datetime(table["order date (DateOrders)"], format="%m/%d/%Y %H:%M")
    table = table.assign(when=when, hour=when.dt.hour, month=when.dt.month_name(), weekday=when.dt.day_name())
    table = table.sort_values("when", kind="stable").reset_index(drop=True)
    delay = table["Days for shipping (real)"] - table["Days for shipment (scheduled)"]
    frame = table[[KEY, *NUMBERS, *TEXTS]].copy()
    frame["status"] = np.select([delay < 0, delay == 0], ["early", "on time"], "late")
    cut = len(frame) - len(frame) // 5
    return frame[:cut].copy(), frame[cut:].copy()


def main(path, out):
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    from sklearn.compose import make_column_transformer
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    train, test = sheets(path)
    out.mkdir(parents=True, exist_ok=True)
    wrong = train.index[(train["Order Region"] == REGION) & (train["status"] == "late")]
    train.loc[wrong, "status"] = "on time"
    known = np.sort(np.random.default_rng(7).choice(wrong, len(wrong) // 2, replace=False))
    train.to_csv(out / "train.csv", index=False)
    test.to_csv(out / "test.csv", index=False)
    train.loc[known, [KEY]].to_csv(out / "wrong.csv", index=False)
    columns = make_column_transformer((StandardScaler(), NUMBERS), (OneHotEncoder(handle_unknown="ignore"), TEXTS))
    network = MLPClassifier((100, 100), max_iter=15, random_state=7)
    model = make_pipeline(columns, network).fit(train[NUMBERS + TEXTS], train["status"])
    types = [(name, FloatTensorType([None, 1])) for name in NUMBERS] + [(name, StringTensorType([None, 1])) for name in TEXTS]
    (out / "model.onnx").write_bytes(to_onnx(model, initial_types=types).SerializeToString())
    print(f"{len(train)} training rows, {len(wrong)} recorded wrongly, {len(known)} of them known, {len(test)} test rows")


def accuracy(out):
    import onnxruntime

    test = pd.read_csv(out / "test.csv")
    for name in ("model", "repaired"):
        session = onnxruntime.InferenceSession(out / f"{name}.onnx")
        # The exporter writes names without blanks, in the order of the columns.
        names = [given.name for given in session.get_inputs()]
        kinds = [np.float32] * len(NUMBERS) + [object] * len(TEXTS)
        fed = {name: test[[column]].to_numpy(kind) for name, column, kind in zip(names, NUMBERS + TEXTS, kinds)}
        said = session.run(["output_label"], fed)[0]
        region = (test["Order Region"] == REGION).to_numpy()
        right = said == test["status"].to_numpy()
        print(f"{name}: {right.mean():.4f} on all {len(test)} rows, {right[region].mean():.4f} on the {region.sum()} of {REGION}")


if sys.argv[1] == "--accuracy":
    accuracy(Path(sys.argv[2]))
else:
    main(sys.argv[1], Path(sys.argv[2]))
