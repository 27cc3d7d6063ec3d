"""`InputImportanceDisplay`: what each input contributes, as a plot.

Enters: an `InputImportance` or an `AblationResult`. Leaves: dots, whiskers and single drops.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from skmerge.inspection._ablation import AblationResult
from skmerge.inspection._dots import DotRow, draw_dots, new_axes
from skmerge.inspection._importance import InputImportance

_COLOR = "#0072b2"


class InputImportanceDisplay:
    """Plot of the drop in score when an input is permuted or left out, the largest on top.

    Made by `from_result`.

    Parameters
    ----------
    drops : DataFrame of shape (n_values, n_inputs)
        The drops in score of each input: one per repeat, or one per fold.
    half_widths : array-like of shape (n_inputs,)
        Half the length of the whiskers; NaN for none.
    label : str
        What the drops are, for the axis.
    note : str
        What points and whiskers are, below it.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure.
    ax_ : matplotlib.axes.Axes
        The axes.
    dots_ : list of matplotlib.lines.Line2D
        The mean drop of each input.
    points_ : list of matplotlib.lines.Line2D
        The single drops of each input.
    whiskers_ : list of matplotlib.lines.Line2D
        The whiskers of those inputs that have one.

    See Also
    --------
    input_importance : Permutes inputs.
    ablation : Leaves inputs out.

    Examples
    --------
    >>> import numpy as np
    >>> from skmerge.inspection import InputImportance, InputImportanceDisplay
    >>> result = InputImportance(["photo", "note"], np.array([[0.2, 0.3], [0.4, 0.4]]), 0.9, "r2")
    >>> display = InputImportanceDisplay.from_result(result)
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['note', 'photo']
    """

    def __init__(self, drops: pd.DataFrame, half_widths: Any, label: str, note: str) -> None:
        self.drops = drops
        self.half_widths = half_widths
        self.label = label
        self.note = note

    @classmethod
    def from_result(
        cls, result: InputImportance | AblationResult, *, ax: Any = None
    ) -> InputImportanceDisplay:
        """Plot the result of `input_importance` or `ablation`.

        Parameters
        ----------
        result : InputImportance or AblationResult
            The result. For several scorers give one of them.
        ax : matplotlib.axes.Axes, default=None
            Where to plot; None makes a figure.

        Returns
        -------
        InputImportanceDisplay
            The display.
        """
        if isinstance(result, AblationResult):
            return cls(*_of_ablation(result)).plot(ax=ax)
        drops = pd.DataFrame(result.importances.T, columns=result.names)
        n_repeats = len(drops)
        label = f"drop in {result.scoring} when permuted"
        note = f"points: {n_repeats} repeats; whiskers: standard deviation"
        return cls(drops, result.importances_std, label, note).plot(ax=ax)

    def plot(self, ax: Any = None) -> InputImportanceDisplay:
        """Draw the plot.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to plot; None makes a figure.

        Returns
        -------
        InputImportanceDisplay
            This display.
        """
        values = self.drops.to_numpy(float)
        widths = np.asarray(self.half_widths, float)
        order = np.argsort(-np.nan_to_num(values.mean(axis=0), nan=-np.inf), kind="stable")
        rows = [DotRow(str(self.drops.columns[i]), values[:, i], widths[i], _COLOR) for i in order]
        ax = new_axes(len(rows))[1] if ax is None else ax
        drawn = draw_dots(ax, rows, reference=0.0)
        ax.set_xlabel(f"{self.label}\n{self.note}")
        self.ax_, self.figure_ = ax, ax.figure
        self.dots_, self.points_, self.whiskers_ = drawn.dots, drawn.points, drawn.whiskers
        return self


def _of_ablation(result: AblationResult) -> tuple[pd.DataFrame, np.ndarray, str, str]:
    frame = result.to_frame()
    everything, without = frame["candidate"].iloc[0], frame.iloc[1:]
    drops = pd.DataFrame(
        {
            name: result.scores_[everything] - result.scores_[candidate]
            for candidate, name in zip(without["candidate"], without["left_out"], strict=True)
        }
    )
    widths = without["standard_error"].to_numpy() * result._fold_scores.quantile
    label = f"drop in {result.scoring_} when left out"
    note = f"points: {len(drops)} folds; whiskers: 95 % interval of their mean"
    return drops, widths, label, note
