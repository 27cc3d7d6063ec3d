"""Training and validating a compiled network, one traced call per epoch.

Enters: a compiled Keras model and the rows, as tensors or streamed. Leaves: the history of losses
and metrics by epoch. The rows of an epoch are shuffled by NumPy, gathered in the graph, and each
batch goes through a `TrainingStep`; Keras callbacks see every epoch, and those that listen to
batches see these too.
"""

from __future__ import annotations

import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from skmerge.training._replicas import ValidationStep, on_replicas
from skmerge.training._rows import Rows, gather, rows_signature
from skmerge.training._step import TrainingStep
from skmerge.training._streaming import StreamedRows

AnyRows = Rows | StreamedRows

_BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")


class TracedSteps:
    """The traced functions of one compiled network.

    Parameters
    ----------
    model : keras.Model
        A compiled model whose inputs are a dict.
    n_targets : int
        Number of columns of the targets.
    train_step : TrainingStep
        Takes one batch ``(inputs, targets, weights)`` and trains on it.
    strategy : tf.distribute.Strategy, default=None
        What the model was made and compiled by, to train on its devices.
    """

    def __init__(
        self,
        model: keras.Model,
        n_targets: int,
        train_step: TrainingStep,
        strategy: tf.distribute.Strategy | None = None,
    ) -> None:
        self.model = model
        self.updates = train_step.updates
        train: Any = train_step
        validate: Any = model.test_step
        if strategy is not None:
            train = on_replicas(train_step, strategy, model.loss)
            validate = on_replicas(ValidationStep(model), strategy, model.loss)
        widths = {name: tensor.shape[-1] for name, tensor in model.input.items()}
        signature = (
            rows_signature(model.input),
            tf.TensorSpec([None, n_targets], tf.float32),
            tf.TensorSpec([None], tf.float32),
            tf.TensorSpec([None], tf.int64),
        )
        batch_size = tf.TensorSpec([], tf.int64)

        def batch(inputs: Any, targets: Any, weights: Any, positions: Any) -> tuple[Any, Any, Any]:
            features = {name: gather(inputs[name], positions, widths[name]) for name in inputs}
            return features, tf.gather(targets, positions), tf.gather(weights, positions)

        def each_batch(step: Any) -> Any:
            def run(inputs: Any, targets: Any, weights: Any, order: Any, size: Any) -> None:
                n_rows = tf.shape(order, tf.int64)[0]

                def body(first: Any) -> list[Any]:
                    step(batch(inputs, targets, weights, order[first : first + size]))
                    return [first + size]

                # a loop of TensorFlow's own, which needs no conversion of the code within it
                tf.while_loop(lambda first: first < n_rows, body, [tf.constant(0, tf.int64)])

            return run

        def train_one(inputs: Any, targets: Any, weights: Any, positions: Any) -> None:
            train(batch(inputs, targets, weights, positions))

        self._batch = batch
        self._is_on_several = strategy is not None
        self._functions = {
            "train": (each_batch(train), (*signature, batch_size)),
            "validate": (each_batch(validate), (*signature, batch_size)),
            "train_one": (train_one, signature),
        }
        self._traced: dict[str, Any] = {}
        self._is_built = False

    def run(
        self, name: str, rows: AnyRows, order: np.ndarray, batch_size: int | None = None
    ) -> None:
        """Run one of the functions, traced the first time.

        Parameters
        ----------
        name : {"train", "validate", "train_one"}
            Train on all batches, validate on all batches, or train on one batch.
        rows : Rows or StreamedRows
            All rows.
        order : ndarray of int
            The rows to run on, in order.
        batch_size : int, default=None
            Rows per batch, for functions that make batches.
        """
        if name not in self._traced:
            # A concrete function, because TensorFlow warns of many `tf.function` objects traced
            # from one place, which is what a search over parameters is.
            function, signature = self._functions[name]
            traced = tf.function(function, autograph=False)
            self._traced[name] = traced.get_concrete_function(*signature)
        sizes = [] if batch_size is None else [tf.constant(batch_size, tf.int64)]
        for portion, places in rows.portions(order, batch_size or len(order)):
            self._traced[name](*portion.tensors, tf.constant(places, tf.int64), *sizes)

    def build(self, rows: AnyRows) -> None:
        """Create the variables of the metrics, which a graph's loop cannot do.

        Parameters
        ----------
        rows : Rows or StreamedRows
            Any rows; the first one is run, the first time.
        """
        if self._is_built:
            return
        for portion, places in rows.portions(np.array([0]), 1):
            batch = self._batch(*portion.tensors, tf.constant(places, tf.int64))
            if not self._is_on_several:
                self.model.test_step(batch)
                continue
            inputs, targets, weights = batch
            output = self.model(inputs, training=False)
            with keras.StatelessScope():  # which keeps no values, but makes the variables
                self.model.compute_metrics(inputs, targets, output, weights)
        self._is_built = True
        self.model.reset_metrics()


class EpochLine(keras.callbacks.Callback):
    """Prints one line per epoch, with the names and digits that Keras prints."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Note the time.

        Parameters
        ----------
        epoch : int
            Number of the epoch.
        logs : dict, default=None
            Ignored.
        """
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Print the epoch, its seconds, losses and metrics.

        Parameters
        ----------
        epoch : int
            Number of the epoch.
        logs : dict of str to float, default=None
            Losses and metrics.
        """
        seconds = time.perf_counter() - self._began
        values = [f"{name}: {value:.4f}" for name, value in (logs or {}).items()]
        counter = f"Epoch {epoch + 1}/{self.params['epochs']}"
        print(" - ".join([counter, f"{seconds:.1f}s", *values]), flush=True)


def run_epochs(
    steps: TracedSteps,
    rows: AnyRows,
    validation: AnyRows | None,
    *,
    epochs: range,
    batch_size: int,
    generator: np.random.Generator,
    shuffle: bool,
    callbacks: list[keras.callbacks.Callback],
    verbose: int,
) -> dict[str, list[float]]:
    """Train for some epochs.

    Parameters
    ----------
    steps : TracedSteps
        The traced functions of the network.
    rows : Rows or StreamedRows
        The training rows.
    validation : Rows, StreamedRows or None
        Rows to compute losses and metrics on after each epoch.
    epochs : range
        The numbers of the epochs.
    batch_size : int
        Rows per step.
    generator : numpy.random.Generator
        Source of the order of the rows.
    shuffle : bool
        Whether the rows come in another order in each epoch.
    callbacks : list of keras.callbacks.Callback
        Called as by ``keras.Model.fit``.
    verbose : int
        0 is silent, otherwise one line is printed per epoch.

    Returns
    -------
    dict of str to list of float
        Loss and metrics by epoch, those of `validation` with the prefix ``val_``.

    Raises
    ------
    ValueError
        If the loss of an epoch is not finite.
    """
    model = steps.model
    history = keras.callbacks.History()
    n_steps = -(-len(rows) // batch_size)
    printing = [EpochLine()] if verbose else []
    listeners = keras.callbacks.CallbackList(
        [*callbacks, history, *printing],
        model=model,
        verbose=verbose,
        epochs=epochs.stop,
        steps=n_steps,
    )
    by_batch = any(_listens_to_batches(callback) for callback in callbacks)
    model.stop_training = False
    listeners.on_train_begin()
    logs: dict[str, float] = {}
    for epoch in epochs:
        listeners.on_epoch_begin(epoch)
        model.reset_metrics()
        order = generator.permutation(len(rows)) if shuffle else np.arange(len(rows))
        if by_batch:
            _train_by_batch(steps, rows, order, batch_size, listeners)
        else:
            steps.run("train", rows, order, batch_size)
        logs = _results(model)
        check_finite(logs["loss"], "the loss", epoch + 1)
        if validation is not None:
            listeners.on_test_begin()
            results = evaluate(steps, validation, batch_size)
            listeners.on_test_end(results)
            logs |= {f"val_{name}": value for name, value in results.items()}
        listeners.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    listeners.on_train_end(logs)
    return history.history


def _train_by_batch(
    steps: TracedSteps,
    rows: AnyRows,
    order: np.ndarray,
    batch_size: int,
    listeners: keras.callbacks.CallbackList,
) -> None:
    for step, first in enumerate(range(0, len(order), batch_size)):
        listeners.on_train_batch_begin(step)
        steps.run("train_one", rows, order[first : first + batch_size])
        listeners.on_train_batch_end(step, _results(steps.model))
        if steps.model.stop_training:
            return


def evaluate(steps: TracedSteps, rows: AnyRows, batch_size: int) -> dict[str, float]:
    """Compute the loss and the metrics with the present weights.

    Parameters
    ----------
    steps : TracedSteps
        The traced functions of the network.
    rows : Rows or StreamedRows
        The rows.
    batch_size : int
        Rows per step of training; here there are four times as many.

    Returns
    -------
    dict of str to float
        The loss, then the metrics.
    """
    steps.model.reset_metrics()
    steps.run("validate", rows, np.arange(len(rows)), 4 * batch_size)
    return _results(steps.model)


def _results(model: keras.Model) -> dict[str, float]:
    results = {name: float(value) for name, value in model.get_metrics_result().items()}
    return {"loss": results.pop("loss"), **results}


def _listens_to_batches(callback: keras.callbacks.Callback) -> bool:
    base = keras.callbacks.Callback
    return any(getattr(type(callback), hook) is not getattr(base, hook) for hook in _BATCH_HOOKS)


def check_finite(values: Any, what: str, epoch: int) -> None:
    """Stop a training that has come apart.

    Parameters
    ----------
    values : array-like of float
        What must be finite.
    what : str
        Its name, for the message.
    epoch : int
        Number of the epoch, from 1.

    Raises
    ------
    ValueError
        If a value is NaN or infinite.
    """
    if not np.isfinite(values).all():
        raise ValueError(
            f"The training must stay finite. In epoch {epoch} {what} became NaN or infinite. Try a "
            "lower learning_rate, gradient clipping (an optimizer with clipnorm=1.0), or look for "
            "extreme values in the inputs, targets and sample weights."
        )
