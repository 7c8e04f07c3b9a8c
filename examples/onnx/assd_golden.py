"""ASSD (arXiv 2402.10098) on a small network by PyTorch in double precision, to compare Recant's with.

pip install torch onnx onnxscript
python examples/onnx/assd_golden.py tests/fixtures/onnx

Writes assd.onnx (an MLP of 4-9-7-3, trained on the rows below) and assd.json: importances of the rows that are not flagged and of the flagged
ones, alpha, which values are dampened, and the values after. Rows, labels and flags follow from their number, see `rows`. Seed 7.
Importance is the mean over mini-batches of 1,024 rows, in order, of the squared gradient of the batch's mean loss. For the rows that are not flagged
the batches are those of all rows, each with its flagged rows left out.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

ROWS, BATCH = 2400, 1024


def rows():
    """Inputs, labels as recorded, and the rows flagged: those of a corner in which class 2 is recorded as 1, every second one."""
    number = np.arange(ROWS, dtype=np.float64)
    x = np.stack([np.sin(number * (0.7 + 0.31 * column) + column) for column in range(4)], axis=1).astype(np.float32)
    truth = (x[:, 0] + 0.5 * x[:, 1] > 0).astype(int) + (x[:, 2] > 0.3).astype(int)
    wrong = (truth == 2) & (x[:, 3] > 0.2)
    labels = np.where(wrong, 1, truth)
    flagged = np.flatnonzero(wrong)[::2]
    return torch.tensor(x), torch.tensor(labels), flagged


def importance(model, x, y, batches):
    total = [torch.zeros_like(value, dtype=torch.float64) for value in model.parameters()]
    for batch in batches:
        model.zero_grad()
        nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
        for sum_, value in zip(total, model.parameters()):
            sum_ += value.grad**2
    return torch.cat([(sum_ / len(batches)).flatten() for sum_ in total])


def main(out):
    torch.manual_seed(7)
    x, y, flagged = rows()
    model = nn.Sequential(nn.Linear(4, 9), nn.ReLU(), nn.Linear(9, 7), nn.Tanh(), nn.Linear(7, 3))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(60):
        for batch in torch.randperm(ROWS).split(256):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimiser.step()
    model.eval()
    torch.onnx.export(model, (x[:4],), out / "assd.onnx", dynamo=False, input_names=["x"], output_names=["logits"], dynamic_axes={"x": {0: "rows"}, "logits": {0: "rows"}})
    # Class names and the order of the values below travel with the file.
    written = onnx.load(out / "assd.onnx")
    onnx.helper.set_model_props(written, {"classes": "early,on time,late"})
    onnx.save(written, out / "assd.onnx")

    wide = model.double()
    x = x.double()
    every = np.arange(ROWS)
    kept = [batch[~np.isin(batch, flagged)] for batch in np.split(every, range(BATCH, ROWS, BATCH))]
    reference = importance(wide, x, y, [torch.tensor(batch) for batch in kept])
    forget = importance(wide, x, y, [torch.tensor(batch) for batch in np.split(flagged, range(BATCH, len(flagged), BATCH))])
    ratios = (forget / reference).numpy()
    percentile = 100 - np.log1p(100 * len(flagged) / ROWS)
    alpha = np.percentile(ratios[np.isfinite(ratios)], percentile)
    before = torch.cat([value.detach().flatten() for value in wide.parameters()])
    selected = forget > alpha * reference
    after = torch.where(selected, before * torch.clamp(reference / forget, max=1.0), before)
    golden = {
        "names": [name for name, _ in wide.named_parameters()],
        "flagged": len(flagged),
        "percentile": percentile,
        "alpha": alpha,
        "reference": reference.tolist(),
        "forget": forget.tolist(),
        "dampened": torch.nonzero(after != before).flatten().tolist(),
        "after": after.tolist(),
    }
    rounded = json.loads(json.dumps(golden), parse_float=lambda text: float(f"{float(text):.9g}"))
    (out / "assd.json").write_text(json.dumps(rounded, separators=(",", ":")) + "\n")
    print(len(flagged), "flagged, alpha", alpha, "dampened", golden["dampened"], [t.name for t in written.graph.initializer])


main(Path(sys.argv[1] if len(sys.argv) > 1 else "tests/fixtures/onnx"))
