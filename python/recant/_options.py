"""The options that several functions share, and how they reach the compiled half."""

from __future__ import annotations

import difflib
import os
import re
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

if TYPE_CHECKING:
    from typing_extensions import TypedDict

    class RunOptions(TypedDict, total=False):
        """What every function takes."""

        seed: int
        """Seed of all random choices: the same seed gives the same files (1)."""
        threads: Optional[int]
        """Cores to use (all); the results are the same for any number."""
        force: bool
        """Whether a file at ``out`` is replaced (False). A model folder is never replaced."""
        progress: Union[bool, Callable[[str, int, int], None], None]
        """True or False: a bar or none; a function: called with stage, steps done and steps in all. Unless given, a bar in terminals and notebooks."""

    class ReadingOptions(RunOptions, total=False):
        """How to read a file; everything is detected unless said here. Of frames, ``decimal`` and ``dates`` count."""

        worksheet: Union[str, int, None]
        """Sheet of a workbook, by name or number (1 is the first)."""
        header_row: Optional[int]
        """Row of the column names, as the spreadsheet numbers rows."""
        encoding: Optional[str]
        """Encoding of a CSV: utf-8, windows-1252, utf-16."""
        delimiter: Optional[str]
        """Character between the cells of a CSV: , ; or tab."""
        decimal: Optional[str]
        """Decimal mark of numbers: , or ."""
        dates: Optional[str]
        """Order of day, month and year in dates such as 3/2/2018: dmy, mdy or ymd."""
        visible_only: bool
        """Leave out rows of a workbook that are hidden."""

    class SheetOptions(ReadingOptions, total=False):
        """Which columns mean what."""

        profile: Union[str, "os.PathLike[str]", None]
        """Built-in profile (dataco, dataco-paper, generic) or a profile file. Unless given: beside the sheet, else by its columns."""
        label: Optional[str]
        """Column that holds the label."""
        key: Optional[str]
        """Column that names each row."""
        time: Optional[str]
        """Column that orders the rows in time."""
        group: Optional[str]
        """Column whose equal values belong together, such as an order number."""
        actual: Optional[str]
        """Column of the day or number of days that came true; with ``planned``, the label is early, on time or late."""
        planned: Optional[str]
        """Column of the day or number of days that was planned."""
        where: Optional[str]
        """Rows that are used, such as ``"Market = LATAM and Days < 60"``."""
        leave_out: List[str]
        """Columns that must not be inputs."""

    class TrainingOptions(SheetOptions, total=False):
        """How to train; the profile's values unless given."""

        recipe: Optional[str]
        """standard (shuffled batches, ends by validation rows) or paper (arXiv 2402.10098)."""
        network: Optional[str]
        """Hidden layers: 2x50, 3x100, 64,32 or none; "4 of 2x50" is the mean of four networks; of "4 of 2x50 or none" the one that
        predicts later rows best is taken."""
        epochs: Optional[int]
        """Passes over the training rows."""
        learning_rate: Optional[float]
        """Learning rate of the first pass."""
        weight_decay: Optional[float]
        """Weight decay."""
        batch: Optional[int]
        """Rows per step."""
        balance_classes: bool
        """Weight the classes so that rare ones count as much as common ones."""
        trials: int
        """Search learning rate and weight decay with this many trials on rows held out of training (0: no search)."""
        metric: str
        keep_test_rows: bool
        """Keep the encoded test rows in the model folder, so that repairs can be judged without the sheet."""
        private: bool
        """Leave out of the model folder all hashes of keys and groups, and gradients of few rows."""

    class FlagOptions(ReadingOptions, total=False):
        """How to read flags."""

        key: Optional[str]
        """Column that names each row, in the flags (the model's key column)."""
        flag_column: Optional[str]
        """Column that says whether a row is flagged (yes/no, 1/0, true/false), or column and value such as "Audit=failed" ("Audit=*": any)."""
        row_numbers: Optional[str]
        """The flags are row numbers: sheet (as the spreadsheet shows them), from-1 or from-0 (first data row is 1 or 0)."""
        given_column: Optional[str]
        """Column with the label that a row is said to have (given_label)."""
        correct_column: Optional[str]
        """Column with the correct label, where it is known for some rows (correct_label)."""
        score_cut: Optional[float]
        """Flag rows whose label-quality score is at least as bad as this."""
        worst: Union[str, int, None]
        """Flag the rows with the worst scores: how many, as a count or a share (50, "2%"); "100%" flags every line of any file."""
        flags_sheet: Optional[str]
        """Worksheet that holds the flags."""
        label_codes: Optional[str]
        """What labels that are numbers mean, such as 0=early,1=late."""
        loose_keys: bool
        """Take keys that differ only in leading zeros, a trailing .0, spaces or case as the same."""

    class ElsewhereOptions(ReadingOptions, total=False):
        """What the file of a model that was trained elsewhere (.onnx, .safetensors, .pt) does not tell."""

        label: Optional[str]
        """Column of the sheet with the class that the model predicts."""
        inputs: Union[str, Sequence[str]]
        """Columns of the model's inputs, in its order ("a,b" or a list); unless given, by the names of its inputs, or all others of the sheet."""
        classes: Union[str, Sequence[str]]
        """Class names in the order of the model's outputs; unless given, those in the file, or the values of the label column in their order."""
        activation: Optional[str]
        """Activation between the layers of a state_dict, which does not hold it (relu)."""
        layers: Union[str, Sequence[str]]
        """Modules and activations of a state_dict in the order in which rows go through them, as "fc1,relu,fc2"."""

    class RepairOptions(FlagOptions, ElsewhereOptions, total=False):
        """What counts as evidence; for researchers, how ASSD and SSD dampen; and what models that were trained elsewhere need."""

        learning_rate: Optional[float]
        """Of a model trained elsewhere: learning rate at which methods that train go on (0.001)."""
        validation: Any
        """Of a model trained elsewhere: a sheet to choose among several methods by, that it was not trained on and whose labels you vouch for."""
        retrain: Optional[str]
        """Of a model trained elsewhere: your command that trains it (docs/onnx.md); the sheets are then paths."""
        retrain_seconds: int
        """Seconds that one run of it may take (86,400)."""

        metric: str
        """What counts as better: accuracy, balanced-accuracy, macro-f1, recall:CLASS, or cost:FILE."""
        matters: List[str]
        """Classes that must not be found less often after the repair."""
        minimum_effect: float
        """Smallest difference in accuracy that is called a change, as a fraction (0.001 is 0.1 percentage points)."""
        significance: float
        """Significance level, after correction for the number of methods (0.05)."""
        resamples: int
        """Bootstrap resamples (10,000)."""
        importance: str
        """squared-batch-gradient or per-sample-fisher."""
        reference: str
        """What the flagged rows are compared with: retain-original-batches, retain or full."""
        alpha: float
        """SSD's selection weighting alpha (10)."""
        lambda_: float
        """SSD's dampening constant lambda (1)."""


RUN: Dict[str, Any] = {"seed": 1, "threads": None, "force": False, "progress": None}
READING: Dict[str, Any] = {
    "worksheet": None,
    "header_row": None,
    "encoding": None,
    "delimiter": None,
    "decimal": None,
    "dates": None,
    "visible_only": False,
}
PROFILE: Dict[str, Any] = {
    "profile": None,
    "label": None,
    "key": None,
    "time": None,
    "group": None,
    "actual": None,
    "planned": None,
    "where": None,
    "leave_out": [],
}
TRAINING: Dict[str, Any] = {
    "recipe": None,
    "network": None,
    "epochs": None,
    "learning_rate": None,
    "weight_decay": None,
    "batch": None,
    "balance_classes": False,
    "trials": 0,
    "metric": "accuracy",
    "keep_test_rows": False,
    "private": False,
}
FLAGS: Dict[str, Any] = {
    "key": None,
    "flag_column": None,
    "row_numbers": None,
    "given_column": None,
    "correct_column": None,
    "score_cut": None,
    "worst": None,
    "flags_sheet": None,
    "label_codes": None,
    "loose_keys": False,
}
REPAIR: Dict[str, Any] = {
    "metric": "accuracy",
    "matters": [],
    "minimum_effect": 0.001,
    "significance": 0.05,
    "resamples": 10_000,
    "importance": "squared-batch-gradient",
    "reference": "retain-original-batches",
    "alpha": 10.0,
    "lambda_": 1.0,
}

ELSEWHERE: Dict[str, Any] = {"label": None, "inputs": [], "classes": [], "activation": None, "layers": []}
ELSEWHERE_TRAINING: Dict[str, Any] = {"learning_rate": None, "validation": None, "retrain": None, "retrain_seconds": 86_400}

# Names that the compiled half has for an option.
_NATIVE = {"worksheet": "sheet", "lambda_": "lambda"}


def gather(function: str, options: Dict[str, Any], *groups: Dict[str, Any]) -> Tuple[Dict[str, Any], ...]:
    """The options of each group, defaults filled in, under the names of the compiled half.

    :raises TypeError: for an option that no group has, with the closest one.
    """
    known = [name for group in groups for name in group]
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise TypeError(f"{function}() has no option `{name}`" + (f": did you mean `{near[0]}`?" if near else ""))
    gathered = []
    for group in groups:
        values = {_NATIVE.get(name, name): options.get(name, default) for name, default in group.items()}
        if group is FLAGS:
            values["flag_key"] = values.pop("key")
        for name in ("inputs", "classes", "layers"):
            if group is ELSEWHERE:
                values[name] = listed(values[name])
        for name in ("sheet", "worst"):
            if values.get(name) is not None:
                values[name] = str(values[name])
        gathered.append({name: _plain(value) for name, value in values.items()})
    return tuple(gathered)


def listed(given: Any) -> Any:
    """Names, of a list or of one text with commas between them."""
    if isinstance(given, str):
        return given.split(",")
    return [str(name) for name in given] if hasattr(given, "__iter__") else given


_FIELD = re.compile(r"failed to extract field \w+\.(\w+)")


def misfit(function: str, given: Dict[str, Any], error: TypeError) -> Optional[TypeError]:
    """An option of a wrong type, told by its name and value; ``None`` where the error is of something else."""
    found = _FIELD.search(str(error))
    if found is None:
        return None
    names = {native: name for name, native in _NATIVE.items()}
    names.update(flag_key="key", condition="where")
    name = names.get(found[1], found[1])
    reason: Optional[BaseException] = error
    while reason is not None and reason.__cause__ is not None:
        reason = reason.__cause__
    why = str(reason).replace("'PyString'", "a text").replace("'Sequence'", "a list").replace("'PyBool'", "True or False")
    why = why.replace("Can't extract `str` to `Vec`", "it takes a list of texts")
    value = f" cannot be {given[name]!r}" if name in given else ""
    return TypeError(f"{function}(): option `{name}`{value}: {why}")


def _plain(value: Any) -> Any:
    """Paths as texts."""
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def command(function: str, given: Dict[str, Any]) -> str:
    """The call for records: file names only, no folders of the person's machine, and ``frame`` for what was in memory."""

    def shown(value: Any) -> str:
        if hasattr(value, "_path_for_records"):
            value = value._path_for_records
        if isinstance(value, (str, os.PathLike)):
            text = os.fspath(value)
            return repr(os.path.basename(text) if os.sep in text else text)
        if value is None or isinstance(value, (bool, int, float)):
            return repr(value)
        if isinstance(value, (list, tuple)) and len(value) <= 5 and all(isinstance(one, str) for one in value):
            return repr(list(value))
        in_memory = hasattr(value, "__arrow_c_stream__") or isinstance(value, dict) or type(value).__name__ in {"DataFrame", "LazyFrame"}
        return "frame" if in_memory else type(value).__name__

    skipped = {"progress", "threads"}
    words = [f"{name}={shown(value)}" for name, value in given.items() if value is not None and name not in skipped]
    return f"recant.{function}({', '.join(words)})"


