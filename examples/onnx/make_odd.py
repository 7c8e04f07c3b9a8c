"""Models whose files hold less, or take less, than others: of half precision, and with a category encoder that knows no others.

pip install torch onnx scikit-learn skl2onnx
python examples/onnx/make_odd.py tests/fixtures/onnx

Writes half.onnx (an MLP of 4-9-3 with weights of 16 bits, trained on the rows of assd_golden.py) and strict.onnx (inputs `mode`, `days` and
`weight`; a one-hot encoder of `mode` that refuses what it does not know; an MLP of 5-4-2). Seed 7.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import torch
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from torch import nn


def rows():
    """The inputs and labels of assd_golden.py."""
    number = np.arange(2400, dtype=np.float64)
    x = np.stack([np.sin(number * (0.7 + 0.31 * column) + column) for column in range(4)], axis=1).astype(np.float32)
    truth = (x[:, 0] + 0.5 * x[:, 1] > 0).astype(int) + (x[:, 2] > 0.3).astype(int)
    return torch.tensor(x), torch.tensor(np.where((truth == 2) & (x[:, 3] > 0.2), 1, truth))


def half(out):
    torch.manual_seed(7)
    x, y = rows()
    model = nn.Sequential(nn.Linear(4, 9), nn.ReLU(), nn.Linear(9, 3))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(30):
        for batch in torch.randperm(len(x)).split(256):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimiser.step()
    axes = {"x": {0: "rows"}, "logits": {0: "rows"}}
    torch.onnx.export(model.half().eval(), (x[:4].half(),), out / "half.onnx", dynamo=False, input_names=["x"], output_names=["logits"], dynamic_axes=axes)
    written = onnx.load(out / "half.onnx")
    onnx.helper.set_model_props(written, {"classes": "early,on time,late"})
    onnx.save(written, out / "half.onnx")


def strict(out):
    number = np.arange(60)
    frame = pd.DataFrame({"mode": np.array(["air", "sea", "road"])[number % 3], "days": number % 7.0, "weight": np.sin(number)})
    late = np.where((number % 3 == 1) | (number % 7 > 4), "late", "on time")
    encode = ColumnTransformer([("mode", OneHotEncoder(), ["mode"]), ("numbers", StandardScaler(), ["days", "weight"])])
    model = make_pipeline(encode, MLPClassifier((4,), max_iter=200, random_state=7)).fit(frame, late)
    types = [("mode", StringTensorType([None, 1])), ("days", FloatTensorType([None, 1])), ("weight", FloatTensorType([None, 1]))]
    (out / "strict.onnx").write_bytes(convert_sklearn(model, initial_types=types).SerializeToString())


if __name__ == "__main__":
    half(Path(sys.argv[1]))
    strict(Path(sys.argv[1]))
