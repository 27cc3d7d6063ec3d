"""Fits on two virtual devices beside fits on one: prints what `test_replicas` checks, as JSON.

A process of its own, because devices must be set before TensorFlow starts.
"""

import gc
import json
import pickle
import warnings

import keras
import numpy as np
import tensorflow as tf
from sklearn.base import clone

from skmerge import (
    ConvBranch,
    EmbeddingBranch,
    InputSpec,
    MergedNetClassifier,
    MergedNetRegressor,
    MultiInput,
)
from skmerge.training._compiled import POOL

# not by -W: old versions of matplotlib warn at import, and Keras imports it
warnings.simplefilter("error", UserWarning)

N_ROWS = 203
RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 2, N_ROWS)
WEIGHTS = RNG.uniform(0.5, 2, N_ROWS)
ARRAYS = {
    "numbers": (RNG.normal(size=(N_ROWS, 3)) + LABELS[:, None]).astype(np.float32),
    "words": RNG.integers(1, 2100, (N_ROWS, 6), dtype=np.int32),
    "photo": RNG.integers(0, 256, (N_ROWS, 8, 8, 1), dtype=np.uint8),
}
SPECS = {
    "numbers": InputSpec("numbers", "array", (3,)),
    "words": InputSpec("words", "text", (6,), "int32", "embedding", vocabulary_size=2100),
    "photo": InputSpec("photo", "image", (8, 8, 1), "uint8", "conv"),
}
PLAIN = {"head": (4,), "epochs": 2, "dropout": 0, "early_stopping": False, "random_state": 0}


def rows_of(*names):
    return MultiInput({name: ARRAYS[name] for name in names}, {name: SPECS[name] for name in names})


def network(**parameters):
    return MergedNetClassifier(**(PLAIN | {"wide": False, "n_members": 1} | parameters))


def difference(first, second, X):
    read = "predict_proba" if hasattr(first, "predict_proba") else "predict"
    return float(np.abs(getattr(first, read)(X) - getattr(second, read)(X)).max())


def refusal(function):
    try:
        function()
    except ValueError as error:
        return str(error)
    return "none"


def compared(strategy, estimator, X, y=LABELS, **weights):
    one = clone(estimator).fit(X, y, **weights)
    with strategy.scope():
        two = estimator.fit(X, y, **weights)
    histories = [np.array(list(each.history_.values())) for each in (one, two)]
    return difference(one, two, X), float(np.abs(histories[0] - histories[1]).max())


def main(strategy):
    found = {"n_replicas": strategy.num_replicas_in_sync}
    numbers = rows_of("numbers")
    # the last batch is one row, so that one device has none; and a table that is updated by rows
    words = EmbeddingBranch(32, dropout=0, spatial_dropout=0)
    found["words"] = compared(
        strategy,
        network(branches={"words": words}, batch_size=101, early_stopping=True, metrics=["AUC"]),
        rows_of("numbers", "words"),
        sample_weight=WEIGHTS,
    )
    found["photo"] = compared(strategy, network(branches={"photo": ConvBranch(filters=(2,))}),
                              rows_of("numbers", "photo"))  # fmt: skip
    whole = MergedNetRegressor(**(PLAIN | {"n_members": 2, "early_stopping": True}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it learns nothing of noise
        found["whole"] = compared(strategy, whole, numbers, ARRAYS["words"][:, 0] / 2100)
    momentum = keras.optimizers.SGD(0.05, momentum=0.9, clipnorm=0.1)
    loss = keras.losses.BinaryCrossentropy(reduction="mean_with_sample_weight")
    found["momentum"] = compared(strategy, network(optimizer=momentum, loss=loss, batch_size=50),
                                 numbers, sample_weight=WEIGHTS)  # fmt: skip
    found |= further(strategy, numbers) | refused(strategy, numbers)
    print(json.dumps(found))


def further(strategy, X):
    """What becomes of an estimator after a fit on two devices."""
    seen = []

    def loss(targets, output):
        tf.py_function(lambda rows: seen.append(len(rows)), [targets], [])
        return keras.losses.binary_crossentropy(targets, output)

    with strategy.scope():
        network(loss=loss, epochs=1, batch_size=N_ROWS).fit(X, LABELS)
    with strategy.scope():
        two = network(optimizer="rmsprop", warm_start=True).fit(X, LABELS)
    one = network(optimizer="rmsprop", warm_start=True).fit(X, LABELS)
    copies = strategy.experimental_local_results(two.model_.weights[0].value)
    found = {
        "rows_per_replica": sorted(set(seen)),
        "devices": sorted({copy.device[-5:] for copy in copies}),
        "spread": float(np.ptp([copy.numpy() for copy in copies], axis=0).max()),
        "pickled": difference(pickle.loads(pickle.dumps(two)), two, X),
        "is_plain": one.model_.distribute_strategy is not strategy,
    }
    one.fit(X, LABELS)
    two.fit(X, LABELS)  # outside of the scope, on the devices that it was made for
    found["further"] = difference(one, two, X)
    with strategy.scope():
        found["plain_in_scope"] = refusal(lambda: one.fit(X, LABELS))
        found["predicted_in_scope"] = difference(one, two, X)
    del two
    gc.collect()
    assert len(POOL)  # the networks of one device that `compared` made
    lent = [network.model.distribute_strategy for network in POOL._idle.values()]
    return found | {"returned": sum(each is strategy for each in lent)}


def refused(strategy, X):
    """The messages of what cannot be trained on two devices."""

    def fit(**parameters):
        return refusal(lambda: network(**parameters).fit(X, LABELS))

    def of_batch(targets, output):
        return keras.ops.mean(keras.losses.binary_crossentropy(targets, output))

    with strategy.scope():
        found = {
            "sum": fit(loss=keras.losses.BinaryCrossentropy(reduction="sum")),
            "of_batch": fit(loss=of_batch),
        }
    with tf.distribute.experimental.CentralStorageStrategy(["CPU:0"]).scope():
        return found | {"other_strategy": fit()}


if __name__ == "__main__":
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    main(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
