"""The wrong rows, in every form that a person has them in."""

import numpy
import pandas
import polars
import pytest

import recant


def used(model, corrupted, flags, **options):
    done = recant.repair(model, flags, data=corrupted[0], method="assd", resamples=200, **options)
    # Rows by their numbers: keys are shown as the flags have them.
    return sorted(done.flagged_rows.to_pandas()["row"])


@pytest.fixture(scope="module")
def wanted(model, corrupted):
    return used(model, corrupted, corrupted[1])


def test_keys_frames_masks_and_positions_are_the_same_flags(model, corrupted, wanted, tmp_path):
    sheet, wrong = corrupted
    assert len(wanted) > 20
    mask = [key in set(wrong) for key in sheet["order"]]
    positions = [place for place, flagged in enumerate(mask) if flagged]
    frame = pandas.DataFrame({"order": wrong})
    frame.to_csv(tmp_path / "flags.csv", index=False)
    for flags in (
        tuple(wrong),
        numpy.array(wrong),
        pandas.Series(wrong),
        polars.Series(wrong),
        frame,
        polars.DataFrame(frame),
        str(tmp_path / "flags.csv"),
        tmp_path / "flags.csv",
        mask,
        numpy.array(mask),
        pandas.Series(mask),
    ):
        assert used(model, corrupted, flags) == wanted, type(flags)
    assert used(model, corrupted, positions, row_numbers="from-0") == wanted
    assert used(model, corrupted, [place + 1 for place in positions], row_numbers="from-1") == wanted


def test_cleanlab_hands_over_its_issues(model, corrupted, wanted):
    sheet, wrong = corrupted
    mask = numpy.array([key in set(wrong) for key in sheet["order"]])
    issues = pandas.DataFrame({"is_label_issue": mask, "label_quality": 0.5, "given_label": sheet["outcome"]})
    for given in (issues, mask, numpy.flatnonzero(mask)):
        assert used(model, corrupted, recant.from_cleanlab(given)) == wanted
    part = [place for place, flagged in enumerate(mask) if flagged or place % 3 == 0]
    flags = recant.from_cleanlab(issues.iloc[part], keys=numpy.array(sheet["order"])[part])
    assert used(model, corrupted, flags, key="key") == wanted
    assert repr(flags).startswith("<recant.Frame")


def test_cleanlab_itself(model, corrupted):
    find_label_issues = pytest.importorskip("cleanlab.filter").find_label_issues
    sheet, _ = corrupted
    predicted = recant.predict(sheet, model)
    codes = numpy.array([predicted.classes.index(label) for label in sheet["outcome"]])
    issues = find_label_issues(codes, predicted.probabilities.astype(float), n_jobs=1)
    if issues.any():
        assert used(model, corrupted, recant.from_cleanlab(issues))


def test_flags_that_name_nothing_are_refused(model, corrupted):
    for flags, message in (([], "no rows are flagged"), (["no such order"], "no such order")):
        with pytest.raises(recant.RecantError) as told:
            used(model, corrupted, flags)
        assert message in str(told.value)
    with pytest.raises(recant.RecantError, match="is_label_issue"):
        recant.from_cleanlab(pandas.DataFrame({"a": [1]}))
    with pytest.raises(recant.RecantError, match="flags no row"):
        recant.from_cleanlab([False, False])
    with pytest.raises(recant.RecantError, match="1 keys"):
        recant.from_cleanlab([False, True], keys=["a"])
