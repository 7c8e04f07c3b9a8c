"""The notebook, run for real in a kernel of its own."""

import json
import os
import pathlib

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "examples" / "python" / "whole_job.ipynb"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Every code cell with what it showed: a list of (source, outputs). What the notebook writes goes to a temporary folder."""
    folder = tmp_path_factory.mktemp("notebook")
    os.symlink(ROOT / "data", folder / "data")
    kept = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(folder)
    try:
        done = nbclient.NotebookClient(nbformat.read(NOTEBOOK, as_version=4), timeout=600, resources={"metadata": {"path": str(folder)}}).execute()
    finally:
        os.environ.pop("TMPDIR") if kept is None else os.environ.update(TMPDIR=kept)
    made = next(folder.glob("recant-*"))
    assert {place.name for place in made.iterdir()} == {"model", "model-repaired"}
    return [("".join(cell.source), cell.outputs) for cell in done.cells if cell.cell_type == "code"]


def shown(run, word):
    """The HTML that the cell with this word ends with."""
    outputs = next(outputs for source, outputs in run if word in source)
    results = [output for output in outputs if output.output_type == "execute_result"]
    return results[-1]["data"]["text/html"]


def test_every_result_shows_what_came_of_it(run):
    assert "<table>" in shown(run, "recant.inspect") and "label:" in shown(run, "recant.inspect")
    for word in ("recant.train(", "recant.repair("):
        page = shown(run, word)
        assert "<iframe srcdoc=" in page and "&lt;svg" in page and "<script" not in page
    assert "further rows proposed" in shown(run, "recant.expand(") and "is_label_issue" in shown(run, "recant.expand(")
    assert "predicted" in shown(run, "recant.predict(")


def test_work_shows_a_bar_that_goes_away(run):
    outputs = next(outputs for source, outputs in run if "recant.repair(" in source)
    bars = [output["data"]["text/plain"] for output in outputs if output.output_type == "display_data" and "text/html" not in output["data"]]
    assert bars and all(bar == "" for bar in bars)


def test_the_stored_notebook_has_no_outputs():
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in cells if cell["cell_type"] == "code")
