"""Flags that come with the way to read them, such as cleanlab's."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

from . import _recant
from ._errors import RecantError
from ._frames import Frame


class Flags(Frame):
    """Flagged rows, and how they name rows. :func:`repair` and :func:`expand` take them."""

    options: Dict[str, Any]
    """Options of the functions that take the flags, where they are given no others."""

    def __init__(self, columns: Dict[str, List[Optional[str]]], options: Dict[str, Any]) -> None:
        super().__init__(_recant.text_table(list(columns), list(columns.values())))
        self.options = options


def key_text(value: Any) -> str:
    """A key as a sheet has it: 7.0 of a frame is 7."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


POSITION = "position"


def of_positions(positions: Sequence[int], labels: Optional[Dict[str, List[Optional[str]]]] = None) -> Flags:
    """Flags of rows by their position in the sheet, from 0."""
    columns: Dict[str, List[Optional[str]]] = {POSITION: [str(int(position)) for position in positions]}
    columns.update(labels or {})
    return Flags(columns, {"key": POSITION, "row_numbers": "from-0"})


def from_cleanlab(issues: Any, *, keys: Optional[Sequence[Any]] = None) -> Flags:
    """cleanlab's label issues as flags for :func:`repair` and :func:`expand`.

    :param issues: what ``find_label_issues`` of ``cleanlab.filter`` or ``CleanLearning``, or ``Datalab.get_issues("label")`` returns: a
        frame with a column ``is_label_issue``, True and False for each row, or positions of rows from 0. The rows must be those of the
        sheet that the model was trained on, in its order, unless ``keys`` are given.
    :param keys: the key of each row that cleanlab saw, where that was another sheet or a part of it.
    :returns: the flagged rows by position or key, with the label that cleanlab was given where the frame tells it.
    :raises RecantError: where the issues have another form, no row is flagged, or there are fewer keys than rows.
    """
    given: Optional[List[Any]] = None
    if hasattr(issues, "columns"):
        columns = list(issues.columns)
        if "is_label_issue" not in columns:
            raise RecantError(
                "this frame has no column `is_label_issue`",
                hint='hand in what `find_label_issues` of cleanlab returns, or `lab.get_issues("label")`',
            )
        marks = [bool(mark) for mark in issues["is_label_issue"]]
        positions = [place for place, mark in enumerate(marks) if mark]
        if "given_label" in columns:
            given = list(issues["given_label"])
    else:
        values = issues.tolist() if hasattr(issues, "tolist") else list(issues)
        if all(isinstance(value, bool) for value in values):
            positions = [place for place, mark in enumerate(values) if mark]
        elif all(isinstance(value, int) and value >= 0 for value in values):
            positions = values
        else:
            raise RecantError("these are neither marks nor positions of rows", hint="hand in what `find_label_issues` of cleanlab returns")
    if not positions:
        raise RecantError("cleanlab flags no row", hint="there is nothing to repair")
    labels: Dict[str, List[Optional[str]]] = {} if given is None else {"given_label": [key_text(given[place]) for place in positions]}
    if keys is None:
        return of_positions(positions, labels)
    names = list(keys)
    if len(names) <= max(positions):
        raise RecantError(f"there are {len(names)} keys, and row {max(positions)} (from 0) is flagged", hint="give a key for each row that cleanlab saw")
    return Flags({"key": [key_text(names[place]) for place in positions], **labels}, {"key": "key"})
