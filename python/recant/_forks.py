"""Processes that were forked: the threads that compute stay behind in the parent, and a child would wait for them forever."""

from __future__ import annotations

import os

from ._errors import RecantError

_worked = False
_orphaned = False


def at_work() -> None:
    """Notes that this process computes.

    :raises RecantError: in a process that was forked off one that had computed.
    """
    global _worked
    if _orphaned:
        raise RecantError(
            "this process was forked off one in which Recant had worked, and the threads that compute stayed behind there",
            hint='start fresh processes: `multiprocessing.get_context("spawn")`, or `loky` as joblib does; or call Recant in the child alone',
        )
    _worked = True


def _in_child() -> None:
    global _orphaned
    _orphaned = _orphaned or _worked


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
