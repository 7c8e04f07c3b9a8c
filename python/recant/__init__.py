"""Recant repairs a trained classifier after some of its training labels turn out to be wrong, and proves whether that helped.

>>> import recant
>>> model = recant.train("orders.csv", "model")
>>> repaired = recant.repair(model, "wrong-rows.csv", data="orders.csv", out="model-repaired")
>>> recant.predict("next-week.csv", repaired).frame.to_pandas()

A sheet is a path, a pandas or Polars frame, or anything with the Arrow C stream interface. A function does what the program's command of the
same name does. :class:`Classifier` is Recant in scikit-learn's manners (it needs numpy and scikit-learn).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._commands import check, expand, export, inject, inspect, predict, read_check, repair, scenarios, share, suspects, train
from ._errors import RecantError
from ._flags import Flags, from_cleanlab
from ._frames import Frame
from ._recant import __version__
from ._results import (
    Check,
    Checked,
    Expansion,
    Exported,
    Injection,
    Inspection,
    Interval,
    Model,
    Note,
    Predictions,
    RecantWarning,
    Repair,
    Scenarios,
    Suspects,
    Training,
)

if TYPE_CHECKING:
    from ._classifier import Classifier

__all__ = [
    "Check",
    "Checked",
    "Classifier",
    "Expansion",
    "Exported",
    "Flags",
    "Frame",
    "Injection",
    "Inspection",
    "Interval",
    "Model",
    "Note",
    "Predictions",
    "RecantError",
    "RecantWarning",
    "Repair",
    "Scenarios",
    "Suspects",
    "Training",
    "__version__",
    "check",
    "expand",
    "export",
    "from_cleanlab",
    "inject",
    "inspect",
    "predict",
    "read_check",
    "repair",
    "scenarios",
    "share",
    "suspects",
    "train",
]


def __getattr__(name: str) -> Any:
    # scikit-learn is needed, and loaded, only where it is used.
    if name == "Classifier":
        try:
            from ._classifier import Classifier
        except ImportError as error:
            raise ImportError(f"recant.Classifier needs numpy and scikit-learn 1.6 or newer: pip install scikit-learn ({error})") from error
        return Classifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
