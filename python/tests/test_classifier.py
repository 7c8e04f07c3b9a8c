"""scikit-learn's manners."""

import pickle

import numpy
import pandas
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

import recant

# Checks that cannot hold: they fit on 10 to 21 rows, and of these Recant sets some aside to end the training and to judge repairs by.
WHY = "Recant trains on 20 rows at least, and this check has fewer"
CANNOT_HOLD = {
    name: WHY
    for name in (
        "check_classifier_data_not_an_array",
        "check_classifiers_classes",
        "check_dict_unchanged",
        "check_dont_overwrite_parameters",
        "check_estimators_dtypes",
        "check_estimators_fit_returns_self",
        "check_estimators_overwrite_params",
        "check_f_contiguous_array_estimator",
        "check_fit2d_1feature",
        "check_fit2d_predict1d",
        "check_methods_sample_order_invariance",
        "check_methods_subset_invariance",
        "check_n_features_in_after_fitting",
        "check_readonly_memmap_input",
    )
}


@parametrize_with_checks([recant.Classifier(epochs=3)], expected_failed_checks=lambda _: CANNOT_HOLD)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


class EveryRowFiveTimes(recant.Classifier):
    """With rows enough for those checks, which then hold."""

    def fit(self, X, y):
        return super().fit(numpy.tile(numpy.asarray(X), (5, 1)), numpy.tile(numpy.asarray(y), 5))


@parametrize_with_checks([EveryRowFiveTimes(epochs=3)])
def test_with_more_rows_the_other_checks_hold_too(estimator, check):
    if check.func.__name__ not in CANNOT_HOLD:
        pytest.skip("held by the classifier itself")
    check(estimator)


def test_too_few_rows_are_an_error_that_says_so():
    with pytest.raises(recant.RecantError, match="at least 20 are needed"):
        recant.Classifier().fit([[1.0], [2.0]] * 5, [0, 1] * 5)


@pytest.fixture(scope="module")
def learned(corrupted):
    sheet, wrong = corrupted
    frame = pandas.DataFrame(sheet)
    X, y = frame[["mode", "weight", "lane"]], frame["outcome"]
    return X, y, numpy.isin(frame["order"], wrong), recant.Classifier(epochs=8).fit(X, y)


def test_it_learns_from_a_frame_of_any_columns(learned):
    X, y, _, classifier = learned
    assert classifier.classes_.tolist() == ["late", "on time"]
    probabilities = classifier.predict_proba(X)
    assert probabilities.shape == (len(X), 2) and probabilities.sum(axis=1) == pytest.approx(1)
    assert classifier.score(X, y) > max(y.value_counts(normalize=True))
    assert cross_val_score(clone(classifier), X, y, cv=2).shape == (2,)


def test_a_fit_survives_pickling(learned):
    X, _, _, classifier = learned
    copy = pickle.loads(pickle.dumps(classifier))
    assert numpy.array_equal(copy.predict_proba(X), classifier.predict_proba(X))


def test_repair_makes_another_classifier(learned):
    X, y, wrong, classifier = learned
    before = classifier.predict_proba(X)
    repaired = classifier.repair(wrong, correct=numpy.where(wrong, "late", y), method="retrain")
    assert repaired.repair_.method == "retrain" and repaired.repair_.record["flags"]["used"] > 20
    assert numpy.array_equal(classifier.predict_proba(X), before) and not numpy.array_equal(repaired.predict_proba(X), before)
    assert (repaired.predict(X[wrong]) == "late").mean() > (classifier.predict(X[wrong]) == "late").mean()
    by_position = classifier.repair(numpy.flatnonzero(wrong), method="retrain")
    by_cleanlab = classifier.repair(recant.from_cleanlab(wrong), method="retrain")
    assert numpy.array_equal(by_position.predict_proba(X), by_cleanlab.predict_proba(X))


def test_flags_outside_the_fit_are_refused(learned):
    _, _, _, classifier = learned
    for flags in ([10_000], [-1], [True], [[1]], [], [0.5]):
        with pytest.raises(recant.RecantError):
            classifier.repair(flags)
