"""Telling others of epochs: functions that are called as each begins and ends.

Enters: two functions. Leaves: a Keras callback.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras


class EpochWatch(keras.callbacks.Callback):
    """Calls functions as each epoch begins and ends.

    Parameters
    ----------
    begins : callable
        Called without arguments.
    ends : callable
        Called with the history so far, lists of losses and metrics by name; returns whether
        training is to stop.

    Attributes
    ----------
    past : dict of str to list of float
        The history of earlier trainings of the network.
    """

    def __init__(
        self, begins: Callable[[], None], ends: Callable[[dict[str, list[float]]], bool]
    ) -> None:
        super().__init__()
        self.past: dict[str, list[float]] = {}
        self._begins, self._ends = begins, ends
        self._history: dict[str, list[float]] = {}

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Tell that an epoch begins.

        Parameters
        ----------
        epoch : int
            Number of the epoch.
        logs : dict, default=None
            Ignored.
        """
        self._begins()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Tell that an epoch has ended, and stop if that is wanted.

        Parameters
        ----------
        epoch : int
            Number of the epoch.
        logs : dict of str to float, default=None
            Losses and metrics.
        """
        for name, value in (logs or {}).items():
            self._history.setdefault(name, []).append(value)
        names = {**self.past, **self._history}
        so_far = {n: [*self.past.get(n, []), *self._history.get(n, [])] for n in names}
        if self._ends(so_far):
            self.model.stop_training = True
