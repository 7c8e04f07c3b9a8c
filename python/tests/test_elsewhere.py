"""Models that were trained elsewhere: repaired, used and checked from Python as by the program."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import recant

MODEL = Path(__file__).parents[2] / "tests/fixtures/onnx/assd.onnx"


@pytest.fixture(scope="module")
def trained():
    """The rows that the model was trained on (examples/onnx/assd_golden.py), with keys, and which are flagged."""
    number = np.arange(2400.0)
    x = np.stack([np.sin(number * (0.7 + 0.31 * column) + column) for column in range(4)], axis=1).astype(np.float32)
    truth = (x[:, 0] + 0.5 * x[:, 1] > 0).astype(int) + (x[:, 2] > 0.3).astype(int)
    wrong = (truth == 2) & (x[:, 3] > 0.2)
    frame = pd.DataFrame(x.astype(float), columns=list("abcd"))
    frame["status"] = np.array(["early", "on time", "late"])[np.where(wrong, 1, truth)]
    frame["order"] = [f"K{row:04}" for row in range(len(frame))]
    return frame, frame["order"][np.flatnonzero(wrong)[::2]]


def test_a_file_is_repaired_into_a_file_that_predicts_and_is_checked(trained, tmp_path):
    frame, flagged = trained
    old = MODEL.read_bytes()
    out = tmp_path / "repaired.onnx"
    done = recant.repair(MODEL, flagged, data=frame, label="status", key="order", inputs=["a", "b", "c", "d"], method="assd", out=out)
    assert done.method == "assd" and len(done.flagged_rows) == len(flagged)
    assert out.is_file() and (tmp_path / "repaired-report/report.html").is_file()
    assert MODEL.read_bytes() == old != out.read_bytes()
    # One text with commas will do, as in hints.
    before = recant.predict(frame, MODEL, label="status", inputs="a,b,c,d")
    after = recant.predict(frame, done, label="status", inputs="a,b,c,d")
    assert before.classes == after.classes == ["early", "on time", "late"]
    assert (before.probabilities != after.probabilities).any()
    drawn = recant.check(MODEL, done, frame, tmp_path / "check.csv", rows=5, label="status", inputs="a,b,c,d")
    assert len(drawn.sheet) == 5


def test_flags_may_be_row_numbers_or_truth_values(trained, tmp_path):
    frame, flagged = trained
    numbers = frame.index[frame["order"].isin(flagged)].tolist()
    common = dict(data=frame.drop(columns="order"), label="status", method="assd")
    by_number = recant.repair(MODEL, numbers, row_numbers="from-0", out=tmp_path / "a.onnx", **common)
    by_mask = recant.repair(MODEL, frame["order"].isin(flagged), out=tmp_path / "b.onnx", **common)
    assert len(by_number.flagged_rows) == len(by_mask.flagged_rows) == len(flagged)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_what_a_file_does_not_tell_is_wanted_by_name(trained, tmp_path):
    frame, flagged = trained
    out = tmp_path / "out.onnx"
    for options, wanted in [
        (dict(data=frame, out=out), "`label`"),
        (dict(label="status", out=out), "`data`"),
        (dict(data=frame, label="status"), "`out`"),
        (dict(data=frame, label="status", out=out, expand=True), "`expand`"),
        (dict(data=frame, label="status", out=out, activation="rellu"), "`rellu`"),
        (dict(data=frame, label="status", key="order", out=tmp_path / "out.pt"), ".onnx"),
    ]:
        with pytest.raises(recant.RecantError) as told:
            recant.repair(MODEL, flagged, **options)
        assert wanted in str(told.value) and told.value.hint, options
    # Columns that hold numbers are offered as they are to be given.
    with pytest.raises(recant.RecantError) as told:
        recant.predict(frame, MODEL, label="status")
    assert 'inputs="a,b,c,d"' in told.value.hint
    assert not list(tmp_path.iterdir())


def test_models_of_recants_own_know_these_things(orders, model):
    with pytest.raises(recant.RecantError, match="`inputs`"):
        recant.predict(orders, model, inputs=["a"])
    with pytest.raises(recant.RecantError, match="`label`"):
        recant.suspects(orders, model, label="status")


def test_a_sheet_is_searched_without_any_model(trained):
    frame, flagged = trained
    found = recant.suspects(frame, label="status", key="order", folds=2)
    assert "order" in found.proposals.columns
    truth = pd.get_dummies(frame["status"])[["early", "late", "on time"]].to_numpy() * 0.9 + 0.05
    told = recant.suspects(frame, label="status", key="order", probabilities=truth / truth.sum(1, keepdims=True), classes=["early", "late", "on time"])
    assert len(told.proposals) == 0
    rest = recant.expand(frame, flags=flagged, label="status", key="order")
    assert rest.proposals.shape[0] >= len(flagged)
    with pytest.raises(recant.RecantError, match="does not name its classes"):
        recant.suspects(frame, label="status", probabilities=truth)
    with pytest.raises(recant.RecantError, match="label=COLUMN"):
        recant.suspects(frame)
