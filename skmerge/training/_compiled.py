"""Compiled networks: a plan and options go in, a network ready to train comes out, new or used.

A network that was given back by another fit is as good as a new one: its weights are drawn from the
seed in the same way, so that two fits with one seed give the same predictions.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from skmerge._reading import (
    branch_features,
    branch_logits,
    deep_logits,
    merge_gates,
    merged_features,
)
from skmerge.training._compile import Compilation, Recipe
from skmerge.training._epochs import TracedSteps
from skmerge.training._lean import lean_calls
from skmerge.training._plan import NetworkPlan
from skmerge.training._pool import NetworkPool
from skmerge.training._renewal import InitializerLog, Renewal
from skmerge.training._replicas import strategy_of_scope, take_statistics_of_all
from skmerge.training._rows import batch_signature
from skmerge.training._seeds import seeded_build
from skmerge.training._step import TrainingStep
from skmerge.training._structure import structure_of

#: the networks of this process that nobody uses
POOL = NetworkPool()


#: held while a function is traced, for which calls of layers are replaced
_TRACING = threading.RLock()


class CompiledNetwork:
    """A compiled network with the functions traced from it.

    Parameters
    ----------
    plan : NetworkPlan
        What to build.
    compiled : Compilation
        What to compile it with.
    n_targets : int
        Number of columns of the targets.
    seed : int
        Seed of the weights, where Keras draws them.
    key : hashable or None
        Its structure; None if it is not to be used again.
    """

    def __init__(
        self,
        plan: NetworkPlan,
        compiled: Compilation,
        *,
        n_targets: int,
        seed: int,
        key: Hashable | None,
    ) -> None:
        log = InitializerLog()
        self._strategy = strategy_of_scope()
        with seeded_build(seed), log.recording():
            self.model = plan.build()
        if self._strategy is not None:
            take_statistics_of_all(self.model)
        self._plan, self._n_targets = plan, n_targets
        self.compile(compiled)
        self._renewal = Renewal(self.model, log)
        self.key = key if self._renewal.is_complete else None

    @property
    def n_bytes(self) -> int:
        """Size of the variables, those of the optimizer included."""
        variables = [*self.model.variables, *self.model.optimizer.variables]
        return sum(4 * int(variable.shape.num_elements()) for variable in variables)

    def compile(self, compiled: Compilation) -> None:
        """Compile, and forget what was traced.

        Parameters
        ----------
        compiled : Compilation
            What to compile it with.
        """
        with self.scope():
            self.model.compile(**compiled.arguments(), jit_compile=False)
            self.model.optimizer.build(self.model.trainable_variables)
        self._steps: TracedSteps | None = None
        self._readers: dict[str, Any] = {}

    def scope(self) -> AbstractContextManager[Any]:
        """Return the scope of the strategy that the network was made by.

        Returns
        -------
        context manager
            Of no effect where there is none.

        Raises
        ------
        ValueError
            If this is called in the scope of another strategy.
        """
        present = strategy_of_scope()
        if present not in {None, self._strategy}:
            raise ValueError(
                "A network is trained further on the devices that it was made for. Got one made "
                f"{'in another scope' if self._strategy else 'outside of any'}, in the scope of "
                f"{present!r}: leave this scope, or call 'fit' in it with warm_start=False."
            )
        return nullcontext() if self._strategy is None else self._strategy.scope()

    def keep(self) -> None:
        """Leave the network to whoever holds it: it is never used for another fit."""
        self.key = None

    def renew(self, seed: int, optimizer: Recipe) -> None:
        """Set all values as for a new network, unless it is one that cannot be used again.

        Parameters
        ----------
        seed : int
            Seed of weights and dropout.
        optimizer : Recipe
            An optimizer of the same structure, whose learning rate and weight decay are taken.
        """
        if self.key is None:
            return
        self._renewal.renew(seed)
        self.set_values(optimizer)

    def set_values(self, optimizer: Recipe) -> None:
        """Take over from an optimizer what changes without another graph.

        Parameters
        ----------
        optimizer : Recipe
            An optimizer of the same structure.
        """
        rate, decay = (optimizer.config.get(name) for name in ("learning_rate", "weight_decay"))
        if isinstance(rate, int | float | np.number):
            self.model.optimizer.learning_rate = rate
        if decay is None or decay == self.model.optimizer.weight_decay:
            return
        self.model.optimizer.weight_decay = decay
        if self._steps is not None and self._steps.updates.by_rows:
            self._steps.updates.weight_decay.assign(decay)
        else:
            self._steps = None  # Keras's own updates hold it as a constant of their graph

    @property
    def steps(self) -> TracedSteps:
        """The traced functions of training and validation."""
        if self._steps is None:
            weight = getattr(self._plan.merge, "auxiliary", 0)
            with self.scope():
                logits = branch_logits(self.model, self._plan.inputs) if weight else []
                step = TrainingStep(self.model, logits, weight if logits else self._plan.auxiliary)
                self._steps = TracedSteps(self.model, self._n_targets, step, self._strategy)
        return self._steps

    def reader(self, part: str) -> Any:
        """Return the traced function from inputs to one part of the network.

        Parameters
        ----------
        part : {"output", "deep", "merged", "branches", "gates"}
            The predictions, those of the deep part before the activation, the merged features, the
            features of each branch, or the merge's weights.

        Returns
        -------
        callable or None
            None where the network has no such part.
        """
        if part not in self._readers:
            with _TRACING:
                if part not in self._readers:  # another thread may have been quicker
                    model = self._up_to(part)
                    self._readers[part] = None if model is None else _traced(model)
        return self._readers[part]

    def _up_to(self, part: str) -> Any:
        if part == "output":
            return self.model
        if part in {"merged", "deep"}:
            return (merged_features if part == "merged" else deep_logits)(self.model)
        read = merge_gates if part == "gates" else branch_features
        return read(self.model, self._plan.inputs)


def compiled_network(
    plan: NetworkPlan, compiled: Compilation, *, n_targets: int, seed: int, owner: object
) -> CompiledNetwork:
    """Return a network that nobody else has, with new initial values.

    Parameters
    ----------
    plan : NetworkPlan
        What to build.
    compiled : Compilation
        What to compile it with.
    n_targets : int
        Number of columns of the targets.
    seed : int
        Seed of weights and dropout.
    owner : object
        Who gets it. When that is garbage-collected, others may get the network.

    Returns
    -------
    CompiledNetwork
        The network.
    """
    key = structure_of(plan, compiled)
    key = key and (n_targets, key)
    is_on_one = strategy_of_scope() is None
    network: Any = POOL.borrow(key) if is_on_one else None
    if network is None:
        network = CompiledNetwork(plan, compiled, n_targets=n_targets, seed=seed, key=key)
    network.renew(seed, compiled.optimizer)  # by a strategy too, for the same initial values
    if not is_on_one:
        network.keep()
    POOL.lend(network, owner)
    return network


def _traced(model: keras.Model) -> Any:
    def read(inputs: Any) -> Any:
        with lean_calls(model):
            return model(inputs, training=False)

    function = tf.function(read, autograph=False)
    return function.get_concrete_function(batch_signature(model.input))
