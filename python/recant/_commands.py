"""The functions: each does what the program's command of the same name does."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Dict, Optional, Sequence, Union, cast

from . import _recant
from ._errors import RecantError
from ._flags import Flags, key_text
from ._frames import SheetLike, sheet as taken
from ._forks import at_work
from ._options import ELSEWHERE, ELSEWHERE_TRAINING, FLAGS, PROFILE, READING, REPAIR, RUN, TRAINING, command, gather, listed, misfit
from ._progress import Bar, callback
from ._results import Check, Checked, Expansion, Exported, Injection, Inspection, Model, Predictions, Repair, Scenarios, Suspects, Training

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._options import ElsewhereOptions, FlagOptions, ReadingOptions, RepairOptions, SheetOptions, TrainingOptions

ModelLike = Union[str, "os.PathLike[str]"]
"""A model folder, a :class:`Model`, or what :func:`train` or :func:`repair` returned."""
FlagsLike = Union[SheetLike, Sequence[Any]]
"""Flags: a sheet of them, keys of rows, or True and False for each row of the sheet."""


class _Run:
    """The options of a run, and its progress bar while it lasts."""

    def __init__(self, options: Dict[str, Any], function: str, given: Dict[str, Any]) -> None:
        at_work()
        self._function, self._given = function, given
        self._bar = callback(options["progress"])
        self.options = {**options, "progress": self._bar, "command": command(function, given)}

    def __enter__(self) -> Dict[str, Any]:
        return self.options

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(self._bar, Bar):
            self._bar.close()
        if isinstance(error, TypeError):
            told = misfit(self._function, self._given, error)
            if told is not None:
                raise told from error


def _path(value: Union[str, "os.PathLike[str]"]) -> str:
    return os.path.expanduser(os.fspath(value))


def _maybe(value: Union[str, "os.PathLike[str]", None]) -> Optional[str]:
    return None if value is None else _path(value)


def _flags(given: FlagsLike) -> Any:
    """Flags as the compiled half takes them: a sheet, or keys as texts."""
    if isinstance(given, Flags):
        return given
    single = type(given).__name__ in {"Series", "ChunkedArray", "Index"} or getattr(given, "ndim", 0) == 1
    table = isinstance(given, (str, os.PathLike, dict)) or hasattr(given, "__arrow_c_stream__") or type(given).__name__ in {"DataFrame", "LazyFrame"}
    if not single and (table or not hasattr(given, "__iter__")):
        return taken(given)
    values: Any = next((getattr(given, way)() for way in ("tolist", "to_list", "to_pylist") if hasattr(given, way)), None)
    values = list(cast(Any, given)) if values is None else values
    if not values:
        raise RecantError("no rows are flagged", hint="hand in at least one key")
    if all(isinstance(value, bool) for value in values):
        return _recant.mask_table(bytes(values))
    return [key_text(value) for value in values]


def _options_with(flags: Any, options: Dict[str, Any]) -> Dict[str, Any]:
    """The options, and what the flags themselves say where nothing else was said."""
    return {**flags.options, **options} if isinstance(flags, Flags) else options


def inspect(sheet: SheetLike, *, write_profile: Optional[ModelLike] = None, **options: "Unpack[SheetOptions]") -> Inspection:
    """Looks into a sheet: columns, classes, columns that give the label away, and a profile to edit.

    :param sheet: a path, a frame, or anything with the Arrow C stream interface.
    :param write_profile: a file to write the proposed profile to; never overwritten.
    :param options: how to read the sheet (``worksheet``, ``header_row``, ``encoding``, ``delimiter``, ``decimal``, ``dates``,
        ``visible_only``), which columns mean what (``profile``, ``label``, ``key``, ``time``, ``group``, ``actual``, ``planned``,
        ``where``, ``leave_out``), and ``seed``.
    :raises RecantError: where the sheet or the profile cannot be used.
    """
    run, reading, profile = gather("inspect", dict(options), RUN, READING, PROFILE)
    with _Run(run, "inspect", {"sheet": sheet, **options}) as running:
        raw = _recant.inspect(taken(sheet), reading, profile, _maybe(write_profile), running)
    result = Inspection(raw)
    result._warn()
    return result


def train(sheet: SheetLike, out: ModelLike, **options: "Unpack[TrainingOptions]") -> Training:
    """Trains a classifier on a sheet, and says whether it is of any use.

    :param sheet: a path, a frame, or anything with the Arrow C stream interface.
    :param out: the model folder to make; it must not exist yet.
    :param options: as of :func:`inspect`, and how to train: ``recipe``, ``network``, ``epochs``, ``learning_rate``, ``weight_decay``,
        ``batch``, ``balance_classes``, ``trials``, ``metric`` (what counts as better than a simple model), ``keep_test_rows``, ``private``.
    :raises RecantError: where the sheet cannot be used, or the folder exists.
    """
    run, reading, profile, training = gather("train", dict(options), RUN, READING, PROFILE, TRAINING)
    with _Run(run, "train", {"sheet": sheet, "out": out, **options}) as running:
        raw = _recant.train(taken(sheet), _path(out), reading, profile, training, running)
    result = Training(raw, _path(out))
    result._warn()
    return result


def inject(
    sheet: SheetLike,
    out: Optional[ModelLike] = None,
    *,
    kind: Union[str, Sequence[str]] = "uniform",
    rate: Union[str, float, None] = None,
    known: float = 1.0,
    false_flags: float = 0.0,
    bias: str = "none",
    whole_groups: bool = False,
    full_rows: bool = False,
    **options: "Unpack[SheetOptions]",
) -> Injection:
    """Mislabels rows of a sheet, to try a repair where the truth is known.

    :param sheet: a path, a frame, or anything with the Arrow C stream interface.
    :param out: a folder to make, with the corrupted sheet, the flags and the truth; ``None``: nothing is written.
    :param kind: ``uniform``, ``paper``, ``placebo``, ``confusion:A,B``, ``segment:RULE``, ``poison:COLUMN=VALUE->CLASS``, or several of these.
    :param rate: share of the training rows (0.05, "5%") or number of rows (200). Unless given: 5 %, or what the kind says.
    :param known: share of the wrong rows that the flags name, 0 to 1.
    :param false_flags: share of the flags that point at rows without an error, 0 to 1.
    :param bias: which wrong rows are found first: ``none`` (a random part), ``earliest``, ``latest``, or a condition.
    :param whole_groups: mislabel all rows of a group together.
    :param full_rows: flags with all columns, so that a repair needs no other data.
    :param options: as of :func:`inspect`.
    :raises RecantError: where the sheet or the kind cannot be used, or the folder exists.
    """
    run, reading, profile = gather("inject", dict(options), RUN, READING, PROFILE)
    injecting = {
        "kind": [kind] if isinstance(kind, str) else list(kind),
        "rate": None if rate is None else str(rate),
        "known": known,
        "false_flags": false_flags,
        "bias": bias,
        "whole_groups": whole_groups,
        "full_rows": full_rows,
    }
    with _Run(run, "inject", {"sheet": sheet, "out": out, "kind": kind, "rate": rate, **options}) as running:
        raw = _recant.inject(taken(sheet), _maybe(out), reading, profile, injecting, running)
    result = Injection(raw, _maybe(out))
    result._warn()
    return result


def _search(
    model: Optional[ModelLike], label: Optional[str], key: Optional[str], classes: Union[str, Sequence[str]], probabilities: Any
) -> Dict[str, Any]:
    """What a search for wrong rows starts from."""
    names = listed(classes)
    if getattr(probabilities, "ndim", 0) == 2 and not hasattr(probabilities, "columns"):
        import numpy

        if len(names) != probabilities.shape[1]:
            raise RecantError(
                f"an array of probabilities with {probabilities.shape[1]} columns does not name its classes, and `classes` names {len(names)}",
                hint="name them in the order of its columns: `classes=list(model.classes_)`",
            )
        probabilities = _recant.number_table(names, numpy.ascontiguousarray(probabilities, dtype="<f8").tobytes())
    elif probabilities is not None:
        probabilities = taken(probabilities)
    return {"model": _maybe(model), "label": label, "key": key, "classes": names, "probabilities": probabilities}


def expand(
    sheet: SheetLike,
    model: Optional[ModelLike] = None,
    flags: Optional[FlagsLike] = None,
    *,
    label: Optional[str] = None,
    classes: Union[str, Sequence[str]] = (),
    probabilities: Any = None,
    out: Optional[ModelLike] = None,
    checked: Optional[str] = None,
    tick_contradictions: bool = False,
    tick_doubtful: bool = False,
    **options: "Unpack[FlagOptions]",
) -> Expansion:
    """Finds the rest: further rows that are wrong like the flagged ones, and the rule that they follow.

    :param sheet: the sheet that the model was trained on.
    :param model: the model folder; of a sheet whose model was trained elsewhere its file, or nothing.
    :param label: without a model folder: the column that holds the class.
    :param classes: without a model folder: class names; unless given, those of the model's file, or the values of the label column.
    :param probabilities: without a model folder: probabilities of your own model for the rows of the sheet, by models that did not see the row:
        a table with a column for each class (by ``key``, or in row order), or an array of rows x ``classes``.
    :param flags: rows that are known to be wrong: a sheet of keys, row numbers or whole rows, a list of keys, or True and False per row.
    :param out: a file to write (.csv, or .xlsx to tick); ``None``: nothing is written.
    :param checked: a rule for the rows that somebody looked at for errors, where these are not all, such as ``"Market = LATAM"``.
    :param tick_contradictions: tick the rows that contradict something as well.
    :param tick_doubtful: tick rows of the pattern, doubtful ones too, at random with their chance of being wrong.
    :param options: how to read sheet and flags.
    :raises RecantError: where sheet, model or flags cannot be used.
    """
    if flags is None:
        raise RecantError("a search for further rows needs those that are known to be wrong", hint="give `flags`")
    run, reading, flag_reading = gather("expand", _options_with(flags, dict(options)), RUN, READING, FLAGS)
    search = _search(model, label, flag_reading["flag_key"], classes, probabilities)
    with _Run(run, "expand", {"sheet": sheet, "model": model, "flags": flags, "label": label, **options}) as running:
        ticks = (tick_contradictions, tick_doubtful)
        raw = _recant.expand(
            taken(sheet), search, _flags(flags), _maybe(out), reading, flag_reading, ticks, checked, running
        )
    result = Expansion(raw)
    result._warn()
    return result


def suspects(
    sheet: SheetLike,
    model: Optional[ModelLike] = None,
    *,
    label: Optional[str] = None,
    key: Optional[str] = None,
    classes: Union[str, Sequence[str]] = (),
    probabilities: Any = None,
    folds: int = 5,
    all: bool = False,
    out: Optional[ModelLike] = None,
    **options: "Unpack[ReadingOptions]",
) -> Suspects:
    """Ranks likely label errors without any flags.

    :param sheet: the sheet that the model was trained on.
    :param model: the model folder; of a sheet whose model was trained elsewhere its file, or nothing.
    :param label: without a model folder: the column that holds the class.
    :param key: without a model folder: the column that names each row.
    :param classes: without a model folder: class names; unless given, those of the model's file, or the values of the label column.
    :param probabilities: without a model folder: probabilities of your own model for the rows of the sheet, as for :func:`expand`.
    :param folds: parts that the rows are cut into, each judged by a model trained on the others (2 to 50).
    :param all: list every training row, not only the suspects, the most doubted label first.
    :param out: a file to write (.csv, or .xlsx to tick); ``None``: nothing is written.
    :raises RecantError: where sheet or model cannot be used.
    """
    run, reading = gather("suspects", dict(options), RUN, READING)
    search = _search(model, label, key, classes, probabilities)
    with _Run(run, "suspects", {"sheet": sheet, "model": model, "label": label, "key": key, **options}) as running:
        raw = _recant.suspects(taken(sheet), search, (folds, all), _maybe(out), reading, running)
    result = Suspects(raw)
    result._warn()
    return result


def repair(
    model: ModelLike,
    flags: Optional[FlagsLike] = None,
    *,
    corrected: Optional[SheetLike] = None,
    data: Optional[SheetLike] = None,
    test: Optional[SheetLike] = None,
    looked_up: Optional[ModelLike] = None,
    affected: Optional[ModelLike] = None,
    expand: bool = False,
    only_flagged: bool = False,
    checked: Optional[str] = None,
    method: str = "auto",
    out: Optional[ModelLike] = None,
    **options: "Unpack[RepairOptions]",
) -> Repair:
    """Repairs a model, given the rows that were entered wrongly, and judges the repair.

    :param model: the model folder, or the file of a model that was trained elsewhere (.onnx, .safetensors, .pt): ``label`` and ``data`` are
        then needed, and ``out`` is a file of the same ending (docs/onnx.md).
    :param flags: the wrong rows: a sheet of keys, row numbers or whole rows, a list of keys, or True and False for each row of ``data``.
    :param corrected: instead of flags, a corrected copy of the sheet.
    :param data: the sheet that the model was trained on; needed where the flags have only keys, and by all methods but assd and ssd.
    :param test: a sheet to judge by, whose labels you vouch for. Unless given: the test rows of ``data``, those under suspicion left out.
    :param looked_up: a file of :func:`check` with truths filled in.
    :param affected: for trials, ``truth/affected-rows.csv`` of :func:`inject`.
    :param expand: look for further rows that are wrong like the flagged ones, and repair with them too.
    :param only_flagged: repair with the flagged rows alone; else ``auto`` repairs with further rows too where they follow what the flags
        have in common and a repair with them is accepted.
    :param checked: a rule for the rows that somebody looked at for errors, where these are not all, such as ``"Market = LATAM"``.
    :param method: a repair method; ``auto``: the one that helps most, accepted by rows that chose nothing, or the old model; ``all``.
    :param out: the model folder to make, with its report; ``None``: the repair is judged and nothing is written.
    :param options: how to read flags and sheets; what counts as evidence (``metric``, ``matters``, ``minimum_effect``, ``significance``,
        ``resamples``).
    :raises RecantError: where model, flags or sheets cannot be used, or the folder exists.
    """
    run, reading, flag_reading, repairing, elsewhere, training = gather(
        "repair", _options_with(flags, dict(options)), RUN, READING, FLAGS, REPAIR, ELSEWHERE, ELSEWHERE_TRAINING
    )
    training["validation"] = None if training["validation"] is None else taken(training["validation"])
    sheets = {
        "flags": None if flags is None else _flags(flags),
        "corrected": None if corrected is None else taken(corrected),
        "data": None if data is None else taken(data),
        "test": None if test is None else taken(test),
        "looked_up": _maybe(looked_up),
        "affected": _maybe(affected),
        "out": _maybe(out),
    }
    repairing.update(expand=expand, only_flagged=only_flagged, checked=checked, method=method)
    given = {"model": model, "flags": flags, "corrected": corrected, "data": data, "test": test, "out": out}
    with _Run(run, "repair", {**given, "method": method, **options}) as running:
        raw = _recant.repair(_path(model), sheets, (elsewhere, training), reading, flag_reading, repairing, running)
    result = Repair(raw, _maybe(out))
    result._warn()
    return result


def check(
    model: ModelLike, repaired: ModelLike, data: SheetLike, out: ModelLike, *, rows: int = 30, **options: "Unpack[ElsewhereOptions]"
) -> Check:
    """Draws rows on which two models differ, to look up their true labels.

    :param model: the model before the repair.
    :param repaired: the model after it.
    :param data: the sheet to draw from; of the sheet that the model was trained on only its test rows are drawn.
    :param out: the file to write: .xlsx with a drop-down of the classes, or .csv.
    :param rows: rows to draw (1 to 2000).
    :raises RecantError: where models or sheet cannot be used, or the models never differ.
    """
    run, reading, elsewhere = gather("check", dict(options), RUN, READING, ELSEWHERE)
    with _Run(run, "check", {"model": model, "repaired": repaired, "data": data, "out": out, **options}) as running:
        raw = _recant.draw(_path(model), _path(repaired), taken(data), rows, elsewhere, _path(out), reading, running)
    result = Check(raw, _path(out))
    result._warn()
    return result


def read_check(filled: ModelLike, *, minimum_effect: float = 0.001) -> Checked:
    """Judges a repair by a file of :func:`check` with truths filled in.

    :param filled: the file; its key must be beside it.
    :param minimum_effect: smallest difference in accuracy that is called a change, as a fraction.
    :raises RecantError: where the file or its key cannot be read, or no truth was filled in.
    """
    result = Checked(_recant.judge(_path(filled), minimum_effect))
    result._warn()
    return result


def predict(sheet: SheetLike, model: ModelLike, *, out: Optional[ModelLike] = None, **options: "Unpack[ElsewhereOptions]") -> Predictions:
    """Predicts a sheet: class, probabilities, and a warning where a row is unlike what the model was trained on.

    :param sheet: a path, a frame, or anything with the Arrow C stream interface. Label columns are not needed.
    :param model: the model folder, or the file of a model that was trained elsewhere (``label`` names a column of the sheet that is no input).
    :param out: a file to write (.csv, .xlsx or .parquet); ``None``: nothing is written.
    :raises RecantError: where sheet or model cannot be used.
    """
    run, reading, elsewhere = gather("predict", dict(options), RUN, READING, ELSEWHERE)
    with _Run(run, "predict", {"sheet": sheet, "model": model, "out": out, **options}) as running:
        raw = _recant.predict(taken(sheet), _path(model), _maybe(out), elsewhere, reading, running)
    result = Predictions(raw)
    result._warn()
    return result


def export(
    model: ModelLike, out: ModelLike, *, data: Optional[SheetLike] = None, **options: "Unpack[ReadingOptions]"
) -> Exported:
    """Writes a model as one ONNX file with its whole encoding: raw columns in, class and probabilities out.

    :param model: the model folder.
    :param out: the file to write, ``model.onnx``.
    :param data: a sheet on whose rows the file's predictions are compared with the model's before it is written.
    :raises RecantError: where the model or the sheet cannot be used, the predictions differ, or the file exists.
    """
    run, reading = gather("export", dict(options), RUN, READING)
    with _Run(run, "export", {"model": model, "out": out, "data": data, **options}) as running:
        raw = _recant.export(_path(model), _path(out), None if data is None else taken(data), reading, running)
    result = Exported(raw, _path(out))
    result._warn()
    return result


def scenarios(
    sheet: SheetLike,
    out: ModelLike,
    *,
    sizes: Union[str, Sequence[str]] = "2x50,3x100,5x250",
    errors: Union[str, Sequence[Union[str, float]]] = "0.25%,1%,2.5%,5%,7.5%,10%",
    runs: Union[int, Sequence[int]] = 100,
    published: bool = False,
    methods: Union[str, Sequence[str], None] = None,
    kind: Optional[str] = None,
    init_seeds: int = 1,
    learning_rate: Optional[float] = None,
    weight_decay: Optional[float] = None,
    trials: int = 10,
    epochs: Optional[int] = None,
    importance: str = "squared-batch-gradient",
    reference: Optional[str] = None,
    sweep_runs: int = 10,
    chunk: int = 10,
    minimum_effect: float = 0.001,
    resamples: int = 10_000,
    **options: "Unpack[SheetOptions]",
) -> Scenarios:
    """Does a repair help? Many random error scenarios, computed on the processor, judged, and reported in ``out/report``.

    Stopped or killed, the same call goes on where it stopped, and ends with the same bytes.

    :param sheet: a path, a frame, or anything with the Arrow C stream interface.
    :param out: the run folder: made if it is not there, gone on with if it is.
    :param sizes: network sizes; differing widths with dashes, such as ``100-50``.
    :param errors: error rates: shares of the training rows (0.05, "5%"), or numbers of rows.
    :param runs: scenarios per size and error rate; one number, or one per size. At least 2, or there is nothing to judge.
    :param published: as published for the DataCo data (arXiv 2402.10098, Table 4): learning rate and weight decay of each size, and, unless
        given, ``kind="paper"``, ``reference="retain"`` and the methods retrain, finetune and assd. The profile is ``dataco-paper``.
    :param methods: repair methods; joined by ``+`` they are applied one after the other; ``None``: all.
    :param kind: ``uniform`` (unless given), ``paper`` (the published injector, faults and all), or ``placebo`` (right rows are flagged, nothing
        is wrong).
    :param init_seeds: initialisations nested under each scenario; 1: one for all scenarios, as in the paper.
    :param learning_rate: learning rate of the first pass; ``None``: searched once per size on clean data, in ``trials`` trials.
    :param weight_decay: weight decay, with ``learning_rate``.
    :param epochs: passes over the training rows; ``None``: the profile's.
    :param importance: ``squared-batch-gradient`` or ``per-sample-fisher``.
    :param reference: ``retain-original-batches`` (unless given), ``retain`` or ``full``.
    :param sweep_runs: in how many scenarios of each cell dampening is tried over a grid of alpha and lambda.
    :param chunk: scenarios that are written together: what a kill loses at most.
    :param minimum_effect: smallest change in accuracy that counts, as a fraction.
    :param resamples: bootstrap resamples.
    :param options: as of :func:`inspect`.
    :raises RecantError: where the sheet or an option cannot be used, or the folder holds a run with other settings.
    """
    run, reading, profile = gather("scenarios", dict(options), RUN, READING, PROFILE)
    batch = {
        "sizes": _list(sizes),
        "errors": _list(errors),
        "runs": _list(runs),
        "published": published,
        "methods": None if methods is None else _list(methods),
        "kind": kind,
        "init_seeds": init_seeds,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "trials": trials,
        "epochs": epochs,
        "importance": importance,
        "reference": reference,
        "sweep_runs": sweep_runs,
        "chunk": chunk,
        "minimum_effect": minimum_effect,
        "resamples": resamples,
    }
    with _Run(run, "scenarios", {"sheet": sheet, "out": out, **options}) as running:
        raw = _recant.scenarios(taken(sheet), _path(out), reading, profile, batch, running)
    result = Scenarios(raw, _path(out))
    result._warn()
    return result


def _list(given: Any) -> str:
    """One or several, in the command line's form."""
    several = [given] if isinstance(given, (str, int, float)) else list(given)
    return ",".join(str(one) for one in several)


def share(model: ModelLike, out: ModelLike) -> Model:
    """A copy of a model folder that predicts and holds nothing else: no keys, gradients, records or reports.

    :param model: the model folder.
    :param out: the folder to make; it must not exist yet.
    :raises RecantError: where it is no model folder, or ``out`` exists.
    """
    _recant.share(_path(model), _path(out))
    return Model(_path(out))
