"""The exception of this package."""

from __future__ import annotations

import re
from typing import Optional


class RecantError(ValueError):
    """Something that a person can put right: what went wrong, where, and what to do.

    ``str(error)`` tells all of it.
    """

    cause: str
    """What went wrong, in one sentence."""
    file: Optional[str]
    """The file at fault; for a table in memory ``frame``, ``data``, ``test``, ``flags`` or ``corrected``."""
    sheet: Optional[str]
    """The worksheet of a workbook."""
    row: Optional[int]
    """The row as a spreadsheet numbers it: the header is row 1. Of a frame it is ``frame.iloc[row - 2]``."""
    column: Optional[str]
    """The column."""
    hint: Optional[str]
    """What can be done about it, with options in Python's form."""
    kind: str
    """``input``, ``io`` or ``internal`` (a fault of Recant itself)."""

    def __init__(
        self,
        cause: str,
        *,
        kind: str = "input",
        file: Optional[str] = None,
        sheet: Optional[str] = None,
        row: Optional[int] = None,
        column: Optional[str] = None,
        place: Optional[str] = None,
        hint: Optional[str] = None,
    ) -> None:
        super().__init__(cause)
        self.cause = in_python(cause)
        self.kind = kind
        self.file = file
        self.sheet = sheet
        self.row = row
        self.column = column
        self.place = place
        self.hint = None if hint is None else in_python(hint)

    def __str__(self) -> str:
        text = self.cause if self.place is None else f"{self.cause} (in {self.place})"
        return text if self.hint is None else f"{text}\nhint: {self.hint}"

    def __reduce__(self):
        fields = {name: getattr(self, name) for name in ("kind", "file", "sheet", "row", "column", "place", "hint")}
        return _rebuild, (self.cause, fields)


def _rebuild(cause: str, fields: dict) -> RecantError:
    return RecantError(cause, **fields)


_OPTION = re.compile(r"`--([a-z][a-z-]*)(?: ([^`]*))?`")
# Options that go by another name, because one of the name is taken or means the sheet itself.
_NAMES = {"lambda": "lambda_", "key": "key"}


def in_python(text: str) -> str:
    """Options of the command line in a message, as arguments: ``--data SHEET`` is ``data=SHEET``."""

    def argument(match: "re.Match[str]") -> str:
        name = match[1].replace("-", "_")
        name = _NAMES.get(name, name)
        value = match[2]
        if value is None:
            return f"`{name}=True`" if name in _SWITCHES else f"`{name}`"
        if value.isupper() or value.startswith('"'):
            return f"`{name}={value}`"
        return f'`{name}="{value}"`'

    return _OPTION.sub(argument, text)


_SWITCHES = {
    "expand",
    "only_flagged",
    "force",
    "full_rows",
    "whole_groups",
    "loose_keys",
    "visible_only",
    "keep_test_rows",
    "private",
    "balance_classes",
}
