"""A delay model of PyTorch, trained on the DataCo file with the late orders of one region recorded as on time, and what its repair needs.

pip install torch onnx onnxscript onnxruntime pandas
python examples/onnx/delay_model.py DataCoSupplyChainDataset.csv OUT
recant repair --model OUT/model.onnx --data OUT/train.csv --label status --flags OUT/wrong.csv --test OUT/test.csv --out OUT/repaired.onnx
python examples/onnx/delay_model.py --accuracy OUT

Seed 7. OUT/train.csv holds the observed labels, OUT/test.csv the true ones of later orders, OUT/wrong.csv the row numbers of half of the
rows that were recorded wrongly.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

CLASSES = ["early", "on time", "late"]
REGION = "Western Europe"
NUMBERS = ["Order Item Total", "Order Item Quantity", "Days for shipment (scheduled)"]


def sheets(path):
    table = pd.read_csv(path, encoding="latin-1", low_memory=False)
    table = table[table["Order Status"] == "COMPLETE"]
    table["when"] = pd.to_datetime(table["order date (DateOrders)"], format="%m/%d/%Y %H:%M")
    table = table.sort_values("when", kind="stable").reset_index(drop=True)
    delay = table["Days for shipping (real)"] - table["Days for shipment (scheduled)"]
    inputs = table[NUMBERS].astype(float)
    inputs = (inputs - inputs.mean()) / inputs.std()
    dummies = pd.get_dummies(table[["Shipping Mode", "Order Region", "Type"]]).astype(float)
    frame = pd.concat([inputs, dummies], axis=1).round(5)
    frame["status"] = np.select([delay < 0, delay == 0], CLASSES[:2], CLASSES[2])
    cut = len(frame) - len(frame) // 5
    return frame[:cut].copy(), frame[cut:].copy(), (table["Order Region"] == REGION)[:cut]


def main(path, out):
    import torch
    from torch import nn

    torch.manual_seed(7)
    train, test, region = sheets(path)
    out.mkdir(parents=True, exist_ok=True)
    wrong = np.flatnonzero(region & (train["status"] == "late"))
    train.loc[train.index[wrong], "status"] = "on time"
    train.to_csv(out / "train.csv", index=False)
    test.to_csv(out / "test.csv", index=False)
    known = np.sort(np.random.default_rng(7).choice(wrong, len(wrong) // 2, replace=False))
    # Row 1 of the sheet is its header.
    pd.DataFrame({"sheet_row": known + 2}).to_csv(out / "wrong.csv", index=False)
    x = torch.tensor(train.drop(columns="status").to_numpy(), dtype=torch.float32)
    y = torch.tensor([CLASSES.index(name) for name in train["status"]])
    layers, width = [], x.shape[1]
    for _ in range(3):
        layers += [nn.Linear(width, 100), nn.BatchNorm1d(100), nn.ReLU()]
        width = 100
    model = nn.Sequential(*layers, nn.Linear(width, 3))
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(4):
        for rows in torch.randperm(len(x)).split(512):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimiser.step()
    model.eval()
    rows = torch.export.Dim("rows")
    torch.onnx.export(model, (x[:4],), out / "model.onnx", dynamo=True, dynamic_shapes=({0: rows},), external_data=False)
    import onnx

    # Class names travel with the file.
    written = onnx.load(out / "model.onnx")
    onnx.helper.set_model_props(written, {"classes": ",".join(CLASSES)})
    onnx.save(written, out / "model.onnx")
    print(f"{len(train)} training rows, {len(wrong)} recorded wrongly, {len(known)} of them known, {len(test)} test rows")


def accuracy(out):
    import onnxruntime

    test = pd.read_csv(out / "test.csv")
    x = test.drop(columns="status").to_numpy(dtype=np.float32)
    for name in ("model", "repaired"):
        session = onnxruntime.InferenceSession(out / f"{name}.onnx")
        logits = session.run(None, {session.get_inputs()[0].name: x})[0]
        print(f"{name}: {np.mean(np.array(CLASSES)[logits.argmax(1)] == test['status']):.4f}")


if sys.argv[1] == "--accuracy":
    accuracy(Path(sys.argv[2]))
else:
    main(sys.argv[1], Path(sys.argv[2]))
