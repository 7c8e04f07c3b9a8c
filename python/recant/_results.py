"""What the functions return: typed objects with frames inside. Fractions are fractions (0.876), never percent; unknown is ``None``."""

from __future__ import annotations

import html
import json
import os
import warnings
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional

from ._errors import RecantError, in_python
from ._frames import Frame

if TYPE_CHECKING:
    import numpy


class RecantWarning(UserWarning):
    """Something about a sheet or a model that a person should know, and what was done about it."""


class Note(NamedTuple):
    """One thing that a person should know."""

    code: str
    """A stable name, such as ``mixed-dates``."""
    found: str
    """What was found."""
    done: str
    """What was done about it."""

    def __str__(self) -> str:
        return f"{self.found} ({self.done})" if self.done else self.found


class Interval(NamedTuple):
    """An estimate with its 95 % interval, as fractions."""

    estimate: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.estimate:.4f} (95 % interval {self.low:.4f} to {self.high:.4f})"


def _notes(*lists: List[Dict[str, str]]) -> List[Note]:
    """Notes of several lists, each once, with options in Python's form."""
    found = [Note(note["code"], in_python(note["found"]), in_python(note["done"])) for notes in lists for note in notes]
    return list(dict.fromkeys(found))


class Result:
    """What all results have in common."""

    notes: List[Note]
    """What was noticed, and what was done about it. Each is raised as a :class:`RecantWarning`, too."""
    record: Dict[str, Any]
    """Everything, as the program's JSON has it."""

    def __init__(self, raw: Dict[str, Any]) -> None:
        self.record = json.loads(raw["record"])
        own = self.record.get("notes", []) if isinstance(self.record, dict) else []
        self.notes = _notes(json.loads(raw["notes"]), own)

    def _warn(self, stacklevel: int = 3) -> None:
        for note in self.notes:
            warnings.warn(str(note), RecantWarning, stacklevel=stacklevel)

    def _facts(self) -> List[str]:
        """Lines that say what came of it."""
        return []

    def __repr__(self) -> str:
        return "\n".join([f"<recant.{type(self).__name__}>", *self._facts()])

    def _repr_html_(self) -> str:
        lines = "".join(f"<p>{html.escape(line)}</p>" for line in self._facts())
        return f"<div>{lines}{self._notes_html()}</div>"

    def _notes_html(self) -> str:
        if not self.notes:
            return ""
        items = "".join(f"<li>{html.escape(str(note))}</li>" for note in self.notes)
        return f"<details><summary>{len(self.notes)} notes</summary><ul>{items}</ul></details>"


class Page(Result):
    """A result with a report."""

    headline: str
    """The judgement in a few words."""
    report_html: str
    """The whole report as one page: it runs no scripts and loads nothing."""
    plots: Dict[str, str]
    """The report's plots by name, as SVG."""

    def __init__(self, raw: Dict[str, Any]) -> None:
        super().__init__(raw)
        self.headline = raw["headline"]
        self.report_html = raw["html"]
        self.plots = dict(raw["plots"])

    def _repr_html_(self) -> str:
        page = html.escape(self.report_html, quote=True)
        frame = f'<iframe srcdoc="{page}" sandbox title="Report" style="width:100%;height:44em;border:1px solid #8888"></iframe>'
        return super()._repr_html_() + frame


class Inspection(Result):
    """What is in a sheet and how it could be used."""

    columns: Frame
    """A row per column of the sheet: name, kind, role, missing and distinct cells (counts), range, examples, why."""

    def __init__(self, raw: Dict[str, Any]) -> None:
        super().__init__(raw)
        self.columns = Frame(raw["columns"])

    @property
    def rows(self) -> int:
        """Rows of the sheet, header not counted."""
        return self.record["rows"]

    @property
    def label(self) -> Optional[str]:
        """The label in words; ``None`` where no column looks like one."""
        return self.record["label"]

    @property
    def classes(self) -> Dict[str, float]:
        """Share of each class among the rows that training could use, in label order."""
        return {entry["class"]: entry["share"] for entry in self.record["classes"]}

    @property
    def leakage(self) -> List[str]:
        """Columns that give the label away."""
        return [finding["column"] for finding in self.record["leakage"]]

    @property
    def obstacle(self) -> Optional[str]:
        """What stands in the way of training; ``None`` where nothing does."""
        told = self.record["obstacle"]
        return None if told is None else in_python(told)

    @property
    def profile(self) -> str:
        """The proposed profile as TOML text, to save and edit."""
        return self.record["profile_toml"]

    def _facts(self) -> List[str]:
        classes = ", ".join(f"{name} {share:.1%}" for name, share in self.classes.items())
        facts = [f"{self.rows} rows, {len(self.columns)} columns", f"label: {self.label or 'none found'}"]
        facts += [f"classes: {classes}"] if classes else []
        facts += [f"these give the label away: {', '.join(self.leakage)}"] if self.leakage else []
        return facts + ([f"in the way of training: {self.obstacle}"] if self.obstacle else [])

    def _repr_html_(self) -> str:
        return super()._repr_html_() + self.columns._repr_html_(40)


class Model:
    """A model folder. Wherever a function takes a model, its path will do."""

    path: str
    """The folder."""

    def __init__(self, path: "str | os.PathLike[str]") -> None:
        self.path = os.fspath(path)
        self._info: Optional[Dict[str, Any]] = None

    def __fspath__(self) -> str:
        return self.path

    @property
    def info(self) -> Dict[str, Any]:
        """What the folder says of itself: classes, network, parameters, inputs, key and group column, data, repairs.

        :raises RecantError: where it is no model folder, or was altered.
        """
        if self._info is None:
            from . import _recant

            self._info = json.loads(_recant.model(self.path))
        return self._info

    @property
    def classes(self) -> List[str]:
        """Class names, in label order."""
        return self.info["classes"]

    def __repr__(self) -> str:
        return f"<recant.Model {self.path!r}>"


class Training(Page):
    """A trained model, and how good it is. It can be given wherever a model is expected."""

    model: Model
    """The model folder."""

    def __init__(self, raw: Dict[str, Any], out: str) -> None:
        super().__init__(raw)
        self.model = Model(out)

    def __fspath__(self) -> str:
        return self.model.path

    @property
    def usefulness(self) -> str:
        """``useful``, ``no-better-than-simple``, ``worse-than-simple``, ``tells-classes-apart``, ``useless`` or ``not-evaluated``."""
        return self.record["usefulness"]["usefulness"]

    @property
    def sentence(self) -> str:
        """The judgement with its figures."""
        return self.record["usefulness"]["sentence"]

    @property
    def classes(self) -> List[str]:
        """Class names, in label order."""
        return self.record["model"]["classes"]

    @property
    def accuracy(self) -> Optional[Interval]:
        """Accuracy on the test rows; ``None`` without test rows."""
        test = self.record["test"]
        return None if test is None else Interval(**test["accuracy"])

    @property
    def rows(self) -> Dict[str, int]:
        """Rows of ``training``, ``validation`` and ``test``."""
        return {part: self.record["split"][f"{part}_rows"] for part in ("training", "validation", "test")}

    def _facts(self) -> List[str]:
        facts = [self.headline, self.sentence, f"model: {self.model.path}"]
        return facts


class Injection(Result):
    """A sheet with wrong labels, for trials where the truth is known."""

    corrupted: Frame
    """The sheet with wrong labels."""
    flags: Frame
    """The flags: a row for each row that somebody has found."""
    truth: Frame
    """Every wrong row with its true and its wrong label; for judging only."""
    affected: Frame
    """Every row that an error could have hit."""
    out: Optional[str]
    """The folder that was made, if any."""

    def __init__(self, raw: Dict[str, Any], out: Optional[str]) -> None:
        super().__init__(raw)
        self.out = out
        self.corrupted = Frame(raw["corrupted"])
        self.flags = Frame(raw["flags"])
        self.truth = Frame(raw["truth"])
        self.affected = Frame(raw["affected"])

    @property
    def mislabelled(self) -> int:
        """Rows that were mislabelled."""
        return self.record["mislabelled"]

    def _facts(self) -> List[str]:
        kinds = [f"{mistake['rows']}: {mistake['affected']}" for mistake in self.record["mistakes"]]
        return [f"{self.mislabelled} of {self.record['training_rows']} training rows mislabelled; {self.record['flagged']} flagged", *kinds]


class Proposals(Result):
    """Further rows that are probably wrong. Given as flags to :func:`repair`, the ticked ones (``is_label_issue``) are taken."""

    proposals: Frame
    """The rows to look at and to tick: key, sheet_row, is_label_issue, kind, given_label, likeliest_label, for suspects a score, chance_wrong
    (0 to 1; blank where it is not known), correct_label, why, and the sheet's own columns."""

    def __init__(self, raw: Dict[str, Any]) -> None:
        super().__init__(raw)
        self.proposals = Frame(raw["proposals"])

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.proposals.__arrow_c_stream__(requested_schema)

    def _repr_html_(self) -> str:
        return super()._repr_html_() + self.proposals._repr_html_()


class Expansion(Proposals):
    """Rows that are wrong like the flagged ones, and the rule that they follow."""

    @property
    def verdict(self) -> str:
        """``pattern``, ``independent-slips`` or ``too-few-flags``."""
        return self.record["verdict"]

    @property
    def sentence(self) -> str:
        """The same in a sentence or two."""
        return self.record["sentence"]

    @property
    def rules(self) -> List[str]:
        """The rules that the flagged rows follow, in words."""
        return [rule["words"] for rule in self.record["rules"]]

    @property
    def proposed(self) -> int:
        """Rows proposed for being like the flagged ones."""
        return len(self.record["pattern"])

    @property
    def expected_precision(self) -> Optional[float]:
        """Estimated share of wrong rows among the proposed; ``None`` where there are none."""
        return self.record["expected_precision"]

    def _facts(self) -> List[str]:
        return [self.sentence, *self.rules, f"{self.proposed} further rows proposed"]


class Suspects(Proposals):
    """Likely label errors, the most doubted first, found without any flags (confident learning, JAIR 70, 2021)."""

    classes: List[str]
    """Class names, in label order."""

    def __init__(self, raw: Dict[str, Any]) -> None:
        super().__init__(raw)
        self.classes = raw["classes"]

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(row["suspect"] for row in self.record["rows"])

    @property
    def estimated_wrong(self) -> float:
        """Estimated number of wrong rows: :attr:`estimate` tells what that number is."""
        return self.record["estimated_wrong"]

    @property
    def estimate(self) -> str:
        """``about`` so many rows are wrong, ``at-least`` or ``at-most``; only with the first is ``chance_wrong`` filled in."""
        return self.record["estimate"]

    def _facts(self) -> List[str]:
        return [f"{self.count} of {self.record['training_rows']} training rows are suspect; look before you repair"]


class Repair(Page):
    """A repaired model with its verdict. Where a folder was made, it can be given wherever a model is expected."""

    model: Optional[Model]
    """The model folder that was made; ``None`` without ``out``."""
    verdict: Optional[str]
    """``better``, ``worse``, ``no-change-detected`` or ``cannot-be-judged``; ``None`` without test rows."""
    sentence: Optional[str]
    """The verdict with its figures."""
    change: Optional[Interval]
    """Change in accuracy on the test rows, as a fraction."""
    recommended: bool
    """Whether the written model is the recommended one."""
    kept_the_old: bool
    """Whether no repair was accepted, so that the written model is the old one."""
    methods: Frame
    """A row per method: accuracy before and after (fractions), change with its interval, p-value, verdict, whether it was chosen."""
    flagged_rows: Frame
    """A row per flagged training row: key, row, labels, predictions and their probabilities before and after."""
    changed_rows: Frame
    """A row per test row that the repair fixed or broke."""

    def __init__(self, raw: Dict[str, Any], out: Optional[str]) -> None:
        super().__init__(raw)
        self.model = None if out is None else Model(out)
        self.verdict = raw["verdict"]
        self.sentence = raw["sentence"]
        self.change = None if raw["change"] is None else Interval(*raw["change"])
        self.recommended = raw["recommended"]
        self.kept_the_old = raw["kept"]
        self.methods = Frame(raw["methods"])
        self.flagged_rows = Frame(raw["flagged_rows"])
        self.changed_rows = Frame(raw["changed_rows"])

    def __fspath__(self) -> str:
        if self.model is None:
            raise RecantError("this repair made no model folder", hint="repair again with `out`")
        return self.model.path

    @property
    def method(self) -> str:
        """The method whose model was written; ``none`` is the old model."""
        return self.record["chosen"]

    @property
    def advice(self) -> Optional[str]:
        """``use``, ``keep`` (the old model) or ``check-first``."""
        return self.record["recommendation"]["advice"]

    @property
    def reason(self) -> str:
        """Why, as a sentence."""
        return in_python(self.record["recommendation"]["reason"])

    def _facts(self) -> List[str]:
        facts = [self.headline] + ([self.sentence] if self.sentence else [])
        advice = {"use": "Use the repaired model", "keep": "Keep the old model", "check-first": "Check some rows first"}
        facts.append(f"{advice.get(self.advice or '', 'Advice')}: {self.reason}")
        return facts + ([] if self.model is None else [f"model: {self.model.path}"])


class Check(Result):
    """Rows to look up: those on which two models differ, drawn at random."""

    sheet: Frame
    """The rows, with an empty column ``true_label`` to fill in. It does not tell which model said what."""
    path: str
    """The file that was written; the key is beside it."""
    key_path: str
    """What the models said: for the program, not for the person who looks up."""

    def __init__(self, raw: Dict[str, Any], out: str) -> None:
        super().__init__(raw)
        self.sheet = Frame(raw["sheet"])
        self.path = out
        self.key_path = str(raw["key_path"])

    @property
    def differing(self) -> int:
        """Rows on which the two models differ."""
        return self.record["differing"]

    @property
    def rows(self) -> int:
        """Rows that both models were asked about."""
        return self.record["rows"]

    def _facts(self) -> List[str]:
        return [
            f"{len(self.sheet)} of {self.differing} rows on which the models differ (of {self.rows} rows): {self.path}",
            "fill in the column true_label, save, and give the file to recant.read_check",
        ]


class Checked(Result):
    """What the truths that were looked up say of a repair."""

    @property
    def verdict(self) -> str:
        """``better``, ``worse``, ``no-change-detected`` or ``cannot-be-judged``."""
        return self.record["verdict"]

    @property
    def advice(self) -> str:
        """``use``, ``keep`` or ``check-first``."""
        return self.record["advice"]

    @property
    def change(self) -> Interval:
        """Change in accuracy over all rows, with its exact 95 % interval."""
        return Interval(**self.record["change"])

    @property
    def rows_to_decide(self) -> Optional[int]:
        """Rows to look up in all until it would be decided; ``None`` where it is decided."""
        return self.record["rows_to_decide"]

    def _facts(self) -> List[str]:
        record = self.record
        return [
            f"{self.verdict}: change in accuracy {self.change}",
            f"{record['looked_up']} rows looked up; the repaired model is right in {record['fixed']}, the old one in {record['broken']}",
        ]


class Exported(Result):
    """A model as an ONNX file."""

    def __init__(self, raw: Dict[str, Any], out: str) -> None:
        super().__init__(raw)
        self.out = out
        """The file."""

    @property
    def inputs(self) -> List[Dict[str, str]]:
        """What the graph takes, in its order: ``name``, ``column`` of the sheet, ``kind`` and ``meaning``."""
        return self.record["inputs"]

    @property
    def classes(self) -> List[str]:
        """Class names, in the order of the probabilities."""
        return self.record["classes"]

    @property
    def largest_difference(self) -> Optional[float]:
        """Largest difference of a probability from the model's on the rows of ``data``; ``None`` without any."""
        return self.record["largest_difference"]

    def _facts(self) -> List[str]:
        facts = [f"{self.out}: {len(self.inputs)} inputs, classes {', '.join(self.classes)}"]
        if self.largest_difference is not None:
            facts.append(f"{self.record['compared_rows']} rows: no probability differs by more than {self.largest_difference:.0e} from the model's")
        return facts


class Scenarios(Page):
    """A judged batch of random error scenarios: does a repair help, for which network size and error rate?"""

    out: str
    """The run folder; the report is in its folder ``report``."""
    cells: Frame
    """A row per network size, error rate and method, on the test rows: number of scenarios, mean accuracy before and after and mean change
    with its interval (fractions), p-value, verdict, and the same as a sentence."""
    computed: int
    """Scenarios computed by this call."""
    found: int
    """Scenarios that were there already."""

    def __init__(self, raw: Dict[str, Any], out: str) -> None:
        super().__init__(raw)
        self.out = out
        self.cells = Frame(raw["cells"])
        self.computed = raw["computed"]
        self.found = raw["found"]

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.cells.__arrow_c_stream__(requested_schema)

    def _facts(self) -> List[str]:
        scenarios = f"{self.computed} scenarios computed, {self.found} were there already: {self.out}"
        sentences = [method["test"]["sentence"] for cell in self.record["cells"] for method in cell["methods"]]
        return [self.headline, scenarios, *sentences]


class Predictions(Result):
    """Predictions for every row of a sheet, in its order."""

    frame: Frame
    """The sheet with the columns ``predicted``, ``probability of CLASS`` and ``warning``."""
    classes: List[str]
    """Class names, in label order."""
    counts: Dict[str, int]
    """Rows predicted as each class."""
    rows_with_warnings: int
    """Rows that are unlike what the model was trained on."""

    def __init__(self, raw: Dict[str, Any]) -> None:
        super().__init__({"record": "{}", "notes": raw["notes"]})
        self.frame = Frame(raw["frame"])
        self.classes = raw["classes"]
        self.counts = dict(zip(self.classes, raw["counts"]))
        self.rows_with_warnings = raw["warned"]
        self._predicted = raw["predicted"]
        self._probabilities = raw["probabilities"]

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.frame.__arrow_c_stream__(requested_schema)

    @property
    def labels(self) -> "List[str]":
        """The predicted class of each row."""
        return [self.classes[code] for code in self._predicted]

    @property
    def probabilities(self) -> "numpy.ndarray":
        """Rows x classes, float32, each row summing to 1 (needs numpy)."""
        import numpy

        return numpy.frombuffer(self._probabilities, dtype="<f4").reshape(-1, len(self.classes))

    def _facts(self) -> List[str]:
        counts = ", ".join(f"{name} {count}" for name, count in self.counts.items())
        warned = f"; {self.rows_with_warnings} rows with a warning" if self.rows_with_warnings else ""
        return [f"{len(self._predicted)} rows predicted: {counts}{warned}"]

    def _repr_html_(self) -> str:
        return super()._repr_html_() + self.frame._repr_html_()
