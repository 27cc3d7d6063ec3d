"""How training went: loss and metrics of each epoch, drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import check_is_fitted

from skmerge._errors import did_you_mean, short_repr
from skmerge.inspection._panels import MARGIN, bounding_axes, panel
from skmerge.inspection._routing import network_of

#: what callbacks add to a history, and no measure of success
_RATES = ("learning_rate", "lr")

_COLORS = {"training": "#4c72b0", "validation": "#dd8452"}
_PANEL = (3.5, 2.5)
_MAX_IN_ROW = 3
_LABELS = 0.62


class TrainingCurveDisplay:
    """Loss and metrics of each epoch, of training and of validation rows, the best epoch marked.

    The best epoch is the one of the lowest validation loss, by which `early_stopping` decides; of
    the lowest training loss where nothing was validated.

    Make it with `from_estimator` or `from_history`.

    Parameters
    ----------
    history : dict of str to list of float
        Values of each epoch; those of validation rows with the prefix ``val_``.

    Attributes
    ----------
    best_epoch_ : int
        The best epoch, counted from 1.
    ax_ : matplotlib Axes
        The axes around all panels.
    axes_ : ndarray of matplotlib Axes of shape (n_metrics,)
        The panel of the loss, then of each metric.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    MergedNetClassifier : Its ``history_`` is what is drawn.

    Examples
    --------
    >>> from skmerge import TrainingCurveDisplay
    >>> history = {"loss": [1.0, 0.5, 0.4], "val_loss": [1.1, 0.7, 0.8]}
    >>> TrainingCurveDisplay.from_history(history).best_epoch_
    2
    """

    def __init__(self, history: Mapping[str, Sequence[float]]) -> None:
        self.history = history

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, metrics: str | Sequence[str] | None = None, ax: Any = None
    ) -> TrainingCurveDisplay:
        """Draw the history of a fitted estimator.

        Parameters
        ----------
        estimator : MergedNetClassifier, MergedNetRegressor or Pipeline
            The fitted estimator, or a Pipeline that ends in one.
        metrics : str or sequence of str, default=None
            What to draw, by name without ``val_``. None takes the loss and all metrics.
        ax : matplotlib Axes or array of Axes, default=None
            Axes to draw in, one around all panels or one for each. None makes a figure.

        Returns
        -------
        TrainingCurveDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If the estimator is another one.
        NotFittedError
            If it is not fitted.
        ValueError
            If a metric has no history.
        """
        network = network_of(estimator)
        check_is_fitted(network)
        return cls.from_history(network.history_, metrics=metrics, ax=ax)

    @classmethod
    def from_history(
        cls,
        history: Mapping[str, Sequence[float]],
        *,
        metrics: str | Sequence[str] | None = None,
        ax: Any = None,
    ) -> TrainingCurveDisplay:
        """Draw a history, such as that of `keras.Model.fit`.

        Parameters
        ----------
        history : dict of str to list of float
            Values of each epoch; those of validation rows with the prefix ``val_``.
        metrics : str or sequence of str, default=None
            What to draw, by name without ``val_``. None takes the loss and all metrics.
        ax : matplotlib Axes or array of Axes, default=None
            Axes to draw in, one around all panels or one for each. None makes a figure.

        Returns
        -------
        TrainingCurveDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If a metric has no history, or nothing is there to draw.
        """
        return cls(dict(history)).plot(metrics=metrics, ax=ax)

    def plot(
        self, *, metrics: str | Sequence[str] | None = None, ax: Any = None
    ) -> TrainingCurveDisplay:
        """Draw the history.

        Parameters
        ----------
        metrics : str or sequence of str, default=None
            What to draw, by name without ``val_``. None takes the loss and all metrics.
        ax : matplotlib Axes or array of Axes, default=None
            Axes to draw in, one around all panels or one for each. None makes a figure.

        Returns
        -------
        TrainingCurveDisplay
            This display.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        names = self._chosen(metrics)
        self.best_epoch_ = self._best_epoch(names)
        if ax is None or hasattr(ax, "inset_axes"):
            self.ax_, axes = _panels(ax, len(names))
        else:
            axes = list(np.ravel(ax))
            if len(axes) != len(names):
                raise ValueError(
                    f"'ax' must be one Axes, or one for each of {names}. Got {len(axes)}."
                )
            self.ax_ = axes[0]
        for name, each in zip(names, axes, strict=True):
            self._draw(name, each)
        axes[0].legend(frameon=False, fontsize=9)
        self.axes_ = np.array(axes, dtype=object)
        self.figure_ = self.ax_.figure
        return self

    def _chosen(self, metrics: str | Sequence[str] | None) -> list[str]:
        known = list(dict.fromkeys(name.removeprefix("val_") for name in self.history))
        if metrics is None:
            names = sorted((n for n in known if n not in _RATES), key=lambda n: n != "loss")
        else:
            names = [metrics] if isinstance(metrics, str) else list(metrics)
        for name in names:
            if name not in known:
                raise ValueError(
                    f"'metrics' must be some of {known}. Got {name!r}.{did_you_mean(name, known)}"
                )
        if not names or not any(len(values) for values in self.history.values()):
            raise ValueError(
                f"The history must hold at least one epoch. Got {short_repr(self.history)}."
            )
        return names

    def _best_epoch(self, names: Sequence[str]) -> int:
        for name in ("val_loss", "loss"):
            values = np.asarray(self.history.get(name, ()), float)
            if np.isfinite(values).any():
                return int(np.nanargmin(values)) + 1
        return max(len(self.history[key]) for key in self.history)

    def _draw(self, name: str, ax: Any) -> None:
        from matplotlib.ticker import MaxNLocator

        ax.set_axis_on()
        for key, rows in ((name, "training"), (f"val_{name}", "validation")):
            values = np.asarray(self.history.get(key, ()), float)
            if not len(values):
                continue
            epochs = np.arange(1, len(values) + 1)
            marker = "o" if len(values) == 1 else None
            ax.plot(epochs, values, color=_COLORS[rows], marker=marker, label=rows)
            if self.best_epoch_ <= len(values):
                best = values[self.best_epoch_ - 1]
                ax.plot([self.best_epoch_], [best], "o", color=_COLORS[rows], markersize=5)
        label = f"best epoch: {self.best_epoch_}"
        ax.axvline(self.best_epoch_, color="0.5", linestyle=":", linewidth=1, label=label)
        ax.set_title(name.replace("_", " "), fontsize=10.5, loc="left", parse_math=False)
        ax.set_xlabel("epoch", fontsize=9.5)
        ax.xaxis.set_major_locator(
            MaxNLocator(integer=True, min_n_ticks=1, nbins=6, steps=[1, 2, 5, 10])
        )
        ax.tick_params(labelsize=9)
        ax.grid(axis="y", color="0.5", alpha=0.2, linewidth=0.8)
        ax.spines[["top", "right"]].set_visible(False)


def _panels(ax: Any, n_panels: int) -> tuple[Any, list[Any]]:
    """Return the axes around all panels, and those of each panel, side by side in rows."""
    if ax is not None and n_panels == 1:
        return ax, [ax]
    in_row = min(n_panels, _MAX_IN_ROW)
    n_rows = -(-n_panels // in_row)
    width, height = in_row * (_PANEL[0] + MARGIN), n_rows * (_PANEL[1] + 0.55)
    bounding, size = bounding_axes(ax, width + MARGIN, height + MARGIN)
    step = size[0] / in_row, size[1] / n_rows
    axes = []
    for position in range(n_panels):
        row, column = divmod(position, in_row)
        left, top = column * step[0] + _LABELS, row * step[1] + 0.3
        box = (left, top, step[0] - _LABELS - 0.1, step[1] - 0.3 - 0.42)
        axes.append(panel(bounding, size, box))
    return bounding, axes
