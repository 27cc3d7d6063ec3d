"""A trainer's network taken apart and put together: for pickles, copies and files.

Enters: a trainer. Leaves: the values of its network's variables, and the plan that builds it again.
"""

from __future__ import annotations

import threading
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np

from skmerge.training._budget import at_most
from skmerge.training._compile import TrainingOptions
from skmerge.training._compiled import CompiledNetwork
from skmerge.training._plan import NetworkPlan
from skmerge.training._processes import claim_tensorflow

#: held while an unpickled network is built, which several threads may ask for at once
_BUILDING = threading.RLock()


@dataclass
class _Packed:
    """A network put away for pickling: the plan builds it again, these are its values."""

    variables: list[np.ndarray]
    optimizer_variables: list[np.ndarray] = field(default_factory=list)


class KeepsNetwork:
    """Mixin of a trainer: its network survives pickling, copying and being written to a file."""

    new: Any  # a class method of the trainer
    model_: keras.Model
    history_: dict[str, list[float]]
    _network: CompiledNetwork
    _packed: _Packed
    _plan: NetworkPlan
    _options: TrainingOptions
    _generator: np.random.Generator

    @property
    def network(self) -> CompiledNetwork:
        """The network with its traced functions; unpickled, it is built when first asked for.

        Returns
        -------
        CompiledNetwork
            The network, which is this trainer's alone.
        """
        claim_tensorflow()
        if "_packed" in self.__dict__:
            with _BUILDING:
                if "_packed" in self.__dict__:  # another thread may have been quicker
                    self._unpack()
        return self._network

    def _unpack(self) -> None:
        """Build the network that was put away; it is there for others once it has its values."""
        packed = self._packed
        try:
            self.model_ = self._build_keras_model()
            self._assign(packed)
        except BaseException:
            self.__dict__.pop("model_", None)
            self.__dict__.pop("_network", None)
            raise
        del self._packed

    def _values(self) -> _Packed:
        model = self.model_
        return _Packed(
            [variable.numpy() for variable in model.variables],
            [variable.numpy() for variable in model.optimizer.variables],
        )

    def _assign(self, packed: _Packed) -> None:
        model = self.model_
        for variable, value in zip(model.variables, packed.variables, strict=True):
            variable.assign(value)
        if packed.optimizer_variables:
            pairs = zip(model.optimizer.variables, packed.optimizer_variables, strict=True)
            for variable, value in pairs:
                variable.assign(value)

    def state(self) -> dict[str, Any]:
        """Take the trainer apart, but for the values of its network.

        Returns
        -------
        dict of str to object
            What `restored` takes: the plan, the options, the order of rows to come, the history.
        """
        return {
            "plan": self._plan,
            "options": self._options,
            "generator": self._generator,
            "seeds": [variable.numpy() for variable in _seeds(self.network.model)],
            "history": self.history_,
        }

    @classmethod
    def restored(
        cls,
        weights: Path,
        n_weights: int,
        *,
        plan: NetworkPlan,
        options: TrainingOptions,
        generator: np.random.Generator,
        seeds: list[np.ndarray],
        history: dict[str, list[float]],
    ) -> Self:
        """Put a trainer together.

        Parameters
        ----------
        weights : Path
            File of the network's weights and of its optimizer, as ``Model.save_weights`` writes it.
        n_weights : int
            How many weights are in the file.
        plan : NetworkPlan
            What to build.
        options : TrainingOptions
            How it was trained.
        generator : Generator
            The order of rows to come.
        seeds : list of ndarray
            The states of its random layers, which Keras does not write.
        history : dict of str to list of float
            Losses and metrics so far.

        Returns
        -------
        Self
            The trainer, its network built.

        Raises
        ------
        ValueError
            If the network has more weights than these, or others.
        UserWarning
            If the file lacks some that Keras would do without.
        """
        trainer: Self = cls.new(plan, options)
        with at_most(n_weights):
            trainer.initialize(None)
        trainer._generator, trainer.history_ = generator, history
        with warnings.catch_warnings():
            # Keras warns where it leaves what it does not find as it was drawn
            warnings.simplefilter("error", UserWarning)
            trainer.model_.load_weights(weights)
        for variable, value in zip(_seeds(trainer.model_), seeds, strict=True):
            variable.assign(value)
        return trainer

    def __getattr__(self, name: str) -> Any:
        if name != "model_" or "_packed" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return self.network.model

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        for name in ("model_", "_network", "callbacks_"):
            state.pop(name, None)
        if "model_" in self.__dict__:
            state["_packed"] = self._values()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def _seeds(model: keras.Model) -> list[Any]:
    """Return the variables that are no weights."""
    weights = set(map(id, model.weights))
    return [variable for variable in model.variables if id(variable) not in weights]
