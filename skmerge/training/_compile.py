"""What the user says of training, and what of it Keras compiles.

Enters: parameters of the estimators. Leaves: `TrainingOptions`, and from these the parameters of
scikeras's wrapper, with names checked and objects that hold state copied.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import keras

from skmerge._errors import did_you_mean

# Names of metrics that Keras resolves by the loss when it compiles.
_KERAS_WORDS = ("acc", "accuracy", "ce", "crossentropy")


@dataclass
class TrainingOptions:
    """How to train a network.

    Parameters
    ----------
    optimizer, learning_rate, loss, metrics, callbacks : object
        As `skmerge.MergedNetClassifier` takes them.
    n_targets : int
        Number of columns of the targets.
    batch_size : int
        Rows per step.
    shuffle : bool
        Whether rows come in another order in each epoch.
    patience : int or None
        Epochs without improvement of the validation loss before training stops; None never stops.
    min_delta : float
        Improvement that counts.
    verbose : int
        0 is silent, otherwise one line is printed per epoch.
    seed : int
        Seed of weights, dropout and the order of rows.
    """

    optimizer: Any
    learning_rate: Any
    loss: Any
    metrics: list[Any]
    callbacks: Any
    n_targets: int
    batch_size: int
    shuffle: bool
    patience: int | None
    min_delta: float
    verbose: int
    seed: int


def compile_params(options: TrainingOptions) -> dict[str, Any]:
    """Return the parameters of scikeras that decide how a model is compiled.

    Parameters
    ----------
    options : TrainingOptions
        How to train.

    Returns
    -------
    dict of str to object
        Parameters of ``scikeras.wrappers.BaseWrapper``; optimizers and metrics are copies.

    Raises
    ------
    ValueError
        If a name is not one that Keras knows.
    """
    rate = options.learning_rate
    optimizer = _named("optimizer", options.optimizer, keras.optimizers)
    params: dict[str, Any] = {
        "optimizer": optimizer,
        "loss": _named("loss", options.loss, keras.losses),
        "metrics": [_fresh_metric(metric) for metric in options.metrics],
        "callbacks": options.callbacks,
    }
    if isinstance(optimizer, keras.optimizers.Optimizer):
        params["optimizer"] = type(optimizer).from_config(optimizer.get_config())
        if rate is not None:
            params["optimizer"].learning_rate = rate
    elif rate is not None:
        params["optimizer__learning_rate"] = rate
    return params


def compiled_alike(first: TrainingOptions, second: TrainingOptions) -> bool:
    """Say whether models for both options are compiled in the same way.

    Parameters
    ----------
    first, second : TrainingOptions
        How to train.

    Returns
    -------
    bool
        True if optimizer, loss and metrics are the same; the learning rate may differ.
    """
    return all(
        getattr(first, name) == getattr(second, name) for name in ("optimizer", "loss", "metrics")
    )


def _named(parameter: str, value: Any, family: Any) -> Any:
    """Refuse a name that Keras does not know, with the nearest one that it does."""
    if not isinstance(value, str):
        return value
    try:
        family.get(value)
    except ValueError:
        known = sorted({name.lower() for name in vars(family) if name[0] != "_"})
        raise ValueError(
            f"The {parameter!r} parameter must be a name that Keras knows, a class, an instance or "
            f"a function. Got {value!r}.{did_you_mean(value, known)}"
        ) from None
    return value


def _fresh_metric(metric: Any) -> Any:
    if isinstance(metric, keras.metrics.Metric):
        return type(metric).from_config(metric.get_config())
    if isinstance(metric, str) and metric in _KERAS_WORDS:
        return metric
    metric = _named("metrics", metric, keras.metrics)
    is_class = isinstance(metric, type) and issubclass(metric, keras.metrics.Metric)
    made = keras.metrics.get(metric) if isinstance(metric, str) or is_class else metric
    if not isinstance(made, keras.metrics.Metric):
        return metric
    # Keras numbers the names of all that are made in a process: auc, auc_1, ...
    name = re.sub(r"_\d+$", "", made.name)
    return type(made).from_config(made.get_config() | {"name": name})
