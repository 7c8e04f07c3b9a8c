"""Makes the small state_dicts of tests/fixtures/onnx/state_dicts, with logits by PyTorch to compare with.

pip install torch safetensors
python examples/onnx/make_state_dicts.py tests/fixtures/onnx/state_dicts

Seed 7, CPU. Every file is of a multilayer perceptron; expected.json has for each:
  inputs      rows x values, row-major
  logits      what PyTorch gives in evaluation mode: rows x classes
  activation  the function between its layers
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

OUT = Path(sys.argv[1] if len(sys.argv) > 1 else "tests/fixtures/onnx/state_dicts")
ROWS = 12


class Named(nn.Module):
    """Layers by name, all Linear ones made first; their alphabetical order is not that of the rows' way."""

    def __init__(self, activation):
        super().__init__()
        self.input = nn.Linear(5, 8)
        self.hidden1 = nn.Linear(8, 8)
        self.hidden2 = nn.Linear(8, 8)
        self.classify = nn.Linear(8, 3)
        self.activation = activation

    def forward(self, x):
        for layer in [self.input, self.hidden1, self.hidden2]:
            x = self.activation(layer(x))
        return self.classify(x)


class Block(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=False)
        self.norm = nn.BatchNorm1d(outputs)

    def forward(self, x):
        return torch.relu(self.norm(self.linear(x)))


class Blocks(nn.Module):
    """Linear layers without a bias and batch norms in blocks, eleven of them, so that names end in 10."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([Block(4, 6)] + [Block(6, 6) for _ in range(10)])
        self.head = nn.Linear(6, 2)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.head(x)


class Apart(nn.Module):
    """Batch norms that were made after all Linear layers."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 3)
        self.bn1, self.bn2 = nn.BatchNorm1d(6), nn.BatchNorm1d(6)

    def forward(self, x):
        x = torch.relu(self.bn1(self.fc1(x)))
        return self.fc3(torch.relu(self.bn2(self.fc2(x))))


def late():
    """Batch norm after the activation, and one on the inputs."""
    return nn.Sequential(
        nn.BatchNorm1d(4), nn.Linear(4, 6), nn.ReLU(), nn.BatchNorm1d(6), nn.Linear(6, 6), nn.ReLU(), nn.BatchNorm1d(6, affine=False), nn.Linear(6, 3)
    )


def trained(model, width):
    """Statistics and scales of batch norms that are no zeros and ones."""
    model.train()
    for _ in range(20):
        model(torch.randn(32, width, dtype=next(model.parameters()).dtype) * 2 + 0.5)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1 and "weight" in name:
                parameter.uniform_(0.5, 1.5)
    return model.eval()


def main():
    torch.manual_seed(7)
    OUT.mkdir(parents=True, exist_ok=True)
    expected = {}

    def keep(name, model, width, activation):
        rows = torch.randn(ROWS, width, dtype=next(model.parameters()).dtype)
        with torch.no_grad():
            logits = model(rows)
        flat = lambda tensor: tensor.double().flatten().tolist()
        expected[name] = {"inputs": flat(rows), "logits": flat(logits), "activation": activation}

    model = trained(Named(torch.tanh), 5)
    torch.save(model.state_dict(), OUT / "named.pt")
    save_file(model.state_dict(), OUT / "named.safetensors")
    keep("named.pt", model, 5, "tanh")
    expected["named.safetensors"] = expected["named.pt"]

    model = trained(Blocks(), 4)
    save_file(model.state_dict(), OUT / "blocks.safetensors")
    keep("blocks.safetensors", model, 4, "relu")

    model = trained(Apart(), 6)
    torch.save(model.state_dict(), OUT / "apart.pt", pickle_protocol=4)
    keep("apart.pt", model, 6, "relu")

    model = trained(late().double(), 4)
    optimizer = torch.optim.Adam(model.parameters())
    torch.save({"epoch": 3, "model_state_dict": model.state_dict(), "optimizer": optimizer.state_dict(), "loss": 0.4}, OUT / "checkpoint.pth")
    keep("checkpoint.pth", model, 4, "relu")

    (OUT / "expected.json").write_text(json.dumps(expected) + "\n")


main()
