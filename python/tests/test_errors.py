"""What goes wrong is told with cause, place and hint."""

import pickle

import pandas
import pytest

import recant
from conftest import WHAT
from recant._errors import in_python


def test_an_error_has_cause_file_row_column_and_hint(orders, tmp_path):
    frame = pandas.DataFrame(orders)
    with pytest.raises(recant.RecantError) as told:
        recant.train(frame, tmp_path / "model", label="outcom")
    assert told.value.cause == "column `outcom` not found" and told.value.hint == "closest match is `outcome`"
    assert told.value.file == "frame" and "(in frame)" in str(told.value) and "hint: closest" in str(told.value)
    path = tmp_path / "broken.csv"
    path.write_text("a,b\n1,2\n3,4,5\n", encoding="utf-8")
    with pytest.raises(recant.RecantError) as told:
        recant.inspect(path)
    assert told.value.file == str(path) and told.value.row == 3
    copy = pickle.loads(pickle.dumps(told.value))
    assert (str(copy), copy.row, copy.kind) == (str(told.value), 3, "input")
    with pytest.raises(recant.RecantError, match="no such file"):
        recant.inspect(tmp_path / "missing.csv")


def test_hints_speak_of_arguments(model, corrupted):
    with pytest.raises(recant.RecantError) as told:
        recant.repair(model, corrupted[1][:3], method="retrain")
    assert "--" not in told.value.hint and "`data=SHEET`" in told.value.hint
    assert in_python("give `--row-numbers from-0`") == 'give `row_numbers="from-0"`'
    assert in_python("use `--decimal ,`, and `recant inspect SHEET --out x`") == 'use `decimal=","`, and `recant inspect SHEET --out x`'


def test_options_that_do_not_exist_or_fit_are_refused(orders_csv, model, tmp_path):
    with pytest.raises(TypeError, match="did you mean `header_row`"):
        recant.inspect(orders_csv, headerrow=1)
    with pytest.raises(recant.RecantError, match="decimal mark"):
        recant.inspect(orders_csv, decimal="x")
    with pytest.raises(recant.RecantError, match="no recipe"):
        recant.train(orders_csv, tmp_path / "model", recipe="stew", **WHAT)
    with pytest.raises(recant.RecantError, match="threads"):
        recant.train(orders_csv, tmp_path / "model", threads=0, **WHAT)
    with pytest.raises(recant.RecantError, match="folds"):
        recant.suspects(orders_csv, model, folds=1)
    with pytest.raises(recant.RecantError, match="together"):
        recant.inspect(orders_csv, actual="day")
    assert not (tmp_path / "model").exists()


def test_what_exists_is_kept(orders_csv, model, tmp_path):
    with pytest.raises(recant.RecantError):
        recant.train(orders_csv, model, **WHAT)
    out = tmp_path / "predictions.csv"
    recant.predict(orders_csv, model, out=out)
    with pytest.raises(recant.RecantError):
        recant.predict(orders_csv, model, out=out)
    recant.predict(orders_csv, model, out=out, force=True)
