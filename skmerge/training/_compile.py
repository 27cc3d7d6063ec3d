"""What the user says of training, and what of it Keras compiles.

Enters: parameters of the estimators. Leaves: `TrainingOptions`, and from these a `Compilation`:
names are checked, objects that hold state described.
"""

from __future__ import annotations

import inspect
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from math import inf
from numbers import Real
from typing import Any, NamedTuple, cast

import keras

from skmerge._errors import did_you_mean, short_repr

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
    baseline : float or None
        Validation loss of a constant prediction: until the network is better, no epoch counts for
        `patience`. None counts all.
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
    baseline: float | None
    verbose: int
    seed: int


class Recipe(NamedTuple):
    """A Keras object that is made anew for each network.

    Parameters
    ----------
    made_class : type
        Its class.
    config : dict of str to object
        What its class makes it from.
    """

    made_class: Any
    config: dict[str, Any]

    def make(self) -> Any:
        """Make it.

        Returns
        -------
        object
            A new one.
        """
        return self.made_class.from_config(dict(self.config))


@dataclass
class Compilation:
    """What a network is compiled with, nothing of it made yet.

    An optimizer and a metric hold variables, of which TensorFlow keeps some 30 KiB each for good:
    a network that is used again needs no others.

    Parameters
    ----------
    optimizer : Recipe
        The optimizer.
    loss : str, keras.Loss or callable
        The loss.
    metrics : list of Recipe, str or callable
        The metrics.
    """

    optimizer: Recipe
    loss: Any
    metrics: list[Any]

    def arguments(self) -> dict[str, Any]:
        """Make what ``keras.Model.compile`` takes.

        Returns
        -------
        dict of str to object
            Its arguments.
        """
        made = [metric.make() if isinstance(metric, Recipe) else metric for metric in self.metrics]
        return {"optimizer": self.optimizer.make(), "loss": self.loss, "metrics": made}


def compilation(options: TrainingOptions) -> Compilation:
    """Return what a network is compiled with.

    Parameters
    ----------
    options : TrainingOptions
        How to train.

    Returns
    -------
    Compilation
        Optimizers and metrics are copies of the user's.

    Raises
    ------
    ValueError
        If a name is not one that Keras knows, or a value is no optimizer, learning rate, loss or
        metric.
    """
    optimizer = _recipe("optimizer", options.optimizer, "optimizers")
    if not isinstance(optimizer, Recipe):
        raise ValueError(
            "The 'optimizer' parameter must be a name that Keras knows, or a Keras optimizer, its "
            f"class or an instance. Got {options.optimizer!r}."
        )
    if options.learning_rate is not None:
        rate = _checked_rate(options.learning_rate)
        optimizer = optimizer._replace(config=optimizer.config | {"learning_rate": rate})
    loss = options.loss
    if isinstance(loss, str):
        _known("loss", loss, "losses")
    elif isinstance(loss, type):
        loss = loss()
    if not (isinstance(loss, str) or callable(loss)):
        raise ValueError(_not_of_keras("loss", options.loss))
    _check_arguments("loss", loss, "y_true", "y_pred")
    return Compilation(optimizer, loss, [_metric(metric) for metric in options.metrics])


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


def _checked_rate(rate: Any) -> Any:
    """Return a learning rate as Keras takes it: no integers."""
    if isinstance(rate, Real) and 0 <= cast(float, rate) < inf:
        with suppress(OverflowError):
            return float(rate)
    schedules = keras.optimizers.schedules.LearningRateSchedule
    if isinstance(rate, Real) or not (isinstance(rate, schedules) or callable(rate)):
        raise ValueError(
            "The 'learning_rate' parameter must be 'auto', None, a finite number of at least 0, or "
            f"a Keras schedule. Got {rate!r}."
        )
    if not isinstance(rate, schedules):
        _check_arguments("learning_rate", rate)
    return rate


def _check_arguments(parameter: str, function: Any, *names: str) -> None:
    """Refuse a function that does not take these arguments, as far as it tells."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # names of Keras, some functions written in C
        return
    try:
        signature.bind(*names)
    except TypeError as error:
        raise ValueError(
            f"The {parameter!r} parameter must be a function that can be called with "
            f"({', '.join(names)}). Got {function!r}: {error}."
        ) from error


def _not_of_keras(parameter: str, value: Any) -> str:
    return (
        f"The {parameter!r} parameter must be a name that Keras knows, a class, an instance or a "
        f"function. Got {value!r}."
    )


def _metric(metric: Any) -> Any:
    if isinstance(metric, str) and metric in _KERAS_WORDS:
        return metric
    recipe = _recipe("metrics", metric, "metrics")
    if not (isinstance(recipe, Recipe) or callable(recipe)):
        raise ValueError(_not_of_keras("metrics", metric))
    if not isinstance(recipe, Recipe):
        _check_arguments("metrics", recipe, "y_true", "y_pred")
        return recipe
    arguments = list(inspect.signature(recipe.made_class.update_state).parameters)
    if arguments[1:3] == ["values", "sample_weight"]:  # such as Sum, of one series of numbers
        raise ValueError(
            "The 'metrics' parameter must be metrics of targets and predictions. Got "
            f"{short_repr(metric)}, which is one of values."
        )
    if isinstance(metric, keras.metrics.Metric):
        return recipe
    # Keras numbers the names of all that are made in a process: auc, auc_1, ...
    name = re.sub(r"_\d+$", "", recipe.config["name"])
    return Recipe(recipe.made_class, recipe.config | {"name": name})


def _recipe(parameter: str, value: Any, family: str) -> Any:
    """Return how to make an optimizer or a metric; a function as it is."""
    if isinstance(value, str):
        value = _known(parameter, value, family)
    elif isinstance(value, type):
        if not hasattr(value, "get_config"):
            raise ValueError(_not_of_keras(parameter, value))
        value = _made_once(value)
    if isinstance(value, Recipe) or not hasattr(value, "get_config"):
        return value
    return Recipe(type(value), value.get_config())


@cache
def _known(parameter: str, name: str, family: str) -> Any:
    """Look a name up, or refuse it with the nearest one that Keras knows."""
    try:
        value = getattr(keras, family).get(name)
    except ValueError:
        known = sorted({name.lower() for name in vars(getattr(keras, family)) if name[0] != "_"})
        raise ValueError(_not_of_keras(parameter, name) + did_you_mean(name, known)) from None
    return Recipe(type(value), value.get_config()) if hasattr(value, "get_config") else value


@cache
def _made_once(made_class: type) -> Recipe:
    return Recipe(made_class, made_class().get_config())
