"""Making a network as good as new: weights drawn again, all else as it was when it was built.

Enters: a network, and how each of its weights was initialised. Leaves: the same network with other
initial values. They depend on the seed alone, be the network new or used.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from skmerge._calls import sublayers
from skmerge.training._replicas import draw_apart
from skmerge.training._structure import is_known


class InitializerLog:
    """The initializers of the weights that layers add while the context `recording` is open."""

    def __init__(self) -> None:
        #: by id of a variable; the variable is kept, so that the id stays its own
        self.entries: dict[int, tuple[Any, Any]] = {}

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Note the initializer of every weight that is added.

        Yields
        ------
        None
            What other threads add meanwhile is noted too, and of no effect.
        """
        own = keras.layers.Layer.add_weight

        def add_weight(layer: Any, *args: Any, **named: Any) -> Any:
            variable = own(layer, *args, **named)
            initializer = named.get("initializer", args[1] if len(args) > 1 else None)
            self.entries[id(variable)] = variable, initializer
            return variable

        keras.layers.Layer.add_weight = add_weight
        try:
            yield
        finally:
            keras.layers.Layer.add_weight = own


class Renewal:
    """How to give a network new initial values.

    Parameters
    ----------
    model : keras.Model
        A compiled network, its optimizer built, not trained yet.
    log : InitializerLog
        What was recorded when it was built.
    """

    def __init__(self, model: keras.Model, log: InitializerLog) -> None:
        self._model = model
        self._draws, self._seeds = _draws(model, log), _seeds(model)
        self._optimizer = [
            (variable, _constant(variable.numpy())) for variable in model.optimizer.variables
        ]
        covered = {id(variable) for variable, _ in [*self._draws, *self._seeds]}
        covered |= {id(variable) for metric in model.metrics for variable in metric.variables}
        #: whether every value of the network can be made anew
        self.is_complete = _is_known(model) and covered >= {id(v) for v in model.variables}

    def renew(self, seed: int) -> None:
        """Set weights, seeds, metrics and the optimizer's variables to new initial values.

        Parameters
        ----------
        seed : int
            Seed of weights and dropout.
        """
        sequence = np.random.SeedSequence(seed).generate_state(len(self._draws) + len(self._seeds))
        numbers = iter((sequence & 0x7FFFFFFF).tolist())
        for variable, initializer in self._draws:
            variable.assign(_drawn(initializer, variable, numbers))
        for variable, fixed in self._seeds:
            variable.assign([next(numbers) if fixed is None else fixed, 0])
            draw_apart(variable)
        for variable, value in self._optimizer:
            variable.assign(np.broadcast_to(value, variable.shape))
        self._model.reset_metrics()
        self._model.stop_training = False


def _draws(model: keras.Model, log: InitializerLog) -> list[tuple[Any, Any]]:
    """Return the weights with their initializers, where these can draw again."""
    draws = []
    for variable in model.weights:
        if id(variable) not in log.entries:
            continue
        initializer = log.entries[id(variable)][1]
        if initializer is None:  # what `add_weight` takes then
            initializer = "glorot_uniform" if "float" in variable.dtype else "zeros"
        initializer = keras.initializers.get(initializer)
        if isinstance(initializer, keras.Initializer):
            # one that draws from a generator of its own gives other values at each call
            seed = getattr(initializer, "seed", None)
            if is_known(type(initializer)) and not isinstance(seed, keras.random.SeedGenerator):
                draws.append((variable, initializer))
    return draws


def _seeds(model: keras.Model) -> list[tuple[Any, int | None]]:
    """Return the states of the generators of dropout and the like, with seeds that are fixed."""
    seeds: dict[int, tuple[Any, int | None]] = {}
    for _, layer in sublayers(model):
        for value in vars(layer).values():
            if isinstance(value, keras.random.SeedGenerator):
                fixed = getattr(layer, "seed", None)
                if fixed is None or isinstance(fixed, int):
                    seeds[id(value.state)] = value.state, fixed
    return list(seeds.values())


def _is_known(model: keras.Model) -> bool:
    return all(is_known(type(layer)) for _, layer in sublayers(model))


def _drawn(initializer: Any, variable: Any, seeds: Iterator[int]) -> Any:
    """Draw values, with the next seed if the initializer has none of the user's."""
    config = initializer.get_config()
    if "seed" in config and config["seed"] is None:
        initializer = type(initializer).from_config(config | {"seed": next(seeds)})
    return initializer(variable.shape, variable.dtype)


def _constant(values: np.ndarray) -> Any:
    """Return one number for an array that holds it everywhere, which most of these do."""
    return values.flat[0] if values.size and (values == values.flat[0]).all() else values
