"""One fit on several devices: a batch goes in, each device trains on its share of the rows.

Enters: a strategy of `tf.distribute`, and a step on one batch. Leaves: a step that gives each
replica its part of the batch's rows. What the replicas' losses and gradients add up to is that of
the whole batch, however unequal the parts are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from skmerge._calls import sublayers

Batch = tuple[Any, Any, Any]

_MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")


class Share(NamedTuple):
    """What part of a batch a replica has.

    Parameters
    ----------
    factor : Tensor of float
        What the loss of the part is multiplied with: Keras divides it by the number of replicas,
        as if all parts were equal. 0 for a part without rows, which holds one that does not count.
    n_rows : Tensor of float
        Number of rows of the whole batch, divided by the number of replicas.
    is_empty : Tensor of bool
        Whether there are no rows for this replica.
    """

    factor: Any
    n_rows: Any
    is_empty: Any


def strategy_of_scope() -> tf.distribute.Strategy | None:
    """Return the strategy in whose scope this is called.

    Returns
    -------
    tf.distribute.Strategy or None
        None outside of a scope.

    Raises
    ------
    ValueError
        If it is one that networks cannot be trained by.
    """
    if not tf.distribute.has_strategy():
        return None
    strategy = tf.distribute.get_strategy()
    if not isinstance(strategy, (tf.distribute.MirroredStrategy, tf.distribute.OneDeviceStrategy)):
        raise ValueError(
            "The scope of a strategy that 'fit' is called in must be that of a "
            "tf.distribute.MirroredStrategy, the devices of one machine, or of a "
            f"OneDeviceStrategy. Got a {type(strategy).__name__}: leave its scope, or take a "
            "MirroredStrategy."
        )
    return strategy


def take_statistics_of_all(model: keras.Model) -> None:
    """Let batch normalization take means and variances over the rows of all replicas.

    Parameters
    ----------
    model : keras.Model
        A network that was not called yet.
    """
    for _, layer in sublayers(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True


def draw_apart(state: keras.Variable) -> None:
    """Let a random layer draw other numbers on each device.

    Parameters
    ----------
    state : keras.Variable of shape (2,)
        The seed and the count of a ``keras.random.SeedGenerator``.
    """
    copies = tf.distribute.get_strategy().experimental_local_results(state.value)
    for number, copy in enumerate(copies[1:], start=1):
        copy.assign(copy.numpy() + np.array([0, number << 24], copy.dtype.as_numpy_dtype))


def own_variable(variable: keras.Variable) -> tf.Variable:
    """Return the TensorFlow variable behind one of Keras: within a replica, that of its device.

    Parameters
    ----------
    variable : keras.Variable
        The variable.

    Returns
    -------
    tf.Variable
        A variable of one device, which can be updated in any way. All replicas must update theirs
        alike.
    """
    strategy = tf.distribute.get_strategy()
    return strategy.experimental_local_results(variable.value)[_own_number()]


def _own_number() -> int:
    return int(tf.get_static_value(tf.distribute.get_replica_context().replica_id_in_sync_group))


def on_replicas(
    step: Callable[[Batch, Share], None], strategy: tf.distribute.Strategy, loss: Any
) -> Callable[[Batch], None]:
    """Return a step on a whole batch.

    Parameters
    ----------
    step : callable
        Takes a part of the batch and what share it is.
    strategy : tf.distribute.Strategy
        The strategy.
    loss : str, keras.Loss or callable
        What the network is compiled with.

    Returns
    -------
    callable
        Takes ``(inputs, targets, weights)``, the rows of the batch.
    """
    n_replicas = strategy.num_replicas_in_sync
    by_weight = getattr(loss, "reduction", None) == "mean_with_sample_weight"

    def run(batch: Batch) -> None:
        # taken from the batch where it is, so that only its own rows go to a device
        shares = [_share(batch, number, n_replicas, by_weight) for number in range(n_replicas)]

        def replica() -> None:
            step(*shares[_own_number()])

        strategy.run(replica)

    return run


def _share(batch: Batch, number: int, n_replicas: int, by_weight: bool) -> tuple[Batch, Share]:
    inputs, targets, weights = batch
    n_rows = tf.shape(targets, tf.int64)[0]
    first, last = n_rows * number // n_replicas, n_rows * (number + 1) // n_replicas
    is_empty = first == last
    n_own = tf.where(is_empty, tf.constant(1, tf.int64), last - first)
    own = tuple(
        tf.nest.map_structure(lambda array: _rows(array, first, n_own), part)
        for part in (inputs, targets, weights)
    )
    part, whole = tf.cast(last - first, tf.float32), tf.cast(n_rows, tf.float32)
    share = Share(n_replicas * part / whole, whole / n_replicas, is_empty)
    if by_weight:
        heavy = tf.where(is_empty, 0.0, tf.reduce_sum(own[2]))
        factor = n_replicas * tf.math.divide_no_nan(heavy, tf.reduce_sum(weights))
        share = share._replace(factor=factor)
    return own, share


def _rows(array: Any, first: Any, n_rows: Any) -> Any:
    if not isinstance(array, tf.SparseTensor):
        return array[first : first + n_rows]
    start = tf.stack([first, tf.constant(0, tf.int64)])
    return tf.sparse.slice(array, start, tf.stack([n_rows, array.dense_shape[1]]))


def check_loss(loss: Any, targets: Any, output: Any) -> None:
    """Check, while a step is traced, that a loss can be put together from parts of a batch.

    Parameters
    ----------
    loss : str, keras.Loss or callable
        What the network is compiled with.
    targets, output : Tensor of shape (batch, n_columns)
        Any rows.

    Raises
    ------
    ValueError
        If it is no mean over rows.
    """
    reduction = getattr(loss, "reduction", "sum_over_batch_size")
    if reduction not in _MEANS:
        raise ValueError(
            "On several devices the 'loss' must be a mean over the rows of a batch, of reduction "
            f"{' or '.join(map(repr, _MEANS))}. Got {loss!r} with reduction={reduction!r}."
        )
    function = loss.call if isinstance(loss, keras.Loss) else loss
    if callable(function) and not function(targets, output).shape.rank:
        raise ValueError(
            "On several devices the 'loss' must return one number for each row, of which the mean "
            f"is taken. Got {loss!r}, which returns one number for the batch."
        )


class ValidationStep:
    """A validation step on one replica's part of a batch.

    Parameters
    ----------
    model : keras.Model
        A compiled network.
    """

    def __init__(self, model: keras.Model) -> None:
        self._model = model

    def __call__(self, batch: Batch, share: Share) -> None:
        """Run the network, and keep the loss and the metrics.

        Parameters
        ----------
        batch : tuple of (inputs, targets, weights)
            The rows of the replica.
        share : Share
            What part of the batch they are.
        """
        inputs, targets, weights = batch
        output = self._model(inputs, training=False)
        loss = self._model.compute_loss(inputs, targets, output, weights, training=False)
        keep_results(self._model, loss, batch, output, share)


def keep_results(
    model: keras.Model, loss: Any, batch: Batch, output: Any, share: Share | None
) -> None:
    """Update the loss and the metrics of a network by a batch, or by a replica's part of it.

    Parameters
    ----------
    model : keras.Model
        A compiled network.
    loss : Tensor
        The loss of the rows, as Keras computes it.
    batch : tuple of (inputs, targets, weights)
        The rows.
    output : Tensor of shape (batch, n_outputs)
        What the network predicts of them.
    share : Share or None
        What part of the batch they are; None for all.
    """
    inputs, targets, weights = batch
    if share is None:
        model.metrics[0].update_state(loss, sample_weight=tf.shape(targets)[0])
        model.compute_metrics(inputs, targets, output, weights)
        return
    n_replicas = tf.distribute.get_strategy().num_replicas_in_sync
    # weighted by an equal part of the rows each, these add up to the loss of the batch
    model.metrics[0].update_state(loss * share.factor * n_replicas, sample_weight=share.n_rows)

    def update() -> Any:
        model.compute_metrics(inputs, targets, output, weights)
        return tf.constant(0)

    tf.cond(share.is_empty, lambda: tf.constant(0), update)
