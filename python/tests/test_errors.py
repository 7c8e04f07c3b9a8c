"""What goes wrong is told with cause, place and hint."""

import os
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


def test_options_of_a_wrong_type_are_told_by_name_and_value(orders, tmp_path):
    for option, value, wanted in [
        ("label", 3, "a text"),
        ("epochs", -1, "negative"),
        ("leave_out", "day", "a list"),
        ("where", 5, "a text"),
        ("key", ["a"], "a text"),
    ]:
        with pytest.raises(TypeError) as told:
            recant.train(orders, tmp_path / "model", **{"label": "outcome", option: value})
        assert f"train(): option `{option}` cannot be {value!r}" in str(told.value) and wanted in str(told.value)
    assert not (tmp_path / "model").exists()


def test_what_stands_in_the_way_is_told_in_pythons_words(orders):
    found = recant.inspect({"a": orders["weight"], "b": orders["weight"]})
    assert "`label=COLUMN`" in found.obstacle and "--" not in found.obstacle


def test_results_can_be_pickled(model, corrupted):
    found = recant.predict(corrupted[0], model)
    copy = pickle.loads(pickle.dumps(found))
    assert copy.frame.shape == found.frame.shape and copy.frame.columns == found.frame.columns
    assert copy.frame.to_pandas().equals(found.frame.to_pandas())
    assert copy.frame._repr_html_().count("<tr>") == found.frame._repr_html_().count("<tr>")
    assert pickle.loads(pickle.dumps(copy)).frame.shape == found.frame.shape


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_is_told_that_it_cannot_compute(model, corrupted):
    recant.predict(corrupted[0], model)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            recant.predict(corrupted[0], model)
            said = "computed"
        except recant.RecantError as error:
            said = str(error)
        except BaseException as error:
            said = repr(error)
        os.write(write, said.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(child, 0)
    assert "forked" in said and "spawn" in said
