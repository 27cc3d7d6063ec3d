"""What production throws at a fit: an error that says what is wrong, and nothing left half."""

import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from PIL import Image
from sklearn.exceptions import NotFittedError

from skmerge import ColumnRouter, ImageEncoder, MergedNetClassifier, MergedNetRegressor

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 2, 60)
X = RNG.normal(size=(60, 3)) + LABELS[:, None]
SMALL = {"head": (4,), "random_state": 0, "early_stopping": False}


def interrupting(epoch):
    """Return a callback that interrupts the fit at the end of an epoch, as Ctrl-C does."""
    import keras

    class Interrupting(keras.callbacks.Callback):
        def on_epoch_end(self, number, logs=None):
            if number == epoch:
                raise KeyboardInterrupt

    return Interrupting


class TestInterruption:
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_a_first_fit_leaves_it_unfitted(self, early_stopping):
        params = {**SMALL, "early_stopping": early_stopping, "callbacks": [interrupting(1)]}
        estimator = MergedNetClassifier(epochs=3, **params)
        with pytest.raises(KeyboardInterrupt):
            estimator.fit(X, LABELS)
        with pytest.raises(NotFittedError):
            estimator.predict(X)
        assert not [name for name in vars(estimator) if name.endswith("_")]
        assert estimator.set_params(callbacks=None).fit(X, LABELS).n_iter_ == 3

    @pytest.mark.parametrize("warm_start", [False, True])
    def test_a_later_fit_leaves_it_as_it_was(self, warm_start):
        estimator = MergedNetClassifier(epochs=2, warm_start=warm_start, **SMALL).fit(X, LABELS)
        before, n_iter = estimator.predict_proba(X), estimator.n_iter_
        epoch = 2 if warm_start else 0
        estimator.set_params(callbacks=[interrupting(epoch)])
        with pytest.raises(KeyboardInterrupt):
            estimator.fit(X, LABELS)
        assert_array_equal(estimator.predict_proba(X), before)
        assert estimator.n_iter_ == n_iter

    def test_a_partial_fit_leaves_it_as_it_was(self):
        estimator = MergedNetRegressor(**SMALL).partial_fit(X, X[:, 0])
        before = estimator.predict(X)
        with pytest.raises(KeyboardInterrupt):
            estimator.set_params(callbacks=[interrupting(1)]).partial_fit(X, X[:, 0])
        assert_array_equal(estimator.predict(X), before)


class TestPicturesOnDisk:
    @pytest.fixture
    def frame(self, tmp_path):
        paths = [tmp_path / f"{number}.png" for number in range(12)]
        for path in paths:
            Image.fromarray(RNG.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path)
        return pd.DataFrame({"photo": list(map(str, paths)), "age": np.arange(12.0)})

    @pytest.fixture
    def fitted(self, frame):
        router = ColumnRouter({"photo": ImageEncoder(size=8)})
        return MergedNetRegressor(router=router, epochs=1, **SMALL).fit(frame, frame["age"])

    def test_one_that_vanished_is_named(self, frame, fitted):
        before = fitted.predict(frame)
        path = frame["photo"][7]
        with open(path, "rb") as file:
            content = file.read()
        os.unlink(path)
        with pytest.raises((ValueError, FileNotFoundError), match=r"7\.png"):
            fitted.predict(frame)
        with open(path, "wb") as file:
            file.write(content)
        assert_array_equal(fitted.predict(frame), before)

    @pytest.mark.parametrize("n_bytes", [0, 20, 100])
    def test_one_that_was_cut_is_named(self, frame, fitted, n_bytes):
        with open(frame["photo"][7], "r+b") as file:
            file.truncate(n_bytes)
        with pytest.raises(ValueError, match=r"Row 7.*7\.png"):
            fitted.predict(frame)
        kept = frame.drop(index=7)
        assert len(fitted.predict(kept)) == 11

    def test_one_replaced_by_another_size_is_read(self, frame, fitted):
        before = fitted.predict(frame)
        Image.new("L", (31, 5), 200).save(frame["photo"][7])
        after = fitted.predict(frame)
        assert_array_equal(np.delete(after, 7), np.delete(before, 7))


def test_threads_that_predict_at_once_get_their_own_rows():
    estimator = MergedNetClassifier(epochs=1, **SMALL).fit(X, LABELS)
    parts = [X[RNG.permutation(60)[: 1 + n % 30]] for n in range(64)]
    alone = [estimator.predict_proba(part) for part in parts]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(estimator.predict_proba, parts))
    for one, other in zip(alone, together, strict=True):
        assert_array_equal(one, other)


def test_threads_that_ask_an_unpickled_estimator_at_once_build_one_network():
    estimator = MergedNetClassifier(epochs=1, **SMALL).fit(X, LABELS)
    loaded = pickle.loads(pickle.dumps(estimator))
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(loaded.predict_proba, [X] * 8))
    for each in together:
        assert_array_equal(each, estimator.predict_proba(X))


def test_loss_that_is_no_number_leaves_it_as_it_was():
    estimator = MergedNetRegressor(epochs=2, **SMALL).fit(X, X[:, 0])
    before = estimator.predict(X)
    with pytest.raises(ValueError, match="finite"):
        estimator.set_params(learning_rate=1e30, epochs=5).fit(X, X[:, 0])
    assert_array_equal(estimator.predict(X), before)
