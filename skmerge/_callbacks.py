"""Callbacks of scikit-learn: a fit is a task, and each of its epochs a task within.

Enters: an estimator, its rows, and what it would be if the fit ended now. Leaves: calls of the
hooks that `sklearn.callback` has since version 1.9. Before, estimators have no ``set_callbacks``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

try:
    from sklearn.callback import CallbackSupportMixin
    from sklearn.callback import with_callbacks as _with_callbacks
except ImportError:  # before scikit-learn 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands for the mixin that this version of scikit-learn does not have."""

    def _with_callbacks(method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def called(*args: Any, **named: Any) -> Any:
            return method(*args, **named)

        return called


__all__ = ["CallbackSupportMixin", "FitTasks", "with_callbacks"]

Method = TypeVar("Method", bound=Callable[..., Any])


def with_callbacks(method: Method) -> Method:
    """Let the callbacks of scikit-learn hear of a method, where it has them.

    The method is one call deeper in any version of scikit-learn. Its type stays what it was, which
    type checkers cannot tell of scikit-learn's own decorator.

    Parameters
    ----------
    method : callable
        The method.

    Returns
    -------
    callable
        What calls it.
    """
    called: Method = _with_callbacks(method)
    return called


class FitTasks:
    """The task of a fit, and those of its epochs.

    Parameters
    ----------
    estimator : estimator
        The estimator that is fitted.
    X : object
        Its rows as the user gave them.
    y : array-like
        Their targets.
    sample_weight : array-like, default=None
        Their weights.
    """

    def __init__(self, estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> None:
        self._told = {
            "estimator": estimator,
            "X": X,
            "y": y,
            "metadata": None if sample_weight is None else {"sample_weight": sample_weight},
        }
        self._estimator = estimator
        self._context: Any = None
        self._epoch: Any = None

    def begin(self, n_epochs: int = 0) -> None:
        """Tell that the fit begins.

        Parameters
        ----------
        n_epochs : int, default=0
            Epochs it has at most, 0 for a fit without epochs.
        """
        if hasattr(self._estimator, "_skl_callbacks") or hasattr(
            self._estimator, "_parent_callback_ctx"
        ):
            self._context = self._estimator._init_callback_context(max_subtasks=n_epochs)
            self._context.call_on_fit_task_begin(**self._told)

    def end(self) -> None:
        """Tell that the fit has ended, and the estimator is fitted."""
        if self._context is not None:
            self._context.call_on_fit_task_end(**self._told, reconstruction_attributes={})

    @property
    def are_heard(self) -> bool:
        """Whether there is a callback that hears of epochs.

        Returns
        -------
        bool
            False where nobody set one.
        """
        return bool(self._context is not None and self._context._callbacks)

    def epoch_begins(self) -> None:
        """Tell that an epoch begins."""
        self._epoch = self._context.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._told)

    def epoch_ends(self, fitted: Callable[[], dict[str, Any]]) -> bool:
        """Tell that an epoch has ended.

        Parameters
        ----------
        fitted : callable
            Returns the attributes of an estimator whose fit ends now. It predicts with the
            network that goes on training: what is to be kept must be computed at once.

        Returns
        -------
        bool
            Whether a callback wants the training to stop.
        """
        return bool(
            self._epoch.call_on_fit_task_end(**self._told, reconstruction_attributes=fitted)
        )
