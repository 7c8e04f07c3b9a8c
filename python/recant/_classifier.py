"""Recant in scikit-learn's manners."""

from __future__ import annotations

import os
import tempfile
import warnings
from typing import Any, Dict, List, Optional, Sequence, Union

import numpy
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from . import _commands, _recant
from ._errors import RecantError
from ._flags import Flags, of_positions
from ._forks import at_work
from ._frames import Frame, sheet as taken
from ._options import ELSEWHERE
from ._results import RecantWarning, Repair

_PROFILE = """\
name = "classifier"
description = "X and y as handed to recant.Classifier: no column is set aside for giving the label away."

[label]
kind = "column"
column = {label}

[features]
numeric = [{numeric}]
others = "auto"
drop_leaks = false
scaling = "robust"
rare = 2

[split]
test = {test}
validation = {validation}

[training]
recipe = "standard"
network = "2x50"
epochs = 25
batch = 256
learning_rate = 0.03
weight_decay = 1e-2
"""


class Classifier(ClassifierMixin, BaseEstimator):
    """Recant's classifier: a small network, trained on any mix of numbers, categories and dates, that can be repaired.

    ``X`` is an array of numbers (NaN is missing), or a frame with columns of any plain type. At least 20 rows are left to train on once those for
    ``validation`` and ``test`` are set aside, or the fit is refused: 14 of scikit-learn's estimator checks use fewer rows and cannot hold for that
    reason (``python/tests/test_classifier.py`` lists them, and runs them with more rows). Pickling keeps the model and the rows of the fit, not
    ``repair_``.

    :param network: hidden layers, such as ``2x50`` or ``64,32``.
    :param recipe: ``standard`` (shuffled batches, ends by validation rows) or ``paper`` (arXiv 2402.10098).
    :param epochs: the most passes over the training rows.
    :param learning_rate: highest learning rate.
    :param weight_decay: weight decay.
    :param batch: rows per step.
    :param balance_classes: weight the classes so that rare ones count as much as common ones.
    :param validation: share of the rows, 0 to 1, that the model does not train on: they end the training, and a repair is accepted by them.
    :param test: share of the rows, above 0 and below 1, that the model does not see at all: the verdict on a repair rests on them.
    :param random_state: seed of all random choices; ``None`` is 1, so that fits are always repeatable.
    :param threads: cores to use; ``None``: all.
    """

    classes_: numpy.ndarray
    """Classes, sorted."""
    n_features_in_: int
    """Columns of X."""
    notes_: List[Any]
    """What was noticed while fitting."""
    repair_: Optional[Repair]
    """The repair that made this model; ``None`` for one that was fitted."""

    def __init__(
        self,
        *,
        network: str = "2x50",
        recipe: str = "standard",
        epochs: Optional[int] = None,
        learning_rate: Optional[float] = None,
        weight_decay: Optional[float] = None,
        batch: Optional[int] = None,
        balance_classes: bool = False,
        validation: float = 0.1,
        test: float = 0.1,
        random_state: Optional[int] = 1,
        threads: Optional[int] = None,
    ) -> None:
        self.network = network
        self.recipe = recipe
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch = batch
        self.balance_classes = balance_classes
        self.validation = validation
        self.test = test
        self.random_state = random_state
        self.threads = threads

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = False
        return tags

    def fit(self, X: Any, y: Any) -> "Classifier":
        """Trains on rows and their classes.

        :param X: rows x columns.
        :param y: the class of each row: texts, numbers or truth values.
        :raises RecantError: where the rows cannot be learned from.
        """
        X, y = self._checked(X, y, fitting=True)
        check_classification_targets(y)
        self.classes_, codes = numpy.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"Classifier needs rows of at least 2 classes, and y has one class only: {self.classes_[0]!r}")
        self._X, self._codes = X, codes
        labelled, label, numeric = self._labelled()
        with tempfile.TemporaryDirectory() as folder:
            profile = os.path.join(folder, "classifier.toml")
            with open(profile, "w", encoding="utf-8") as file:
                file.write(self._profile(label, numeric))
            out = os.path.join(folder, "model")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RecantWarning)
                trained = _commands.train(labelled, out, profile=profile, progress=False, **self._training(), **self._run())
            self._folder = _Folder(_files_of(out))
            self._codes_of_model = [int(name.rpartition(" ")[2]) for name in trained.classes]
        self.notes_ = trained.notes
        self.repair_ = None
        return self

    def predict_proba(self, X: Any) -> numpy.ndarray:
        """Probability of each class, in the order of ``classes_``: rows x classes, float64, each row summing to 1."""
        check_is_fitted(self)
        X, _ = self._checked(X, None, fitting=False)
        at_work()
        found = _recant.predict(self._sheet(X), self._folder.path(), None, ELSEWHERE, _NOTHING_SAID, self._running("predict"))
        said = numpy.frombuffer(found["probabilities"], dtype="<f4").reshape(-1, len(self._codes_of_model)).astype(numpy.float64)
        probabilities = numpy.zeros((len(said), len(self.classes_)))
        probabilities[:, self._codes_of_model] = said
        return probabilities / probabilities.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> numpy.ndarray:
        """The likeliest class of each row."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def repair(
        self, flags: Union[Flags, Sequence[bool], Sequence[int], Any], *, correct: Any = None, method: str = "auto", expand: bool = False
    ) -> "Classifier":
        """A repaired model. This one stays as it is.

        :param flags: the wrong rows of the fit: True and False per row, their positions from 0, or :func:`recant.from_cleanlab`.
        :param correct: the right class of each row of the fit, where known (only those of flagged rows count); ``None``: not known.
        :param method: a repair method; ``auto``: the one that helps most, accepted by validation rows that chose nothing, or the old model.
        :param expand: look for further rows that are wrong like the flagged ones, and repair with them too.
        :returns: a classifier; what came of the repair is its ``repair_``.
        :raises RecantError: where the flags name no rows of the fit.
        """
        check_is_fitted(self)
        given = flags if isinstance(flags, Flags) else self._flags(flags, correct)
        labelled, _, _ = self._labelled()
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore", RecantWarning)
            out = os.path.join(folder, "model")
            outcome = _commands.repair(
                self._folder.path(), given, data=labelled, method=method, expand=expand, out=out, progress=False, **self._run()
            )
            repaired = clone(self)
            for name in ("classes_", "n_features_in_", "feature_names_in_", "notes_", "_X", "_codes", "_codes_of_model"):
                if hasattr(self, name):
                    setattr(repaired, name, getattr(self, name))
            repaired._folder = _Folder(_files_of(out))
        outcome.model = None
        repaired.repair_ = outcome
        return repaired

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_folder")

    def __getstate__(self) -> Dict[str, Any]:
        state = dict(super().__getstate__())
        if state.get("repair_") is not None:
            # Tables of the compiled half cannot be pickled.
            state["repair_"] = None
        return state

    def _checked(self, X: Any, y: Any, fitting: bool) -> Any:
        """X as an array of numbers or a frame as it is, y as one row of classes."""
        if _is_frame(X):
            validate_data(self, X, *([y] if fitting else []), reset=fitting, skip_check_array=True)
            if fitting:
                y = column_or_1d(y, warn=True)
                if len(y) != len(X):
                    raise ValueError(f"X has {len(X)} rows and y has {len(y)}")
            return X, y
        settings = {"dtype": numpy.float64, "ensure_all_finite": "allow-nan"}
        if not fitting:
            return validate_data(self, X, reset=False, **settings), None
        X, y = validate_data(self, X, y, **settings)
        return X, column_or_1d(y, warn=True)

    def _sheet(self, X: Any) -> Any:
        """X as a sheet whose columns go by the names of the fit."""
        known = getattr(self, "feature_names_in_", None)
        names = [f"x{column}" for column in range(self.n_features_in_)] if known is None else [str(name) for name in known]
        if not _is_frame(X):
            return _recant.number_table(names, numpy.ascontiguousarray(X, dtype="<f8").tobytes())
        if hasattr(X, "set_axis"):
            return taken(X.set_axis(names, axis=1).reset_index(drop=True))
        if known is None and hasattr(X, "rename"):
            return taken(X.rename(dict(zip(X.columns, names))))
        return taken(X)

    def _labelled(self) -> Any:
        """The rows of the fit with their classes, the name of that column, and the names of the columns of numbers."""
        sheet = self._sheet(self._X)
        names = list(getattr(self, "feature_names_in_", []))
        label = "label"
        while label in names:
            label += "_"
        table, numeric = _recant.with_labels(sheet, label, [f"class {code}" for code in self._codes])
        return Frame(table), label, numeric

    def _profile(self, label: str, numeric: List[str]) -> str:
        # Where there are few rows, one of them at least.
        test = max(float(self.test), min(1.5 / len(self._codes), 0.5))
        columns = ", ".join(_quoted(name) for name in numeric)
        return _PROFILE.format(label=_quoted(label), numeric=columns, validation=float(self.validation), test=test)

    def _training(self) -> Dict[str, Any]:
        names = ("network", "recipe", "epochs", "learning_rate", "weight_decay", "batch", "balance_classes")
        return {name: getattr(self, name) for name in names}

    def _run(self) -> Dict[str, Any]:
        return {"seed": 1 if self.random_state is None else int(self.random_state), "threads": self.threads}

    def _running(self, name: str) -> Dict[str, Any]:
        return {**self._run(), "force": False, "progress": None, "command": f"recant.Classifier.{name}()"}

    def _flags(self, given: Any, correct: Any) -> Flags:
        values = numpy.asarray(given)
        if values.ndim != 1:
            raise RecantError("flags are one row of marks or positions", hint="True and False for each row of the fit, or positions from 0")
        if values.dtype == bool:
            if len(values) != len(self._codes):
                raise RecantError(f"there are {len(values)} marks for {len(self._codes)} rows of the fit", hint="give one for each row")
            values = numpy.flatnonzero(values)
        if len(values) == 0:
            raise RecantError("no rows are flagged", hint="mark at least one row")
        if not numpy.issubdtype(values.dtype, numpy.integer) or values.min() < 0 or values.max() >= len(self._codes):
            raise RecantError(f"the rows of the fit are 0 to {len(self._codes) - 1}", hint="give positions in that range, or a mark for each row")
        labels: Dict[str, List[Optional[str]]] = {}
        if correct is not None:
            right = numpy.searchsorted(self.classes_, numpy.asarray(correct)[values])
            labels["correct_label"] = [f"class {code}" for code in right]
        return of_positions(values.tolist(), labels)


class _Folder:
    """The files of a model folder in memory, unpacked on first use."""

    def __init__(self, files: Dict[str, bytes]) -> None:
        self._files = files
        self._unpacked: Optional[tempfile.TemporaryDirectory] = None

    def path(self) -> str:
        if self._unpacked is None:
            self._unpacked = tempfile.TemporaryDirectory()
            for name, content in self._files.items():
                path = os.path.join(self._unpacked.name, "model", *name.split("/"))
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as file:
                    file.write(content)
        return os.path.join(self._unpacked.name, "model")

    def __getstate__(self) -> Dict[str, Any]:
        return {"_files": self._files, "_unpacked": None}


_NOTHING_SAID = {"sheet": None, "header_row": None, "encoding": None, "delimiter": None, "decimal": None, "dates": None, "visible_only": False}


def _is_frame(X: Any) -> bool:
    return hasattr(X, "columns") and (hasattr(X, "__arrow_c_stream__") or hasattr(X, "iloc"))


def _quoted(text: str) -> str:
    """A text in TOML."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in escaped) + '"'


def _files_of(folder: str) -> Dict[str, bytes]:
    """Every file of a model folder, by its place in it."""
    files = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            with open(path, "rb") as file:
                files[os.path.relpath(path, folder).replace(os.sep, "/")] = file.read()
    return files
