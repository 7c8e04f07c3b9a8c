"""Progress bars: in a terminal, in Jupyter, else none."""

from __future__ import annotations

import sys
import time
from typing import Callable, Optional, Union

Callback = Callable[[str, int, int], None]
"""Called about ten times a second with the stage, the steps done and the steps in all (0: not known)."""


def callback(wanted: Union[bool, Callback, None]) -> "Optional[Bar | Callback]":
    """What is told of progress: the function given, a bar, or nothing. ``None``: a bar where somebody can see it."""
    if callable(wanted):
        return wanted
    if wanted is False:
        return None
    if _in_notebook():
        return Notebook()
    if wanted or (hasattr(sys.stderr, "isatty") and sys.stderr.isatty()):
        return Terminal()
    return None


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"


class Bar:
    """Draws a line again and again."""

    def __init__(self) -> None:
        self._stage = ""
        self._since = 0.0

    def __call__(self, stage: str, done: int, steps: int) -> None:
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._since = stage, now
        self.draw(self.line(stage, done, steps, now - self._since))

    @staticmethod
    def line(stage: str, done: int, steps: int, seconds: float) -> str:
        """The stage, how far it is and how long the rest will take."""
        if steps == 0:
            return f"{stage:<28} {seconds:.0f} s"
        share = min(done / steps, 1.0)
        bar = "=" * int(24 * share)
        left = f", {seconds * (1 - share) / share:.0f} s left" if share > 0 else ""
        return f"{stage:<28} [{bar:<24}] {100 * share:3.0f} %{left}"

    def draw(self, line: str) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Takes the bar away."""


class Terminal(Bar):
    """One line of stderr, written over and over."""

    def draw(self, line: str) -> None:
        sys.stderr.write(f"\r\x1b[2K{line}")
        sys.stderr.flush()

    def close(self) -> None:
        if self._stage:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()


class Notebook(Bar):
    """One output of a notebook, updated in place."""

    def __init__(self) -> None:
        super().__init__()
        self._handle = None

    def draw(self, line: str) -> None:
        from IPython.display import display

        shown = {"text/plain": line}
        if self._handle is None:
            self._handle = display(shown, raw=True, display_id=True)
        else:
            self._handle.update(shown, raw=True)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.update({"text/plain": ""}, raw=True)
