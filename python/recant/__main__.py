"""The program: `recant` and `python -m recant`."""

from __future__ import annotations

import sys

from . import _recant


def main() -> int:
    """Runs the command line of this process and returns its exit code."""
    return _recant.program(["recant", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
