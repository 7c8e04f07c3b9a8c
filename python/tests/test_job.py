"""The whole job, function by function."""

import json
import os

import numpy
import pandas
import polars
import pytest

import recant
from conftest import ROWS, WHAT


def test_inspect_proposes_a_profile_that_can_be_written(orders_csv, tmp_path):
    found = recant.inspect(orders_csv, **WHAT, write_profile=tmp_path / "orders.toml")
    assert (tmp_path / "orders.toml").read_text(encoding="utf-8") == found.profile
    assert found.label and found.obstacle is None and found.leakage == []
    assert sum(found.classes.values()) == pytest.approx(1)
    assert "rows" in repr(found) and "<table>" in found._repr_html_()


def test_train_tells_what_the_model_is_good_for(model):
    assert os.path.isfile(os.path.join(model, "model.json"))
    assert model.usefulness in {"useful", "no-better-than-simple", "worse-than-simple", "tells-classes-apart", "useless"}
    assert 0 <= model.accuracy.low <= model.accuracy.estimate <= model.accuracy.high <= 1
    assert sum(model.rows.values()) == ROWS
    assert sorted(model.classes) == sorted(model.model.classes) == ["late", "on time"]
    assert model.model.info["key"] == "order"
    assert model.headline in model._repr_html_() and "srcdoc" in model._repr_html_()
    assert all(plot.startswith("<?xml") for plot in model.plots.values()) and model.plots
    assert model.record["command"].startswith("recant.train(sheet=frame")


def test_the_same_frame_and_seed_give_the_same_model(corrupted, model, tmp_path):
    again = recant.train(polars.DataFrame(corrupted[0]), tmp_path / "model", **WHAT, epochs=8, threads=1)
    for name in ("weights.safetensors", "training.json"):
        files = [os.path.join(folder, name) for folder in (model, again)]
        contents = [open(path, "rb").read() for path in files]
        assert contents[0] == contents[1], name


def test_a_frame_predicts_as_its_file_does(orders, orders_csv, model):
    by_path, by_frame = recant.predict(orders_csv, model), recant.predict(pandas.DataFrame(orders), model)
    assert numpy.array_equal(by_path.probabilities, by_frame.probabilities)
    assert by_path.counts == by_frame.counts and sum(by_path.counts.values()) == ROWS
    assert by_frame.probabilities.shape == (ROWS, 2)
    assert by_frame.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_repair_judges_and_writes(corrupted, model, tmp_path):
    sheet, wrong = corrupted
    done = recant.repair(model, wrong, data=polars.DataFrame(sheet), method="retrain", out=tmp_path / "repaired", resamples=500)
    assert done.verdict in {"better", "worse", "no-change-detected", "cannot-be-judged"} and done.sentence
    assert done.method == "retrain" and done.record["flags"]["used"] > 0
    assert isinstance(done.recommended, bool) and done.advice in {None, "use", "keep", "check-first"}
    flagged = done.flagged_rows.to_pandas()
    assert set(flagged["key"]) <= set(wrong) and flagged["before_probability"].between(0, 1).all()
    assert done.methods.to_polars().filter(polars.col("chosen"))["method"].to_list() == ["retrain"]
    assert recant.predict(polars.DataFrame(sheet), done).classes == model.classes
    html = done._repr_html_()
    assert done.headline in html and "<svg" in done.report_html and "sandbox" in html
    assert os.path.isfile(os.path.join(done.model.path, "report", "report.html"))


def test_without_out_nothing_is_written(corrupted, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sheet, wrong = corrupted
    done = recant.repair(model, wrong, data=sheet, method="assd", resamples=200)
    assert os.listdir(tmp_path) == [] and done.model is None
    with pytest.raises(recant.RecantError, match="no model folder"):
        recant.predict(sheet, done)


def test_a_corrected_sheet_is_flags_with_labels(orders, corrupted, model):
    done = recant.repair(model, corrected=orders, data=corrupted[0], method="retrain", resamples=200)
    assert done.flagged_rows.to_pandas()["correction"].eq("late").all()


def test_a_shared_model_predicts_and_holds_no_report(orders, model, tmp_path):
    shared = recant.share(model, tmp_path / "shared")
    wanted = recant.predict(orders, model).probabilities
    assert numpy.array_equal(recant.predict(orders, shared).probabilities, wanted)
    assert not os.path.exists(os.path.join(shared, "report"))


def test_an_exported_model_says_what_it_takes(orders, model, tmp_path):
    done = recant.export(model, tmp_path / "model.onnx", data=orders)
    assert os.path.getsize(tmp_path / "model.onnx") > 1000
    assert done.classes == list(model.classes)
    assert done.inputs and {"name", "column", "kind", "meaning"} == set(done.inputs[0])
    assert done.largest_difference < 1e-5
    with pytest.raises(recant.RecantError, match="exists"):
        recant.export(model, tmp_path / "model.onnx")


def test_inject_keeps_the_truth_apart(orders, tmp_path):
    trial = recant.inject(orders, tmp_path / "trial", rate=30, **WHAT)
    assert trial.mislabelled == 30 == len(trial.truth)
    changed = trial.corrupted.to_pandas()["outcome"] != pandas.DataFrame(orders)["outcome"]
    assert changed.sum() == 30 and len(trial.flags) == 30
    assert {"corrupted.csv", "flags.csv", "truth"} == set(os.listdir(tmp_path / "trial"))
    quiet = recant.inject(orders, rate="5%", known=0.5, **WHAT)
    assert quiet.out is None and 0 < len(quiet.flags) < quiet.mislabelled


def test_expand_and_suspects_propose_rows_to_repair_with(corrupted, model, tmp_path):
    sheet, wrong = corrupted
    found = recant.expand(sheet, model, wrong[:25], out=tmp_path / "proposals.csv")
    assert found.verdict in {"pattern", "independent-slips", "too-few-flags"} and found.sentence
    proposals = found.proposals.to_pandas()
    assert proposals["is_label_issue"].sum() >= 20 and (tmp_path / "proposals.csv").exists()
    ranked = recant.suspects(sheet, model, folds=2)
    assert ranked.count == len(ranked.proposals) and ranked.classes == model.classes
    done = recant.repair(model, found, data=sheet, method="assd", resamples=200)
    assert done.record["flags"]["used"] == proposals["is_label_issue"].sum()


def test_check_draws_rows_and_judges_by_the_truths(orders, corrupted, model, tmp_path):
    sheet, wrong = corrupted
    repaired = recant.repair(model, wrong, data=sheet, method="retrain", out=tmp_path / "repaired", resamples=200)
    try:
        drawn = recant.check(model, repaired, sheet, tmp_path / "check.csv", rows=10)
    except recant.RecantError as error:
        pytest.skip(f"the models do not differ on any test row: {error}")
    lines = drawn.sheet.to_pandas()
    truth = dict(zip(orders["order"], orders["outcome"]))
    lines["true_label"] = [truth[key] for key in lines["order"]]
    lines.to_csv(tmp_path / "check.csv", index=False)
    judged = recant.read_check(tmp_path / "check.csv")
    assert judged.record["looked_up"] == len(lines) <= drawn.differing
    assert judged.change.low <= judged.change.estimate <= judged.change.high
    assert json.load(open(drawn.key_path, encoding="utf-8"))["differing"] == drawn.differing


def test_scenarios_go_on_where_they_stopped_and_are_judged(orders, tmp_path):
    what = {**WHAT, "sizes": ["8"], "errors": [0.05, "10%"], "methods": ["retrain", "finetune"], "learning_rate": 0.02, "epochs": 2}
    first = recant.scenarios(orders, tmp_path / "run", runs=2, sweep_runs=0, resamples=200, **what)
    assert (first.computed, first.found) == (4, 0) and first.record["scenarios"] == [4, 4]
    cells = first.cells.to_pandas()
    assert cells[["size", "errors", "method"]].values.tolist() == [
        ["1x8", errors, method] for errors in ("0.05", "10%") for method in ("retrain", "finetune")
    ]
    assert (cells["accuracy_after"] - cells["accuracy_before"]).tolist() == pytest.approx(cells["change"].tolist())
    assert "<iframe srcdoc=" in first._repr_html_() and first.headline in repr(first)
    assert (tmp_path / "run" / "report" / "report.html").exists() and (tmp_path / "run" / "records.csv").exists()
    again = recant.scenarios(orders, tmp_path / "run", runs=2, sweep_runs=0, resamples=200, **what)
    assert (again.computed, again.found) == (0, 4) and again.record["cells"] == first.record["cells"]
    with pytest.raises(recant.RecantError, match="epochs"):
        recant.scenarios(orders, tmp_path / "run", runs=2, sweep_runs=0, **{**what, "epochs": 3})
