"""Fits that share compiled networks one after the other: nothing of one is seen by the other."""

import gc
import pickle
import sys
import threading

import keras
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skmerge import ColumnRouter, KerasBranch, MergedNetClassifier, MergedNetRegressor
from skmerge.network import network_inputs
from skmerge.training import _compiled
from skmerge.training._compiled import POOL

RNG = np.random.default_rng(0)
N_ROWS = 90
LABELS = RNG.integers(0, 2, N_ROWS)
WORDS = np.array(["late", "early", "blue", "red", "soft", "hard", "good", "bad"])
FRAME = pd.DataFrame(
    {
        "size": RNG.normal(size=N_ROWS) + LABELS,
        "shop": RNG.choice(["Rome", "Oslo", "Bern"], N_ROWS),
        "note": [" ".join(RNG.choice(WORDS, 4)) + f" number {i}" for i in range(N_ROWS)],
    }
)


@pytest.fixture(autouse=True)
def empty_pool():
    gc.collect()
    POOL.clear()


@pytest.fixture
def built(monkeypatch):
    """The networks that were built, and not taken from the pool."""
    networks = []
    init = _compiled.CompiledNetwork.__init__

    def counting(self, *args, **named):
        init(self, *args, **named)
        networks.append(self.model)

    monkeypatch.setattr(_compiled.CompiledNetwork, "__init__", counting)
    return networks


def make(**changes):
    settings = {"head": (8,), "epochs": 2, "batch_size": 32, "random_state": 0}
    return MergedNetClassifier(**(settings | changes))


def probabilities(**changes):
    """Fit, and let go of the estimator."""
    return make(**changes).fit(FRAME, LABELS).predict_proba(FRAME)


def test_a_recycled_network_gives_the_predictions_of_a_fresh_one(built):
    fresh = probabilities()
    probabilities(random_state=1, learning_rate=0.5, epochs=3)
    recycled = probabilities()
    assert len(built) == 1
    assert_array_equal(recycled, fresh)


@pytest.mark.parametrize(
    "changes",
    [
        {"merge": "gated", "dropout": 0.3},
        {"optimizer": "adamw", "early_stopping": True},
        {"auxiliary": 0.5, "early_stopping": True, "dropout": 0.3},
        {"optimizer": keras.optimizers.SGD(0.1, momentum=0.9)},
        {"branches": {"note": "recurrent"}, "input_dropout": 0.3},
        {"branches": {"note": "conv1d"}, "merge": "late"},
        {"branches": {"note": "attention"}, "merge": ["concat", "multiply"]},
        {
            "branches": {
                "tabular": keras.Sequential([keras.layers.Dense(4), keras.layers.Dropout(0.2)])
            }
        },
        {"metrics": ["AUC"], "loss": "hinge", "callbacks": keras.callbacks.TerminateOnNaN},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_every_kind_of_network_is_recycled_and_the_same(changes, built):
    fresh = probabilities(**changes)
    other_seed = probabilities(**changes, random_state=7)
    assert_array_equal(probabilities(**changes), fresh)
    assert not np.array_equal(other_seed, fresh)
    assert len(built) == 1


@pytest.mark.parametrize(
    "changes",
    [{"normalize_features": False}, {"auxiliary": 0}, {"auxiliary": 0.5}],
    ids=["normalize_features", "no auxiliary", "auxiliary"],
)
def test_what_changes_the_network_or_its_loss_is_not_recycled(changes, built):
    settings = {"early_stopping": True, "learning_rate": 0.01}
    one = probabilities(**settings)
    other = probabilities(**settings, **changes)
    assert len(built) == 2
    assert not np.allclose(one, other, atol=1e-3)


def test_training_rows_of_other_words_share_a_network(built):
    pipeline = make_pipeline(ColumnRouter(), make())
    halves = [FRAME[::2], FRAME[1::2]]
    vocabularies = [
        len(ColumnRouter().fit(half).inputs_["note"].encoder.vocabulary_) for half in halves
    ]
    pipeline.fit(halves[0], LABELS[::2])
    alone = clone(pipeline).fit(halves[1], LABELS[1::2]).predict_proba(FRAME)
    del pipeline
    pipeline = make_pipeline(ColumnRouter(), make()).fit(halves[0], LABELS[::2])
    del pipeline
    again = make_pipeline(ColumnRouter(), make()).fit(halves[1], LABELS[1::2])
    assert_array_equal(again.predict_proba(FRAME), alone)
    assert len(built) == 2
    assert max(vocabularies) <= 16


def test_a_search_builds_each_network_once(built):
    search = GridSearchCV(
        make(epochs=1),
        {"merge": ["concat", "sum"], "learning_rate": [0.01, 0.1], "random_state": [0, 1]},
        cv=3,
        refit=False,
    ).fit(FRAME, LABELS)
    assert search.cv_results_["mean_test_score"].shape == (8,)
    assert len(built) <= 4  # one a merge, and one more where a fold has fewer categories


def test_two_live_estimators_share_nothing(built):
    first = make().fit(FRAME, LABELS)
    before = first.predict_proba(FRAME)
    second = make(random_state=1).fit(FRAME, 1 - LABELS)
    assert_array_equal(first.predict_proba(FRAME), before)
    second.partial_fit(FRAME, LABELS)
    assert_array_equal(first.predict_proba(FRAME), before)
    first.partial_fit(FRAME, LABELS)
    assert len(built) == 2
    networks = [estimator._trainer.network.model for estimator in (first, second)]
    variables = [{id(v) for v in network.variables} for network in networks]
    assert not variables[0] & variables[1]


def test_fits_in_threads_are_those_of_fits_alone():
    seeds = list(range(3))
    alone = [probabilities(random_state=seed) for seed in seeds]
    results = {}

    def fit_twice(seed):
        for _ in range(2):
            estimator = make(random_state=seed).fit(FRAME, LABELS)
            results.setdefault(seed, []).append(estimator.predict_proba(FRAME))

    threads = [threading.Thread(target=fit_twice, args=(seed,)) for seed in seeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, expected in zip(seeds, alone, strict=True):
        assert len(results[seed]) == 2
        for actual in results[seed]:
            assert_array_equal(actual, expected)


class TestHeldModel:
    def test_a_model_that_the_user_took_is_left_alone_by_later_fits(self, built):
        model = make().fit(FRAME, LABELS).model_
        gc.collect()
        before = [v.numpy() for v in model.variables]
        probabilities(random_state=1)
        assert len(built) == 2
        for variable, value in zip(model.variables, before, strict=True):
            assert_array_equal(variable.numpy(), value)

    def test_callbacks_that_the_user_took_keep_their_model(self, built):
        callbacks = make(callbacks=keras.callbacks.History).fit(FRAME, LABELS).callbacks_
        gc.collect()
        before = [v.numpy() for v in callbacks[0].model.variables]
        probabilities(callbacks=keras.callbacks.History, random_state=1)
        for variable, value in zip(callbacks[0].model.variables, before, strict=True):
            assert_array_equal(variable.numpy(), value)
        assert len(built) == 2

    def test_a_callback_of_the_users_may_keep_the_model(self, built):
        models = []

        class Keeping(keras.callbacks.Callback):
            def on_train_end(self, logs=None):
                models.append(self.model)

        probabilities(callbacks=Keeping)
        before = [v.numpy() for v in models[0].variables]
        probabilities(random_state=1)
        assert len(built) == 2
        for variable, value in zip(models[0].variables, before, strict=True):
            assert_array_equal(variable.numpy(), value)

    def test_what_the_library_itself_reads_holds_no_model(self, built):
        estimator = make(merge="gated").fit(FRAME, LABELS)
        estimator.transform(FRAME)
        estimator.gates(FRAME)
        estimator.get_feature_names_out()
        estimator.summary(print_fn=len)
        del estimator
        probabilities(merge="gated")
        assert len(built) == 1


class TestWhatComesBack:
    def test_after_a_failure_the_network_is_not_used_again(self, built):
        class Fails(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                raise KeyboardInterrupt

        fresh = probabilities()
        for failing in ({"callbacks": Fails}, {"learning_rate": 1e30, "optimizer": "sgd"}):
            with pytest.raises((KeyboardInterrupt, ValueError)):
                make(**failing).fit(FRAME, LABELS)
        gc.collect()
        assert_array_equal(probabilities(), fresh)

    def test_a_failed_partial_fit_leaves_the_estimator_as_it_was(self):
        estimator = make().fit(FRAME, LABELS)
        before = estimator.predict_proba(FRAME)
        with pytest.raises(ValueError, match="must stay finite"):
            estimator.set_params(learning_rate=1e30).partial_fit(FRAME, LABELS)
        assert_array_equal(estimator.predict_proba(FRAME), before)

    def test_a_pickle_has_a_network_of_its_own(self, built):
        estimator = make().fit(FRAME, LABELS)
        before = estimator.predict_proba(FRAME)
        copy = pickle.loads(pickle.dumps(estimator))
        assert_array_equal(copy.predict_proba(FRAME), before)
        copy.partial_fit(FRAME, LABELS)
        assert_array_equal(estimator.predict_proba(FRAME), before)
        del copy
        probabilities()
        assert_array_equal(estimator.predict_proba(FRAME), before)
        assert len(built) == 2

    def test_a_pickle_may_take_a_used_network_and_goes_on_as_the_original(self, built):
        estimator = make(optimizer="adam").fit(FRAME, LABELS)
        stored = pickle.dumps(estimator)
        expected = estimator.partial_fit(FRAME, LABELS).predict_proba(FRAME)
        del estimator
        probabilities(random_state=9)
        copy = pickle.loads(stored)
        assert_array_equal(copy.partial_fit(FRAME, LABELS).predict_proba(FRAME), expected)
        assert len(built) == 1

    def test_warm_start_goes_on_with_its_own_network(self, built):
        plain = make(epochs=1, warm_start=True)
        plain.fit(FRAME, LABELS).fit(FRAME, LABELS)
        probabilities(random_state=3)
        expected = plain.fit(FRAME, LABELS).predict_proba(FRAME)
        del plain
        again = make(epochs=1, warm_start=True).fit(FRAME, LABELS).fit(FRAME, LABELS)
        assert_array_equal(again.fit(FRAME, LABELS).predict_proba(FRAME), expected)
        assert len(built) == 2

    def test_another_learning_rate_of_a_warm_start_does_not_outlast_it(self, built):
        fresh = probabilities()
        estimator = make(warm_start=True).fit(FRAME, LABELS)
        estimator.set_params(learning_rate=0.3).fit(FRAME, LABELS)
        del estimator
        assert_array_equal(probabilities(), fresh)
        assert len(built) == 1

    def test_a_network_compiled_otherwise_by_a_warm_start_does_not_come_back(self, built):
        fresh = probabilities()
        estimator = make(warm_start=True).fit(FRAME, LABELS)
        estimator.set_params(optimizer="sgd").fit(FRAME, LABELS)
        del estimator
        assert_array_equal(probabilities(), fresh)

    @pytest.mark.parametrize("amsgrad", [False, True], ids=["our updates", "Keras's updates"])
    def test_weight_decay_is_taken_from_each_fit(self, built, amsgrad):
        def decayed(rate):
            adam = keras.optimizers.AdamW(0.01, weight_decay=rate, amsgrad=amsgrad)
            return probabilities(optimizer=adam)

        fresh = decayed(0.5)
        other = decayed(0.0)
        assert_array_equal(decayed(0.5), fresh)
        assert not np.array_equal(other, fresh)
        assert len(built) == 1

    def test_networks_with_weights_to_keep_are_built_anew(self, built):
        own = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        X = {"a": FRAME[["size"] * 4].to_numpy(), "b": FRAME[["size"]].to_numpy()}
        for _ in range(2):
            branches = {"a": KerasBranch(own, weights="keep", trainable=False)}
            estimator = make(branches=branches).fit(X, LABELS)
            kept = estimator.model_.get_layer("a").get_weights()
            assert_array_equal(kept[0], own.get_weights()[0])
        assert len(built) == 2

    def test_predictions_of_a_recycled_network_are_those_of_its_new_owner(self):
        first = make().fit(FRAME, LABELS)
        first.predict_proba(FRAME)  # traces the function of predictions
        del first
        second = make(random_state=1).fit(FRAME, LABELS)
        gc.collect()
        POOL.clear()
        inputs = network_inputs(second.router_.transform(FRAME))
        expected = second._trainer.model_(inputs, training=False)
        assert_allclose(second.predict_proba(FRAME)[:, 1:], expected, rtol=1e-5)

    def test_a_session_cleared_between_fits_does_no_harm(self):
        fresh = probabilities()
        keras.backend.clear_session()
        assert_array_equal(probabilities(), fresh)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_sixty_refits_keep_no_memory():
    """Networks built anew keep some 5 MiB each, 300 MiB in all."""

    def resident():
        gc.collect()
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096 / 2**20

    X = {"a": RNG.normal(size=(N_ROWS, 5)), "b": RNG.normal(size=(N_ROWS, 3))}
    target = RNG.normal(size=N_ROWS)
    estimator = MergedNetRegressor(epochs=1)
    for _ in range(10):
        estimator.fit(X, target).predict(X)
    before = resident()
    for _ in range(60):
        estimator.fit(X, target).predict(X)
    assert resident() - before < 60 * 0.2
