"""Makes the Keras model of tests/fixtures/onnx, and adds it to expected.json (see make_models.py, which writes the others).

pip install keras torch onnx onnxscript onnxruntime
KERAS_BACKEND=torch python examples/onnx/make_keras.py tests/fixtures/onnx

Seed 7, CPU: an MLP with batch norm, dropout, GELU and a softmax, exported by Keras itself.
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np
import onnxruntime

OUT = Path(sys.argv[1] if len(sys.argv) > 1 else "tests/fixtures/onnx")
ROWS = 12


def main():
    keras.utils.set_random_seed(7)
    layers = keras.layers
    body = [layers.Dense(6, activation="relu"), layers.BatchNormalization(), layers.Dropout(0.2), layers.Dense(5, activation="gelu")]
    model = keras.Sequential([keras.Input((4,)), *body, layers.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    x = np.random.default_rng(7).normal(size=(64, 4)).astype(np.float32)
    y = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0).astype(int)
    model.fit(x, y, epochs=20, verbose=0)
    model.export(str(OUT / "keras.onnx"), format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(OUT / "keras.onnx")
    outputs = session.run(None, {session.get_inputs()[0].name: x[:ROWS]})[0]
    assert np.allclose(outputs, model.predict(x[:ROWS], verbose=0), atol=1e-5)
    expected = json.loads((OUT / "expected.json").read_text())
    expected["keras"] = {"inputs": [x[:ROWS].flatten().tolist()], "outputs": outputs.astype(float).flatten().tolist(), "labels": y[:ROWS].tolist()}
    rounded = json.loads(json.dumps(expected), parse_float=lambda text: float(f"{float(text):.9g}"))
    (OUT / "expected.json").write_text(json.dumps(rounded, separators=(",", ":")))


main()
