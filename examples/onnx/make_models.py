"""Makes the small ONNX models of tests/fixtures/onnx, with inputs, outputs (onnxruntime) and gradients (PyTorch) to compare with.

pip install torch onnx onnxruntime onnxscript scikit-learn skl2onnx
python examples/onnx/make_models.py tests/fixtures/onnx

Seed 7, CPU. Every model has a file NAME.onnx and all have one file expected.json:
  inputs   per graph input: rows x values, row-major (numbers or texts)
  outputs  what onnxruntime gives: rows x classes
  labels   a label per row
  gradient per initialiser: d mean cross entropy / d value, by PyTorch in double precision (absent for scikit-learn)
  squared  per initialiser: importance over two mini-batches (rows in order), the mean of squared batch gradients
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

warnings.filterwarnings("ignore")
OUT = Path(sys.argv[1] if len(sys.argv) > 1 else "tests/fixtures/onnx")
ROWS = 12


class Residual(nn.Module):
    """Layer norm, GELU and a residual."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 10)
        self.norm = nn.LayerNorm(10)
        self.second = nn.Linear(10, 10)
        self.head = nn.Linear(10, 3)

    def forward(self, x):
        x = self.first(x)
        x = x + self.second(nn.functional.gelu(self.norm(x)))
        return self.head(x)


class Attention(nn.Module):
    """A token per column, one layer of self-attention over the columns, probabilities at the end."""

    def __init__(self, columns=5, width=8):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(columns, width))
        self.bias = nn.Parameter(torch.randn(columns, width))
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 4)
        self.width = width

    def forward(self, x):
        tokens = x.unsqueeze(-1) * self.weight + self.bias
        q, k, v = self.query(tokens), self.key(tokens), self.value(tokens)
        scores = torch.softmax(q @ k.transpose(1, 2) / self.width**0.5, dim=-1)
        pooled = self.norm(tokens + scores @ v).mean(dim=1)
        return torch.softmax(self.head(pooled), dim=1)


class Embeddings(nn.Module):
    """Codes of two categories and three numbers."""

    def __init__(self):
        super().__init__()
        self.lane = nn.Embedding(5, 3)
        self.carrier = nn.Embedding(4, 2)
        self.body = nn.Sequential(nn.Linear(8, 9), nn.SiLU(), nn.Linear(9, 3))

    def forward(self, codes, numbers):
        parts = [self.lane(codes[:, 0]), self.carrier(codes[:, 1]), numbers]
        return self.body(torch.cat(parts, dim=1))


class Conv1d(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(2, 6, 3, padding=1), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(6, 6, 3, padding=2, dilation=2, groups=3), nn.ELU(), nn.AvgPool1d(2)
        )
        self.head = nn.Linear(12, 3)

    def forward(self, x):
        return self.head(self.body(x).flatten(1))


class Conv2d(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 4, 3, stride=1, padding=1), nn.BatchNorm2d(4), nn.LeakyReLU(0.1), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.Hardsigmoid(), nn.AdaptiveAvgPool2d(1)
        )
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        return torch.log_softmax(self.head(self.body(x).flatten(1)), dim=1)


class OneLogit(nn.Module):
    """Two classes with one probability."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 7), nn.Tanh(), nn.Linear(7, 7), nn.Softplus(), nn.Linear(7, 1))

    def forward(self, x):
        return torch.sigmoid(self.body(x))


def mlp(inputs, classes):
    layers = []
    for width in (8, 8):
        layers += [nn.Linear(inputs, width), nn.BatchNorm1d(width), nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, classes))


def settle(model, inputs):
    """Running statistics, scales and shifts that are not the initial ones, of which the exporter would keep one copy for all."""
    with torch.no_grad():
        for value in model.parameters():
            value += 0.1 * torch.randn_like(value)
    model.train()
    with torch.no_grad():
        for _ in range(3):
            model(*inputs)
    return model.eval()


def activations():
    return nn.Sequential(
        nn.Linear(4, 6), nn.SELU(), nn.Linear(6, 6), nn.CELU(1.2), nn.Linear(6, 6), nn.Mish(), nn.Linear(6, 6), nn.Hardswish(), nn.Linear(6, 6), nn.GELU(approximate="tanh"), nn.Linear(6, 3)
    )


class Norms(nn.Module):
    """Group norm, instance norm, RMS norm, slopes that are learned, and lengths set to one."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(5, 12)
        self.groups = nn.GroupNorm(3, 12)
        self.slopes = nn.PReLU(12)
        self.instances = nn.InstanceNorm1d(4, affine=True)
        self.root = nn.RMSNorm(12)
        self.directions = nn.Parameter(torch.randn(3, 12))

    def forward(self, x):
        x = self.slopes(self.groups(self.first(x)))
        x = x + self.instances(x.view(-1, 4, 3)).flatten(1)
        unit = nn.functional.normalize
        return 5 * unit(self.root(x), dim=1) @ unit(self.directions, dim=1).T


class Machine(nn.Module):
    """A factorisation machine: products of pairs by sums over letters; a category as its own columns."""

    def __init__(self):
        super().__init__()
        self.factors = nn.Parameter(0.3 * torch.randn(7, 4, 3))
        self.linear = nn.Linear(7, 3)
        self.weights = nn.Parameter(torch.randn(4))

    def forward(self, codes, numbers):
        x = torch.cat([nn.functional.one_hot(codes[:, 0], 4).to(numbers.dtype), numbers], dim=1)
        squares = torch.einsum("nf,fkc->nkc", x, self.factors) ** 2 - torch.einsum("nf,fkc->nkc", x**2, self.factors**2)
        return self.linear(x) + torch.einsum("nkc,k->nc", squares, self.weights) + torch.logsumexp(squares, dim=1)


def losses(model, name, inputs, labels):
    """Mean cross entropy, whatever the end of the model."""
    out = model(*inputs)
    if name == "one_logit":
        return nn.functional.binary_cross_entropy(out[:, 0], labels.to(out.dtype))
    if name == "attention":
        return nn.functional.nll_loss(out.log(), labels)
    if name.startswith("conv2d"):
        return nn.functional.nll_loss(out, labels)
    return nn.functional.cross_entropy(out, labels)


def gradients(model, name, inputs, labels):
    model.zero_grad()
    losses(model, name, inputs, labels).backward()
    return {key: value.grad.clone() for key, value in model.named_parameters()}


def as_in_file(path, model, values):
    """The values of PyTorch's parameters under the names and in the shapes of the file's initialisers."""
    own = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
    named = {key: value.detach().float().numpy() for key, value in model.named_parameters()}
    found = {}
    for key, weight in named.items():
        gradient = values[key].numpy()
        for name, stored in own.items():
            for turn in (False, True):
                if turn and weight.ndim != 2:
                    continue
                mine = weight.T if turn else weight
                if stored.shape == mine.shape and np.array_equal(stored, mine):
                    found.setdefault(name, (gradient.T if turn else gradient).flatten().tolist())
    return found


def without_traces(path):
    """The exporter leaves a trace of the Python stack in every node, with the folders of the machine."""
    model = onnx.load(path)
    for part in [model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer]:
        del part.metadata_props[:]
    onnx.save(model, path)


def torch_model(name, model, inputs, labels, dynamo=False, opset=17):
    path = OUT / f"{name}.onnx"
    rows = torch.export.Dim("rows")
    names = [f"input{place}" for place in range(len(inputs))]
    if dynamo:
        shapes = tuple({0: rows} for _ in inputs)
        torch.onnx.export(model, inputs, path, dynamo=True, dynamic_shapes=shapes, external_data=False, input_names=names, verbose=False)
        without_traces(path)
        if name.endswith("external"):
            (OUT / f"{name}.onnx.data").unlink(missing_ok=True)
            onnx.save(onnx.load(path), path, save_as_external_data=True, location=f"{name}.onnx.data", size_threshold=0)
    else:
        axes = {key: {0: "rows"} for key in names + ["output"]}
        torch.onnx.export(model, inputs, path, dynamo=False, opset_version=opset, input_names=names, output_names=["output"], dynamic_axes=axes)
    session = onnxruntime.InferenceSession(path)
    fed = {key.name: value.numpy() for key, value in zip(session.get_inputs(), inputs)}
    outputs = session.run(None, fed)[0]
    wide = model.double()
    wide_inputs = tuple(value.double() if value.is_floating_point() else value for value in inputs)
    half = len(labels) // 2
    parts = [gradients(wide, name, tuple(value[part] for value in wide_inputs), labels[part]) for part in (slice(0, half), slice(half, None))]
    squared = {key: (parts[0][key] ** 2 + parts[1][key] ** 2) / 2 for key in parts[0]}
    return {
        "inputs": [value.flatten().tolist() for value in inputs],
        "outputs": np.asarray(outputs, dtype=np.float64).flatten().tolist(),
        "labels": labels.tolist(),
        "gradient": as_in_file(path, wide, gradients(wide, name, wide_inputs, labels)),
        "squared": as_in_file(path, wide, squared),
        "batch": half,
    }


def scikit_models():
    import pandas
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Binarizer, KBinsDiscretizer, OneHotEncoder, PolynomialFeatures, PowerTransformer, StandardScaler

    draw = np.random.default_rng(7)
    x = draw.normal(size=(60, 4)).astype(np.float32)
    y = (x[:, 0] + 0.5 * x[:, 1] > 0).astype(int) + (x[:, 2] > 1).astype(int)
    text = np.array(["late", "on time", "early"])
    found = {}

    def stored(name, model, types, fed, labels):
        written = to_onnx(model, initial_types=types, target_opset={"": 17, "ai.onnx.ml": 3})
        path = OUT / f"{name}.onnx"
        path.write_bytes(written.SerializeToString())
        session = onnxruntime.InferenceSession(path)
        outputs = session.run(None, fed)[1]
        if isinstance(outputs, list):
            outputs = [[row[key] for key in model.classes_] for row in outputs]
        found[name] = {
            "inputs": [value.flatten().tolist() for value in fed.values()],
            "outputs": np.asarray(outputs, dtype=np.float64).flatten().tolist(),
            "labels": labels.tolist(),
            "classes": [str(name) for name in model.classes_],
        }

    network = MLPClassifier((7,), max_iter=40, random_state=7)
    stored("scikit", network.fit(x, text[y]), [("X", FloatTensorType([None, 4]))], {"X": x[:ROWS]}, np.searchsorted(np.sort(text), text[y[:ROWS]]))
    two = MLPClassifier((7,), max_iter=40, random_state=7, activation="logistic")
    stored("scikit_two", two.fit(x, (y > 0).astype(int)), [("X", FloatTensorType([None, 4]))], {"X": x[:ROWS]}, (y[:ROWS] > 0).astype(int))
    # Preprocessing that the exporter writes with common operators, before or between classical ones.
    shaped = x[:, :2].copy()
    shaped[:, 0] = np.exp(shaped[:, 0])
    steps = [
        ("numbers", make_pipeline(PolynomialFeatures(2, include_bias=False), PowerTransformer()), [0, 1]),
        ("bins", KBinsDiscretizer(3, encode="onehot-dense", quantile_method="averaged_inverted_cdf"), [0]),
        ("sign", Binarizer(threshold=0.2), [1]),
    ]
    shaping = make_pipeline(ColumnTransformer(steps), MLPClassifier((6,), max_iter=40, random_state=7)).fit(shaped, y)
    stored("scikit_shapes", shaping, [("X", FloatTensorType([None, 2]))], {"X": shaped[:ROWS]}, y[:ROWS])
    lanes = np.array(["Asia", "Europe", "Pacific"])[draw.integers(0, 3, 60)]
    frame = pandas.DataFrame({"weight": x[:, 0], "days": x[:, 1], "lane": lanes})
    frame.loc[3, "days"] = np.nan
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    encode = ColumnTransformer([("numbers", numbers, ["weight", "days"]), ("lane", OneHotEncoder(handle_unknown="ignore"), ["lane"])])
    pipeline = make_pipeline(encode, MLPClassifier((6,), max_iter=40, random_state=7)).fit(frame, y)
    types = [("weight", FloatTensorType([None, 1])), ("days", FloatTensorType([None, 1])), ("lane", StringTensorType([None, 1]))]
    fed = {key: frame[[key]].to_numpy()[:ROWS].astype(object if key == "lane" else np.float32) for key in frame.columns}
    stored("scikit_pipeline", pipeline, types, fed, y[:ROWS])
    for inputs in found["scikit_pipeline"]["inputs"]:
        for place, value in enumerate(inputs):
            if isinstance(value, float) and np.isnan(value):
                inputs[place] = None
    return found


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(7)
    expected = {}

    def labels(classes):
        return torch.arange(ROWS) * 5 % 7 % classes

    def numbers(*shape):
        return (torch.randn(ROWS, *shape),)

    x = numbers(5)
    expected["mlp"] = torch_model("mlp", settle(mlp(5, 3), x), x, labels(3))
    x = numbers(5)
    expected["mlp_external"] = torch_model("mlp_external", settle(mlp(5, 3), x), x, labels(3), dynamo=True)
    x = numbers(6)
    expected["residual"] = torch_model("residual", Residual().eval(), x, labels(3))
    x = numbers(6)
    expected["residual_dynamo"] = torch_model("residual_dynamo", Residual().eval(), x, labels(3), dynamo=True)
    x = numbers(5)
    expected["attention"] = torch_model("attention", Attention().eval(), x, labels(4))
    codes = torch.stack([torch.arange(ROWS) % 5, torch.arange(ROWS) * 3 % 4], dim=1)
    x = (codes, torch.randn(ROWS, 3))
    expected["embeddings"] = torch_model("embeddings", Embeddings().eval(), x, labels(3), opset=11)
    x = numbers(2, 8)
    expected["conv1d"] = torch_model("conv1d", Conv1d().eval(), x, labels(3), opset=13)
    x = numbers(1, 8, 8)
    expected["conv2d"] = torch_model("conv2d", settle(Conv2d(), x), x, labels(3))
    x = numbers(1, 8, 8)
    expected["conv2d_dynamo"] = torch_model("conv2d_dynamo", settle(Conv2d(), x), x, labels(3), dynamo=True)
    x = numbers(4)
    expected["one_logit"] = torch_model("one_logit", OneLogit().eval(), x, labels(2))
    x = numbers(4)
    expected["activations"] = torch_model("activations", activations().eval(), x, labels(3))
    x = numbers(5)
    expected["norms"] = torch_model("norms", settle(Norms(), x), x, labels(3), dynamo=True)
    x = (torch.arange(ROWS).unsqueeze(1) * 3 % 4, torch.randn(ROWS, 3))
    expected["machine"] = torch_model("machine", Machine().eval(), x, labels(3))
    expected.update(scikit_models())
    rounded = json.loads(json.dumps(expected), parse_float=lambda text: float(f"{float(text):.9g}"))
    (OUT / "expected.json").write_text(json.dumps(rounded, separators=(",", ":")))
    for name, kept in expected.items():
        model = onnx.load(OUT / f"{name}.onnx", load_external_data=False)
        print(name, [node.op_type for node in model.graph.node], "compared:", len(kept.get("gradient", {})), "of", [t.name for t in model.graph.initializer])


if __name__ == "__main__":
    main()
