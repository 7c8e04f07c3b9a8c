"""A sheet is the same, whatever it comes in."""

import datetime

import pandas
import polars
import pyarrow
import pytest

import recant
from conftest import ROWS, WHAT


class Stream:
    """Something with the Arrow C stream interface and nothing else."""

    def __init__(self, table):
        self._table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


FORMS = {
    "pandas": pandas.DataFrame,
    "polars": polars.DataFrame,
    "lazy": lambda columns: polars.DataFrame(columns).lazy(),
    "pyarrow": pyarrow.table,
    "batches": lambda columns: pyarrow.Table.from_batches(pyarrow.table(columns).to_batches(max_chunksize=97)),
    "stream": lambda columns: Stream(pyarrow.table(columns)),
    "dictionary": dict,
}


def facts(inspection):
    record = inspection.record
    return inspection.rows, inspection.classes, [(column["name"], column["kind"], column["distinct"]) for column in record["columns"]]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_sheet_is_read_as_its_file_is(form, orders, orders_csv):
    wanted = facts(recant.inspect(orders_csv, **WHAT))
    assert wanted[0] == ROWS and set(wanted[1]) == {"on time", "late"}
    assert facts(recant.inspect(FORMS[form](orders), **WHAT)) == wanted


def test_of_a_pandas_index_only_a_named_one_is_a_column(orders):
    frame = pandas.DataFrame(orders)
    shuffled = frame[frame["weight"] > 20]
    assert recant.inspect(shuffled, **WHAT).columns.to_pandas()["name"].tolist() == list(orders)
    keyed = frame.set_index("order")
    assert recant.inspect(keyed, **WHAT).columns.to_pandas()["name"].tolist()[0] == "order"


def test_a_condition_says_which_rows_are_used(orders, tmp_path):
    used = sum(weight > 20 for weight in orders["weight"])
    found = recant.inspect(orders, where="weight > 20", **WHAT)
    assert 0 < used < ROWS and sum(row["rows"] for row in found.record["classes"]) == used
    # A look tells what stands in the way of training, which then refuses.
    stopped = recant.inspect(orders, where="wieght > 20", **WHAT)
    assert "closest match is weight" in stopped.record["obstacle"]
    with pytest.raises(recant.RecantError, match="wieght"):
        recant.train(orders, tmp_path / "model", where="wieght > 20", **WHAT)
    assert not (tmp_path / "model").exists()


def test_typed_columns_mean_what_they_say():
    days = [datetime.date(2024, 1, 1) + datetime.timedelta(days=day) for day in range(60)]
    zone = datetime.timezone(datetime.timedelta(hours=2))
    frame = pandas.DataFrame(
        {
            "day": days,
            "moment": [datetime.datetime(2024, 1, 1, 12, tzinfo=zone) + datetime.timedelta(hours=hour) for hour in range(60)],
            "mode": pandas.Categorical(["air", "sea"] * 30),
            "whole": pandas.array([None, *range(1, 60)], dtype="Int64"),
            "flag": [True, False] * 30,
            "mixed": ["a", 1, 2.5] * 20,
            "list": [[1]] * 60,
            "class": ["x", "y", "y"] * 20,
        }
    )
    with pytest.warns(recant.RecantWarning):
        found = recant.inspect(frame, label="class")
    kinds = {column["name"]: (column["kind"], column["missing"]) for column in found.record["columns"]}
    assert kinds["day"] == ("date", 0) and kinds["moment"][0] == "date" and kinds["whole"] == ("number", 1)
    assert kinds["mode"][0] == "category" and kinds["mixed"][0] == "category" and "list" not in kinds
    codes = {note.code for note in found.notes}
    assert {"time-zones", "unreadable-columns"} <= codes


def test_results_are_frames_for_everybody(model, corrupted):
    predicted = recant.predict(pandas.DataFrame(corrupted[0]), model)
    as_pandas, as_polars, as_arrow = predicted.frame.to_pandas(), predicted.frame.to_polars(), predicted.frame.to_arrow()
    assert as_pandas.shape == as_polars.shape == as_arrow.shape == predicted.frame.shape
    assert as_pandas["predicted"].tolist() == as_polars["predicted"].to_list() == predicted.labels
    assert polars.DataFrame(predicted).equals(as_polars)
    assert list(predicted.frame.columns)[-2:] == ["probability of late" if "late" == predicted.classes[-1] else "probability of on time", "warning"]


def test_an_empty_table_and_a_single_column_are_told_apart(orders):
    with pytest.raises(recant.RecantError, match="no rows"):
        recant.train(pandas.DataFrame(orders).head(0), "nowhere", **WHAT)
    with pytest.raises(recant.RecantError, match="single one"):
        recant.inspect(pandas.DataFrame(orders)["mode"])
    with pytest.raises(TypeError, match="single one"):
        recant.inspect(polars.DataFrame(orders)["mode"])
    with pytest.raises(TypeError, match="a sheet is a path"):
        recant.inspect(3)
