"""Tables in, tables out."""

from __future__ import annotations

import html
import os
import sys
from typing import TYPE_CHECKING, Any, List, Tuple, Union, cast

from ._errors import RecantError

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

    from ._recant import ArrowTable

SheetLike = Union[str, "os.PathLike[str]", Any]
"""A path (file, folder or pattern), a pandas or Polars frame, or anything with the Arrow C stream interface."""


class Frame:
    """A table. pandas, Polars and pyarrow take it as it is: ``pl.DataFrame(frame)``, ``pyarrow.table(frame)``."""

    def __init__(self, table: "ArrowTable") -> None:
        self._table = table

    def __reduce__(self) -> Any:
        """Pickled by way of pyarrow."""
        try:
            table = self.to_arrow()
        except ImportError:
            raise TypeError("a table is pickled by way of pyarrow, which is not installed: pip install pyarrow") from None
        return _unpickled, (table,)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._table.__arrow_c_stream__(requested_schema)

    @property
    def shape(self) -> Tuple[int, int]:
        """Rows and columns."""
        return self._table.shape

    @property
    def columns(self) -> List[str]:
        """Names of the columns, in order."""
        return self._table.columns

    def __len__(self) -> int:
        return self.shape[0]

    def to_pandas(self) -> "pandas.DataFrame":
        """A pandas frame (needs pandas and pyarrow). A copy."""
        return self.to_arrow().to_pandas()

    def to_polars(self) -> "polars.DataFrame":
        """A Polars frame (needs Polars). Numbers are not copied."""
        import polars

        return polars.DataFrame(self)

    def to_arrow(self) -> "pyarrow.Table":
        """A pyarrow table (needs pyarrow). Nothing is copied."""
        import pyarrow

        return pyarrow.table(self)

    def __repr__(self) -> str:
        rows, columns = self.shape
        return f"<recant.Frame: {rows} rows, {columns} columns: {', '.join(self.columns)}>"

    def _repr_html_(self, shown: int = 10) -> str:
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in self._table.head(shown)
        )
        rows = len(self)
        more = f"<p>{rows - shown} more rows</p>" if rows > shown else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


class _Arrow:
    """A table of pyarrow with the manners of the compiled half's."""

    def __init__(self, table: "pyarrow.Table") -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._table.__arrow_c_stream__(requested_schema)

    @property
    def shape(self) -> Tuple[int, int]:
        return self._table.shape

    @property
    def columns(self) -> List[str]:
        return self._table.column_names

    def head(self, rows: int) -> List[List[str]]:
        shown = self._table.slice(0, rows).to_pylist()
        return [["" if cell is None else str(cell) for cell in row.values()] for row in shown]


def _unpickled(table: "pyarrow.Table") -> Frame:
    return Frame(cast(Any, _Arrow(table)))


def sheet(given: SheetLike) -> Any:
    """What the compiled half takes: a path as it is, a table as something with the Arrow C stream interface."""
    if isinstance(given, (str, os.PathLike)):
        return os.fspath(given)
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(given, pandas.Series):
        raise RecantError("a sheet has columns; this is a single one", hint="hand in `series.to_frame()`")
    if pandas is not None and isinstance(given, pandas.DataFrame):
        return _of_pandas(given)
    if hasattr(given, "collect") and type(given).__name__ == "LazyFrame":
        return given.collect()
    if isinstance(given, dict):
        try:
            import pyarrow
        except ImportError:
            raise RecantError("a dictionary of columns is taken by way of pyarrow, which is not installed", hint="pip install pyarrow") from None
        return pyarrow.table(given)
    return given


def _of_pandas(frame: "pandas.DataFrame") -> Any:
    """A pandas frame as pyarrow makes it; of its index only a named one is a column. Columns of mixed objects become their texts."""
    try:
        import pyarrow
    except ImportError:
        raise RecantError(
            "pandas hands its frames over by way of pyarrow, which is not installed",
            hint="pip install pyarrow, or hand in the path of the file",
        ) from None
    named = [name for name in frame.index.names if name is not None]
    if named:
        frame = frame.reset_index(level=[place for place, name in enumerate(frame.index.names) if name is not None])
    frame = frame.reset_index(drop=True)
    names = [str(name) for name in frame.columns]
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise RecantError(f"two columns are called `{twice}`", column=twice, hint="give each column a name of its own, or leave one of them out")
    frame = frame.set_axis(names, axis=1)
    arrays = []
    for place in range(frame.shape[1]):
        column = frame.iloc[:, place]
        # A period is the day on which it starts; Arrow would hold a bare number of periods.
        if str(column.dtype).startswith("period["):
            column = column.dt.to_timestamp()
        kind = getattr(column.dtype, "categories", column).dtype
        if str(kind).startswith("interval["):
            column = column.astype(object)
        try:
            array = pyarrow.Array.from_pandas(column)
        except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, pyarrow.ArrowNotImplementedError):
            array = pyarrow.array([None if missing else str(cell) for cell, missing in zip(column, column.isna())], pyarrow.string())
        arrays.append(array.combine_chunks() if isinstance(array, pyarrow.ChunkedArray) else array)
    return pyarrow.Table.from_arrays(arrays, names=list(frame.columns))
