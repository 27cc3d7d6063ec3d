"""Callbacks of scikit-learn: they hear of every epoch, see an estimator that predicts, and stop."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skmerge import ColumnRouter, MergedNetClassifier, MergedNetRegressor

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks since 1.9")

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 2, 60)
X = RNG.normal(size=(60, 3)) + LABELS[:, None]
SMALL = {"head": (4,), "random_state": 0, "early_stopping": False}


class Recorder:
    """Writes down which tasks begin and end."""

    def __init__(self, stop_after=None):
        self.heard = []
        self.stop_after = stop_after

    def setup(self, estimator, context):
        self.heard.append(("setup", context.task_name))

    def teardown(self, estimator, context):
        self.heard.append(("teardown", context.task_name))

    def on_fit_task_begin(self, estimator, context):
        self.heard.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        score = None if fitted_estimator is None else fitted_estimator.score(X, y)
        self.heard.append(("end", context.task_name, context.task_id, score))
        return context.task_name == "epoch" and context.task_id == self.stop_after


class Keeper:
    """Keeps what it is shown after each epoch."""

    def __init__(self):
        self.seen = []

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context, *, metadata=None, fitted_estimator=None):
        if context.task_name == "epoch":
            proba = fitted_estimator.predict_proba(X)
            self.seen.append((metadata, fitted_estimator.n_iter_, proba))


def classifier(**params):
    return MergedNetClassifier(**{"epochs": 3, **SMALL, **params})


def test_the_fit_and_each_epoch_are_tasks():
    recorder = Recorder()
    estimator = classifier().set_callbacks(recorder).fit(X, LABELS)
    tasks = [each[:3] for each in recorder.heard]
    assert tasks == [
        ("setup", "fit"),
        ("begin", "fit", 0),
        *(each for i in range(3) for each in (("begin", "epoch", i), ("end", "epoch", i))),
        ("end", "fit", 0),
        ("teardown", "fit"),
    ]
    assert recorder.heard[-2][-1] == estimator.score(X, LABELS)


def test_what_is_shown_after_the_last_epoch_is_what_is_fitted():
    keeper = Keeper()
    weights = np.ones(60)
    estimator = classifier().set_callbacks(keeper).fit(X, LABELS, sample_weight=weights)
    assert [n_iter for _, n_iter, _ in keeper.seen] == [1, 2, 3]
    assert_array_equal(keeper.seen[-1][-1], estimator.predict_proba(X))
    assert not np.array_equal(keeper.seen[0][-1], keeper.seen[1][-1])
    assert keeper.seen[0][0]["sample_weight"] is weights


def test_a_fit_is_the_same_with_callbacks_as_without():
    heard = classifier().set_callbacks(Recorder()).fit(X, LABELS)
    assert_array_equal(heard.predict_proba(X), classifier().fit(X, LABELS).predict_proba(X))


def test_a_callback_ends_the_training():
    estimator = classifier(epochs=9).set_callbacks(Recorder(stop_after=1)).fit(X, LABELS)
    assert estimator.n_iter_ == 2
    assert_array_equal(
        estimator.predict_proba(X), classifier(epochs=2).fit(X, LABELS).predict_proba(X)
    )


def test_continued_fits_tell_of_all_epochs():
    keeper = Keeper()
    estimator = classifier(warm_start=True).fit(X, LABELS)
    estimator.set_callbacks(keeper).fit(X, LABELS)
    assert [n_iter for _, n_iter, _ in keeper.seen] == [4, 5, 6]


def test_early_stopping_ends_the_tasks_too():
    recorder = Recorder()
    estimator = classifier(epochs=50, early_stopping=True, n_iter_no_change=1)
    estimator.set_callbacks(recorder).fit(X, LABELS)
    begun = [each for each in recorder.heard if each[:2] == ("begin", "epoch")]
    assert len(begun) == estimator.n_iter_ < 50
    assert recorder.heard[-2:][0][:2] == ("end", "fit")


def test_a_failure_tears_the_callbacks_down():
    recorder = Recorder()
    estimator = classifier(learning_rate=1e30).set_callbacks(recorder)
    with pytest.raises(ValueError, match="stay finite"):
        estimator.fit(X * 1e30, LABELS)
    assert recorder.heard[-1] == ("teardown", "fit")
    assert not estimator.__sklearn_is_fitted__()
    estimator.set_params(learning_rate=0.01).fit(X, LABELS)


def test_scores_of_every_epoch_are_logged():
    monitor = callback.ScoringMonitor(scoring="r2")
    estimator = MergedNetRegressor(epochs=3, **SMALL).set_callbacks(monitor).fit(X, X[:, 0])
    log = monitor.get_logs().data_as_pandas
    epochs = log[log["task_name"] == "epoch"]
    assert len(epochs) == 3
    assert log["r2"].iloc[-1] == pytest.approx(estimator.score(X, X[:, 0]))


def test_scores_are_logged_within_a_pipeline_and_a_search():
    monitor = callback.ScoringMonitor(scoring="accuracy")
    pipeline = make_pipeline(ColumnRouter(), classifier(epochs=2).set_callbacks(monitor))
    grid = {"mergednetclassifier__head": [(), (4,)]}
    GridSearchCV(pipeline, grid, cv=2, refit=False).fit(X, LABELS)
    log = monitor.get_logs(select="all")
    rows = [row for run in log for row in run.data if row["task_name"] == "epoch"]
    assert len(rows) == 2 * 2 * 2
    assert all(0 <= row["accuracy"] <= 1 for row in rows)


def test_progress_bars_are_shown_under_a_pipeline(capsys):
    pytest.importorskip("rich")
    pipeline = make_pipeline(ColumnRouter(), classifier(epochs=2))
    pipeline.set_callbacks(callback.ProgressBar()).fit(X, LABELS)
    shown = capsys.readouterr().out
    assert "MergedNetClassifier" in shown


def test_clones_have_the_same_callbacks():
    recorder = Recorder()
    assert clone(classifier().set_callbacks(recorder))._skl_callbacks == [recorder]


def test_callbacks_are_not_part_of_a_file(tmp_path):
    import skmerge

    estimator = classifier().set_callbacks(Recorder()).fit(X, LABELS)
    estimator.save(tmp_path / "model.skmerge")
    loaded = skmerge.load(tmp_path / "model.skmerge")
    assert not hasattr(loaded, "_skl_callbacks")
    assert_array_equal(loaded.predict_proba(X), estimator.predict_proba(X))
