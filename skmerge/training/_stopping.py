"""When training ends and with which weights: losses of epochs go in, the network keeps the best.

Enters: a network, and the loss of its validation rows after each epoch. Leaves: the weights of its
best epochs, averaged as far as that lowers this loss.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

#: epochs whose weights are kept, to be averaged, fewer where they would take more bytes than these
_N_KEPT = 10
_MOST_BYTES = 2**30


class Epoch(NamedTuple):
    """The weights after an epoch.

    Parameters
    ----------
    loss : float
        The loss of the validation rows.
    number : int
        The epoch, from 0.
    values : list of ndarray
        The values of the variables that are floats.
    """

    loss: float
    number: int
    values: list[np.ndarray]


class PatientStopping(keras.callbacks.EarlyStopping):
    """Early stopping that waits for a network to learn something before it loses patience.

    Some networks, those of products above all, stand still for several epochs before they find out
    how inputs belong together.

    Parameters
    ----------
    baseline_loss : float or None
        Validation loss of a constant prediction; epochs count from the first that is 1 % below it,
        all of them for None.
    patience : int
        Epochs without improvement before training stops.
    min_delta : float
        Improvement that counts.
    """

    def __init__(self, baseline_loss: float | None, *, patience: int, min_delta: float) -> None:
        super().__init__(
            monitor="val_loss",
            patience=patience,
            min_delta=min_delta,
            mode="min",
            restore_best_weights=False,  # which is done by averaging them
        )
        self.baseline_loss = np.inf if baseline_loss is None else baseline_loss
        self.kept: list[Epoch] = []

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin anew.

        Parameters
        ----------
        logs : dict, default=None
            Ignored.
        """
        super().on_train_begin(logs)
        self._has_learned = bool(np.isinf(self.baseline_loss))
        self.kept = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keep the weights if they are among the best, and stop if none improved for too long.

        Parameters
        ----------
        epoch : int
            Number of the epoch.
        logs : dict of str to float, default=None
            Losses and metrics.
        """
        loss = (logs or {})[self.monitor]
        self._keep(loss, epoch)
        if not self._has_learned:
            self._has_learned = loss < 0.99 * self.baseline_loss
            if not self._has_learned:
                self.wait: int = -1
        super().on_epoch_end(epoch, logs)

    def _keep(self, loss: float, epoch: int) -> None:
        is_worse = len(self.kept) == _N_KEPT and loss >= self.kept[-1].loss
        if is_worse or not np.isfinite(loss):
            return
        values = [variable.numpy() for variable in _floats(self.model)]
        self.kept = sorted([*self.kept, Epoch(loss, epoch, values)], key=lambda kept: kept.loss)
        n_bytes = sum(value.nbytes for value in values)
        del self.kept[max(1, min(_N_KEPT, _MOST_BYTES // n_bytes)) :]


def average_epochs(model: Any, kept: Sequence[Epoch], loss: Callable[[], float]) -> list[int]:
    """Give a network the mean of its weights after good epochs, as far as that lowers the loss.

    The greedy soup of Wortsman et al. 2022, "Model soups: averaging weights of multiple fine-tuned
    models improves accuracy without increasing inference time" (recipe 1), of the epochs of one
    training: from the best on, each epoch's weights come in if the loss is lower with them.

    Parameters
    ----------
    model : keras.Model
        The network.
    kept : sequence of Epoch
        The epochs, those of the lowest loss first.
    loss : callable
        Returns the loss of the validation rows with the weights that the network has.

    Returns
    -------
    list of int
        The numbers of the epochs whose weights were averaged; without epochs none, and the weights
        stay what they are.
    """
    if not kept:
        return []
    variables = _floats(model)

    def assign(epochs: Sequence[Epoch]) -> None:
        for variable, *values in zip(variables, *(epoch.values for epoch in epochs), strict=True):
            # equal values stay what they are, to the last bit
            variable.assign(np.mean(values, axis=0, dtype=np.float64).astype(values[0].dtype))

    chosen, least = list(kept[:1]), kept[0].loss
    for epoch in kept[1:]:
        assign([*chosen, epoch])
        reached = loss()
        if reached < least:
            chosen, least = [*chosen, epoch], reached
    assign(chosen)
    return [epoch.number for epoch in chosen]


def _floats(model: Any) -> list[Any]:
    """Return the variables that can be averaged, which states of generators cannot."""
    return [each for each in model.variables if np.issubdtype(each.numpy().dtype, np.floating)]
