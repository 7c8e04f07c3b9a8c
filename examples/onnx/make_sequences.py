"""Small ONNX models that remember, attend, choose and branch, with what onnxruntime and PyTorch make of them.

pip install torch onnx onnxruntime onnxscript
python examples/onnx/make_sequences.py tests/fixtures/onnx

Seed 7, CPU. Writes the models and expected_sequences.json, as make_models.py does expected.json. Recurrent layers by both exporters of PyTorch,
attention as one operator (operator set 23), a mixture of experts (TopK), sparsemax (sorting and running sums), a scripted model with a loop
and branches, a `squeeze` that a single row does not survive, and by hand what PyTorch does not write: GRU with its gate before the product,
LSTM with peepholes, ScatterND, ScatterElements, GatherND, Trilu.
"""

import json

import numpy as np
import onnx
import onnxruntime
import torch
from make_models import OUT, ROWS, torch_model, without_traces
from onnx import TensorProto, helper, numpy_helper
from torch import nn


class Layer(nn.Module):
    """A recurrent layer over four steps of two values."""

    def __init__(self, kind, **options):
        super().__init__()
        self.layer = kind(2, 3, batch_first=True, **options)
        self.out = nn.Linear(6 if options.get("bidirectional") else 3, 3)

    def forward(self, x):
        return self.out(self.layer(x)[0][:, -1])


class Last(nn.Module):
    """Memory and state of an LSTM after its last step."""

    def __init__(self):
        super().__init__()
        self.layer = nn.LSTM(2, 3, batch_first=True)
        self.out = nn.Linear(6, 3)

    def forward(self, x):
        _, (state, memory) = self.layer(x)
        return self.out(torch.cat([state[-1], memory[-1]], dim=1))


class Heads(nn.Module):
    """Four heads of queries that share two of keys and values, causal."""

    def __init__(self):
        super().__init__()
        self.lift = nn.Linear(1, 4)
        self.queries, self.keys, self.values = nn.Linear(4, 8), nn.Linear(4, 4), nn.Linear(4, 4)
        self.out = nn.Linear(40, 3)

    def forward(self, x):
        tokens = self.lift(x.unsqueeze(-1))
        parted = lambda values, heads: values.view(values.shape[0], 5, heads, 2).transpose(1, 2)
        found = nn.functional.scaled_dot_product_attention(
            parted(self.queries(tokens), 4), parted(self.keys(tokens), 2), parted(self.values(tokens), 2), is_causal=True, enable_gqa=True
        )
        return self.out(found.transpose(1, 2).reshape(x.shape[0], 40))


class Experts(nn.Module):
    """The two of four experts that a gate prefers."""

    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(5, 4)
        self.experts = nn.ModuleList([nn.Linear(5, 3) for _ in range(4)])

    def forward(self, x):
        weight, which = torch.topk(torch.softmax(self.gate(x), 1), 2, dim=1)
        all_of_them = torch.stack([expert(x) for expert in self.experts], 1)
        chosen = torch.gather(all_of_them, 1, which.unsqueeze(-1).expand(-1, -1, 3))
        return (chosen * weight.unsqueeze(-1)).sum(1)


class Sparse(nn.Module):
    """Sparsemax, as attention over features (TabNet) has it."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(5, 6), nn.Linear(6, 3)

    def forward(self, x):
        scores = self.first(x)
        ordered, _ = torch.sort(scores, dim=1, descending=True)
        sums = ordered.cumsum(1) - 1
        support = ((1 + torch.arange(1, 7) * ordered) > (sums + 1)).sum(1, keepdim=True)
        least = torch.gather(sums, 1, support - 1) / support
        return self.last(torch.clamp(scores - least, min=0))


class Scripted(nn.Module):
    """A loop over the columns and branches over shapes."""

    def __init__(self):
        super().__init__()
        self.state = nn.Linear(4, 4)
        self.out = nn.Linear(4, 3)

    def forward(self, x):
        state = torch.zeros(x.shape[0], 4)
        for place in range(x.shape[1]):
            state = torch.tanh(self.state(state) + x[:, place].unsqueeze(1))
        if state.shape[1] > 3:
            state = self.out(state)
        return state.squeeze(1)


class Squeezed(nn.Module):
    def __init__(self):
        super().__init__()
        self.windows = nn.Conv1d(1, 4, 3, padding=1)
        self.pool = nn.AdaptiveAvgPool1d(1)
        self.out = nn.Linear(4, 3)

    def forward(self, x):
        return self.out(self.pool(torch.relu(self.windows(x.unsqueeze(1)))).squeeze())


def scripted(name, model, inputs, labels):
    """As torch_model, of a model that TorchScript compiled."""
    path = OUT / f"{name}.onnx"
    axes = {"x": {0: "rows"}, "output": {0: "rows"}}
    torch.onnx.export(torch.jit.script(model), inputs, path, dynamo=False, opset_version=17, input_names=["x"], output_names=["output"], dynamic_axes=axes)
    return by_runtime(path, inputs, labels)


def by_runtime(path, inputs, labels):
    session = onnxruntime.InferenceSession(path)
    outputs = session.run(None, {key.name: value.numpy() for key, value in zip(session.get_inputs(), inputs)})[0]
    return {
        "inputs": [value.flatten().tolist() for value in inputs],
        "outputs": np.asarray(outputs, dtype=np.float64).flatten().tolist(),
        "labels": labels.tolist(),
    }


def by_hand(name, inputs, labels):
    """Steps 3 x rows x 2 through a GRU backwards and an LSTM with peepholes; what they make is moved about."""
    random = np.random.default_rng(7)
    weights = lambda key, *shape: numpy_helper.from_array(random.normal(0, 0.6, shape).astype(np.float32), key)
    whole = lambda key, values: numpy_helper.from_array(np.array(values, dtype=np.int64), key)
    initializers = [
        weights("gru.w", 1, 9, 2), weights("gru.r", 1, 9, 3), weights("gru.b", 1, 18),
        weights("lstm.w", 1, 12, 2), weights("lstm.r", 1, 12, 3), weights("lstm.b", 1, 24), weights("lstm.p", 1, 9),
        weights("mixed", 3, 3), weights("out", 6, 3),
        whole("steps", [0, 3, 2]), whole("zero", [0]), whole("one", [1]), whole("both", [-1, 6]), whole("first", [[0, 0], [1, 2]]),
        whole("turned", [[2, 1, 0], [1, 0, 2]]), whole("corner", [[0, 1], [2, 2]]), whole("top", [2]),
    ]
    nodes = [
        helper.make_node("Reshape", ["x", "steps"], ["table"]),
        helper.make_node("Transpose", ["table"], ["sequence"], perm=[1, 0, 2]),
        helper.make_node("GRU", ["sequence", "gru.w", "gru.r", "gru.b"], ["", "gru.last"], hidden_size=3, linear_before_reset=0, direction="reverse"),
        helper.make_node("LSTM", ["sequence", "lstm.w", "lstm.r", "lstm.b", "", "", "", "lstm.p"], ["", "lstm.last"], hidden_size=3),
        # A matrix with numbers moved about, that multiplies what the GRU made.
        helper.make_node("Trilu", ["mixed"], ["upper"], upper=1),
        helper.make_node("GatherND", ["mixed", "first"], ["two"]),
        helper.make_node("ScatterND", ["upper", "corner", "two"], ["placed"]),
        helper.make_node("Slice", ["mixed", "zero", "top", "zero"], ["rows2"]),
        helper.make_node("ScatterElements", ["placed", "turned", "rows2"], ["matrix"], axis=1),
        helper.make_node("Squeeze", ["gru.last", "zero"], ["g"]),
        helper.make_node("Squeeze", ["lstm.last", "zero"], ["l"]),
        helper.make_node("MatMul", ["g", "matrix"], ["gm"]),
        helper.make_node("Concat", ["gm", "l"], ["all"], axis=1),
        helper.make_node("Reshape", ["all", "both"], ["flat"]),
        helper.make_node("MatMul", ["flat", "out"], ["y"]),
    ]
    value = lambda key, *shape: helper.make_tensor_value_info(key, TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "by_hand", [value("x", None, 6)], [value("y", None, 3)], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, OUT / f"{name}.onnx")
    return by_runtime(OUT / f"{name}.onnx", inputs, labels)


def main():
    torch.manual_seed(7)
    expected = {}
    labels = torch.arange(ROWS) * 5 % 7 % 3
    steps = (torch.randn(ROWS, 4, 2),)
    columns = (torch.randn(ROWS, 5),)
    exported = {
        "gru": (Layer(nn.GRU, bidirectional=True), steps, {}),
        "gru_dynamo": (Layer(nn.GRU), steps, {"dynamo": True}),
        "lstm": (Layer(nn.LSTM, bidirectional=True, num_layers=2), steps, {}),
        "lstm_dynamo": (Last(), steps, {"dynamo": True}),
        "rnn": (Layer(nn.RNN, nonlinearity="relu"), steps, {}),
        "experts": (Experts(), columns, {"dynamo": True}),
        "sparse": (Sparse(), columns, {}),
        "squeezed": (Squeezed(), columns, {}),
    }
    for name, (model, inputs, how) in exported.items():
        expected[name] = torch_model(name, model.eval(), inputs, labels, **how)
    path = OUT / "heads.onnx"
    shapes = ({0: torch.export.Dim("rows")},)
    torch.onnx.export(Heads().eval(), columns, path, dynamo=True, opset_version=23, dynamic_shapes=shapes, external_data=False, verbose=False)
    without_traces(path)
    expected["heads"] = by_runtime(path, columns, labels)
    expected["scripted"] = scripted("scripted", Scripted().eval(), columns, labels)
    expected["by_hand"] = by_hand("by_hand", (torch.randn(ROWS, 6),), labels)
    rounded = json.loads(json.dumps(expected), parse_float=lambda text: float(f"{float(text):.9g}"))
    (OUT / "expected_sequences.json").write_text(json.dumps(rounded, separators=(",", ":")))
    for name, kept in expected.items():
        model = onnx.load(OUT / f"{name}.onnx")
        print(name, (OUT / f"{name}.onnx").stat().st_size, sorted({node.op_type for node in model.graph.node}), "compared:", len(kept.get("gradient", {})))


if __name__ == "__main__":
    main()
