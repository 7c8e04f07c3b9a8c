"""Predictions of an exported model in onnxruntime against those of `recant predict`.

pip install onnxruntime pandas
recant export MODEL --out model.onnx
recant predict orders.csv --model MODEL --out predictions.parquet
python examples/onnx/predict_exported.py model.onnx orders.csv predictions.parquet

`raw_inputs` is what a program needs to feed such a file: the list of inputs lies in its metadata. Where a sheet has durations, decimal commas or
words among its numbers, read these columns as you read them elsewhere.
"""

import json
import sys

import numpy as np
import onnxruntime
import pandas as pd


def raw_inputs(session, table):
    """One array of rows x 1 for each input of the graph; `table` has texts only, blanks as ''."""
    inputs = {}
    for wanted in json.loads(session.get_modelmeta().custom_metadata_map["recant.inputs"]):
        cells = table[wanted["column"]].str.strip() if wanted["column"] in table else pd.Series("", index=table.index)
        number = pd.to_numeric(cells, errors="coerce")
        if wanted["kind"] == "text":
            values = cells.to_numpy(dtype=object)
        elif wanted["kind"] == "number":
            values = number.to_numpy(dtype=np.float64)
        else:
            dates = pd.to_datetime(cells, errors="coerce", format="mixed")
            if wanted["kind"] == "days":
                # Days since 1970-01-01 00:00 with the time of day as the fraction.
                values = ((dates - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)).to_numpy(dtype=np.float64)
            else:
                values = cells.where(number.isna() & dates.isna(), "").to_numpy(dtype=object)
        inputs[wanted["name"]] = values.reshape(-1, 1)
    return inputs


def main(model, sheet, predictions):
    session = onnxruntime.InferenceSession(model)
    table = pd.read_csv(sheet, dtype=str, keep_default_na=False, encoding="latin-1")
    classes, probabilities = session.run(["class", "probabilities"], raw_inputs(session, table))
    theirs = pd.read_parquet(predictions) if predictions.endswith(".parquet") else pd.read_csv(predictions, encoding="latin-1")
    columns = [name for name in theirs.columns if name.startswith("probability of ")]
    wanted = theirs[columns].to_numpy(dtype=np.float64)
    # The sheet of predictions has four decimals.
    print(f"{len(table)} rows, largest difference of a probability to the four decimals of `recant predict`: {np.abs(probabilities - wanted).max():.1e}")
    print(f"classes that differ: {np.sum(classes != theirs['predicted'].to_numpy(dtype=object))}")
    return np.abs(probabilities - wanted).max() <= 0.5e-4 + 1e-5


if __name__ == "__main__":
    sys.exit(0 if main(*sys.argv[1:4]) else 1)
