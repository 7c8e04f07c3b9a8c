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


def with_column(array):
    return pyarrow.table({"class": ["early", "late"] * 30, "column": array})


def test_columns_that_only_their_own_program_reads_are_left_out_and_told():
    whole, raw = pyarrow.array(range(60)), pyarrow.array([b"0123456789abcdef"] * 60, pyarrow.binary(16))
    for array in [
        pyarrow.ExtensionArray.from_storage(pyarrow.uuid(), raw),
        pyarrow.ExtensionArray.from_storage(pyarrow.opaque(pyarrow.int64(), "number", "somebody"), whole),
        pyarrow.array([(1, 2, 3)] * 60, pyarrow.month_day_nano_interval()),
    ]:
        with pytest.warns(recant.RecantWarning, match="extension types: `column`"):
            found = recant.inspect(with_column(array))
        assert found.rows == 60 and len(found.columns) == 1, array.type


def test_types_that_cannot_be_read_are_errors_and_no_panics():
    import decimal

    wide = pyarrow.array([decimal.Decimal("1.5")] * 60, pyarrow.decimal256(50, 2))
    with pytest.raises(recant.RecantError, match="`column` holds decimals of more than 38 digits") as told:
        recant.inspect(with_column(wide))
    assert "cast" in told.value.hint
    runs = pyarrow.RunEndEncodedArray.from_arrays([30, 60], ["a", "b"])
    with pytest.raises(recant.RecantError, match="of a type that cannot be read"):
        recant.inspect(with_column(runs))


def test_periods_of_pandas_are_dates_and_intervals_texts():
    frame = pandas.DataFrame({"class": ["early", "late"] * 30})
    frame["month"] = pandas.period_range("2024-01", periods=60, freq="M")
    frame["band"] = pandas.cut(pandas.Series(range(60)), 3)
    kinds = {column["name"]: column["kind"] for column in recant.inspect(frame).record["columns"]}
    assert kinds["month"] == "date" and kinds["band"] == "category"


def test_two_columns_of_one_name_are_refused():
    frame = pandas.DataFrame([[1, 2]] * 30, columns=["a", "a"])
    table = pyarrow.Table.from_arrays([pyarrow.array([1, 2]), pyarrow.array([3, 4])], names=["a", "a"])
    for twice in (frame, table):
        with pytest.raises(recant.RecantError, match="two columns are called `a`") as told:
            recant.inspect(twice)
        assert told.value.column == "a" and told.value.hint
