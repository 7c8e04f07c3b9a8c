"""Predictions of an exported model in onnxruntime against those of `recant predict`.

pip install onnxruntime pandas
recant export MODEL --out model.onnx
recant predict orders.csv --model MODEL --out predictions.parquet
python examples/onnx/predict_exported.py model.onnx orders.csv predictions.parquet

`raw_inputs` is what a program needs to feed such a file: the list of inputs lies in its metadata. Numbers and dates of a sheet are the program's own to
read: this one takes decimal commas, currency signs and dates with the day first where a column is written so. Durations are left to you.
"""

import csv
import json
import re
import sys

import numpy as np
import onnxruntime
import pandas as pd


def read_sheet(path):
    """All cells as texts, whatever parts them and however they are encoded."""
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            with open(path, encoding=encoding, newline="") as file:
                head = file.readline()
                file.read()
            break
        except UnicodeDecodeError:
            continue
    mark = max(";\t|,", key=lambda mark: len(next(csv.reader([head], delimiter=mark))))
    return pd.read_csv(path, dtype=str, keep_default_na=False, encoding=encoding, sep=mark)


def numbers(cells):
    """Numbers of texts such as 1.234,56 € or 1,234.56; NaN where a text is none."""
    plain = cells.str.replace(r"[^0-9.,eE+-]", "", regex=True)
    commas = plain.str.contains(r",\d{1,2}$", regex=True).sum() > plain.str.contains(r"\.\d{1,2}$", regex=True).sum()
    plain = plain.str.replace(".", "").str.replace(",", ".") if commas else plain.str.replace(",", "")
    words = cells.str.contains(r"[A-Za-z]{2}|\d[-/.]\d+[-/.]\d", regex=True)
    return pd.to_numeric(plain, errors="coerce").mask(words)


def dates(cells):
    """Dates, the day first where a column is written so; NaT where a text is none."""
    first = cells.str.extract(r"^(\d{1,2})[./-](\d{1,2})[./-]\d{2,4}").dropna().astype(int)
    day_first = bool(len(first)) and (first[0] > 12).any() or any(re.match(r"\d{1,2}\.\d{1,2}\.", cell) for cell in cells)
    return pd.to_datetime(cells, errors="coerce", format="mixed", dayfirst=day_first)


def raw_inputs(session, table):
    """One array of rows x 1 for each input of the graph; `table` has texts only, blanks as ''."""
    inputs = {}
    for wanted in json.loads(session.get_modelmeta().custom_metadata_map["recant.inputs"]):
        cells = table[wanted["column"]].str.strip() if wanted["column"] in table else pd.Series("", index=table.index)
        number = numbers(cells)
        if wanted["kind"] == "text":
            values = cells.to_numpy(dtype=object)
        elif wanted["kind"] == "number":
            values = number.to_numpy(dtype=np.float64)
        else:
            date = dates(cells)
            if wanted["kind"] == "days":
                # Days since 1970-01-01 00:00 with the time of day as the fraction.
                values = ((date - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)).to_numpy(dtype=np.float64)
            else:
                values = cells.where(number.isna() & date.isna(), "").to_numpy(dtype=object)
        inputs[wanted["name"]] = values.reshape(-1, 1)
    return inputs


def main(model, sheet, predictions):
    session = onnxruntime.InferenceSession(model)
    table = read_sheet(sheet)
    theirs = pd.read_parquet(predictions) if predictions.endswith(".parquet") else read_sheet(predictions)
    # Lines of totals are no orders, and are not predicted.
    table = table[table.iloc[:, 0].str.strip().isin(theirs.iloc[:, 0].astype(str))]
    classes, probabilities = session.run(["class", "probabilities"], raw_inputs(session, table))
    columns = [name for name in theirs.columns if name.startswith("probability of ")]
    wanted = theirs[columns].astype(float).to_numpy()
    # The sheet of predictions has six decimals.
    print(f"{len(table)} rows, largest difference of a probability to the six decimals of `recant predict`: {np.abs(probabilities - wanted).max():.1e}")
    print(f"classes that differ: {np.sum(classes != theirs['predicted'].to_numpy(dtype=object))}")
    return np.abs(probabilities - wanted).max() <= 0.5e-6 + 1e-5


if __name__ == "__main__":
    sys.exit(0 if main(*sys.argv[1:4]) else 1)
