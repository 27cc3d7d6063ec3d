"""Training on rows in files: the same as on rows in memory, and never many of them at once."""

import gc
import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_matrix

from skmerge import InputSpec, MergedNetClassifier, MultiInput
from skmerge._stored_rows import StoredRows
from skmerge.training import _streaming
from skmerge.training._streaming import StreamedRows

N_ROWS = 50
SPECS = {
    "photo": InputSpec("photo", "image", (6, 6, 1), "uint8", "conv"),
    "numbers": InputSpec("numbers", "array", (3,)),
    "counts": InputSpec("counts", "array", (4,), sparse=True),
}


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return {
        "photo": rng.integers(0, 256, (N_ROWS, 6, 6, 1), dtype=np.uint8),
        "numbers": rng.normal(size=(N_ROWS, 3)).astype(np.float32),
        "counts": csr_matrix(rng.poisson(0.5, (N_ROWS, 4)).astype(np.float32)),
    }


@pytest.fixture
def stored(arrays, tmp_path):
    np.save(tmp_path / "photos.npy", arrays["photo"])
    return arrays | {"photo": StoredRows([tmp_path / "photos.npy"])}


@pytest.fixture
def target(arrays):
    return (arrays["photo"].mean(axis=(1, 2, 3)) > 127).astype(int)


def make(**changes):
    settings = {"head": (8,), "epochs": 3, "batch_size": 8, "random_state": 0}
    return MergedNetClassifier(**(settings | changes))


@pytest.mark.parametrize("portion", [1, 36 * 20, 2**24])
def test_a_fit_on_stored_rows_is_that_on_the_same_rows_in_memory(
    arrays, stored, target, portion, monkeypatch
):
    monkeypatch.setattr(_streaming, "PORTION", portion)
    in_memory, in_files = (MultiInput(a, SPECS) for a in (arrays, stored))
    settings = {"early_stopping": True, "validation_fraction": 0.2}
    expected = make(**settings).fit(in_memory, target)
    actual = make(**settings).fit(in_files, target)
    assert actual.loss_curve_ == expected.loss_curve_
    assert actual.history_["val_loss"] == expected.history_["val_loss"]
    assert_array_equal(actual.predict_proba(in_files), expected.predict_proba(in_memory))


def test_large_arrays_are_read_in_portions_too(arrays, target, monkeypatch):
    X = MultiInput(arrays, SPECS)
    expected = make(early_stopping=True, validation_fraction=0.2).fit(X, target)
    monkeypatch.setattr(_streaming, "LARGE", arrays["photo"].nbytes // 2)
    read = []
    real = StreamedRows._read
    monkeypatch.setattr(StreamedRows, "_read", lambda *args: read.append(args) or real(*args))
    actual = make(early_stopping=True, validation_fraction=0.2).fit(X, target)
    assert read
    assert actual.history_ == expected.history_
    assert_array_equal(actual.predict_proba(X), expected.predict_proba(X))


def test_batches_are_those_of_the_order_and_in_no_two_portions(arrays, stored, monkeypatch):
    monkeypatch.setattr(_streaming, "PORTION", 36 * 20)
    rows = StreamedRows(stored, np.arange(N_ROWS, dtype=np.float32)[:, None], np.ones(N_ROWS))
    order = np.random.default_rng(1).permutation(N_ROWS)
    portions = list(rows.portions(order, 8))
    sizes = [len(portion) for portion, _ in portions]
    assert sizes == [16, 16, 16, 2]
    places = [places for _, places in portions]
    assert all((p == np.arange(n)).all() for p, n in zip(places, sizes, strict=True))
    targets = np.concatenate([portion.targets.numpy()[:, 0] for portion, _ in portions])
    assert_array_equal(targets, order)
    photos = np.concatenate([portion.inputs["photo"].numpy() for portion, _ in portions])
    assert_array_equal(photos, arrays["photo"][order])


def test_at_most_two_portions_are_read_before_they_are_used(stored, monkeypatch):
    monkeypatch.setattr(_streaming, "PORTION", 1)
    rows = StreamedRows(stored, np.zeros((N_ROWS, 1), np.float32), np.ones(N_ROWS, np.float32))
    read = []
    monkeypatch.setattr(
        StreamedRows, "_read", lambda self, positions: read.append(positions) or positions
    )
    taken = 0
    for _ in rows.portions(np.arange(N_ROWS), 5):
        taken += 1
        assert len(read) <= taken + 1
    assert taken == len(read) == 10


def test_callbacks_that_listen_to_batches_see_stored_rows_too(stored, target):
    import keras

    batches = []

    class Batches(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            batches.append(batch)

    X = MultiInput(stored, SPECS)
    by_batch = make(callbacks=Batches()).fit(X, target)
    assert batches == list(range(7)) * 3
    np.testing.assert_allclose(
        by_batch.predict_proba(X), make().fit(X, target).predict_proba(X), rtol=1e-4
    )


def test_a_file_that_vanishes_is_named_and_no_thread_is_left(stored, target, tmp_path):
    X = MultiInput(stored, SPECS)
    estimator = make().fit(X, target)
    before = estimator.predict_proba(X)
    n_threads = threading.active_count()
    kept = (tmp_path / "photos.npy").read_bytes()
    (tmp_path / "photos.npy").unlink()
    with pytest.raises(FileNotFoundError, match=r"photos\.npy"):
        estimator.fit(X, target)
    gc.collect()
    assert threading.active_count() <= n_threads
    (tmp_path / "photos.npy").write_bytes(kept)
    assert_array_equal(estimator.predict_proba(X), before)
