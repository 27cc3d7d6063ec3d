"""`MergeComparisonDisplay`: a comparison of merges as a plot.

Enters: a `MergeComparison`, or the results of a search. Leaves: dots, whiskers and folds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from skmerge.inspection._comparison import KIND_COLORS, MergeComparison
from skmerge.inspection._dots import DotRow, draw_dots, new_axes
from skmerge.inspection._fold_scores import FoldScores
from skmerge.inspection._modes import merge_label

_MARKERS = {"merge": "o", "input": "s", "ensemble": "D", "baseline": "^"}
_NAMES = {
    "merge": "merge",
    "input": "input alone",
    "ensemble": "ensemble of inputs",
    "baseline": "linear baseline",
}


class MergeComparisonDisplay:
    """Plot of merges, best on top: mean scores, folds, and what is told apart from the best.

    Made by `from_result` or `from_cv_results`. The dot is the mean score, faint points are the
    folds. The whisker is the 95 % interval of the difference to the best candidate, drawn around
    the dot: where it crosses the dashed line, the folds do not tell the two apart.

    Parameters
    ----------
    scores : DataFrame of shape (n_folds, n_candidates)
        The score of each candidate in each fold.
    kinds : sequence of str of length n_candidates
        The kind of each candidate: ``"merge"``, ``"input"``, ``"ensemble"`` or ``"baseline"``.
    half_widths : array-like of shape (n_candidates,)
        Half the length of the whiskers; NaN for none.
    score_name : str
        Name of the score.
    note : str, default=""
        A remark below the axis.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure.
    ax_ : matplotlib.axes.Axes
        The axes.
    dots_ : list of matplotlib.lines.Line2D
        The mean of each candidate.
    folds_ : list of matplotlib.lines.Line2D
        The folds of each candidate.
    whiskers_ : list of matplotlib.lines.Line2D
        The whiskers of those candidates that have one.

    See Also
    --------
    compare_merges : Compares merges.

    Examples
    --------
    >>> import pandas as pd
    >>> from skmerge.inspection import MergeComparisonDisplay
    >>> scores = pd.DataFrame({"multiply": [0.9, 0.92], "sum": [0.7, 0.75]})
    >>> display = MergeComparisonDisplay(scores, ["merge"] * 2, [0, 0.1], "accuracy").plot()
    >>> display.ax_.get_yticklabels()[0].get_text()
    'multiply'
    """

    def __init__(
        self,
        scores: pd.DataFrame,
        kinds: Sequence[str],
        half_widths: Any,
        score_name: str,
        *,
        note: str = "",
    ) -> None:
        self.scores = scores
        self.kinds = kinds
        self.half_widths = half_widths
        self.score_name = score_name
        self.note = note

    @classmethod
    def from_result(cls, comparison: MergeComparison, *, ax: Any = None) -> MergeComparisonDisplay:
        """Plot the result of `compare_merges`.

        Parameters
        ----------
        comparison : MergeComparison
            The result.
        ax : matplotlib.axes.Axes, default=None
            Where to plot; None makes a figure.

        Returns
        -------
        MergeComparisonDisplay
            The display.
        """
        frame = comparison.to_frame()
        half_widths = frame["standard_error"] * comparison._fold_scores.quantile
        display = cls(comparison.scores_, frame["kind"].tolist(), half_widths, comparison.scoring_)
        return display.plot(ax=ax)

    @classmethod
    def from_cv_results(
        cls,
        cv_results: Mapping[str, Any],
        *,
        param: str | None = None,
        metric: str = "score",
        test_fraction: float | None = None,
        ax: Any = None,
    ) -> MergeComparisonDisplay:
        """Plot the merges of a search, such as `GridSearchCV`.

        Where the search varied other parameters too, each merge is shown with those that gave it
        the highest mean score; the note below the axis says so.

        Parameters
        ----------
        cv_results : dict
            ``cv_results_`` of the search.
        param : str, default=None
            The parameter that holds the merge. None takes ``merge``, or the one that ends in
            ``__merge``.
        metric : str, default="score"
            Which of the scores of a search with several.
        test_fraction : float, default=None
            Share of the rows held out in each fold, for the standard errors. None is one in
            ``n_splits``, as in a cross-validation that holds out each row once.
        ax : matplotlib.axes.Axes, default=None
            Where to plot; None makes a figure.

        Returns
        -------
        MergeComparisonDisplay
            The display.

        Raises
        ------
        ValueError
            If the results hold no merge, or several, or lack the metric.
        """
        param = _merge_param(cv_results) if param is None else param
        scores, n_settings = _best_per_merge(cv_results, param, metric)
        fraction = 1 / len(scores) if test_fraction is None else test_fraction
        folds = FoldScores(scores, 1 - fraction, fraction)
        best = str(folds.means.idxmax())
        half_widths = folds.table(best)["standard_error"] * folds.quantile
        note = f"each with the best of its {n_settings} settings" if n_settings > 1 else ""
        kinds = ["merge"] * scores.shape[1]
        return cls(scores, kinds, half_widths, metric, note=note).plot(ax=ax)

    def plot(self, ax: Any = None) -> MergeComparisonDisplay:
        """Draw the plot.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to plot; None makes a figure.

        Returns
        -------
        MergeComparisonDisplay
            This display.
        """
        rows = [
            DotRow(
                str(name),
                self.scores[name].to_numpy(float),
                float(half_width),
                KIND_COLORS[kind],
                _MARKERS[kind],
            )
            for name, half_width, kind in zip(
                self.scores, self.half_widths, self.kinds, strict=True
            )
        ]
        ax = new_axes(len(rows))[1] if ax is None else ax
        means = [row.mean for row in rows]
        best = int(np.nanargmax(means)) if np.isfinite(means).any() else 0
        drawn = draw_dots(ax, rows, reference=means[best])
        self._label(ax)
        self.ax_, self.figure_ = ax, ax.figure
        self.dots_, self.folds_, self.whiskers_ = drawn.dots, drawn.points, drawn.whiskers
        return self

    def _label(self, ax: Any) -> None:
        from matplotlib.lines import Line2D

        n_folds = len(self.scores)
        lines = [self.score_name, f"points: {n_folds} folds"]
        if np.isfinite(np.asarray(self.half_widths, float)).any():
            lines[1] += "; whiskers: 95 % interval of the difference to the best"
        ax.set_xlabel("\n".join([*lines, *([self.note] if self.note else [])]))
        kinds = [kind for kind in KIND_COLORS if kind in self.kinds]
        if len(kinds) > 1:
            handles = [
                Line2D([], [], color=KIND_COLORS[kind], marker=_MARKERS[kind], linestyle="")
                for kind in kinds
            ]
            ax.legend(
                handles, [_NAMES[kind] for kind in kinds], loc="lower left",
                bbox_to_anchor=(0, 1), ncols=len(kinds), frameon=False, borderaxespad=0.2,
                handletextpad=0.1, columnspacing=1.2, fontsize="small",
            )  # fmt: skip


def _merge_param(cv_results: Mapping[str, Any]) -> str:
    params = [name.removeprefix("param_") for name in cv_results if name.startswith("param_")]
    found = [name for name in params if name == "merge" or name.endswith("__merge")]
    if len(found) == 1:
        return found[0]
    what = f"several: {found}" if found else f"only {params}"
    raise ValueError(
        "The search must have varied one parameter 'merge' or '<step>__merge'. Got "
        f"{what}. Name it by param."
    )


def _best_per_merge(
    cv_results: Mapping[str, Any], param: str, metric: str
) -> tuple[pd.DataFrame, int]:
    """Return the scores of the best setting of each merge, best first, and the most settings."""
    splits = sorted(
        (name for name in cv_results if name.startswith("split") and name.endswith(f"_{metric}")),
        key=lambda name: int(name.removeprefix("split").partition("_")[0]),
    )
    splits = [name for name in splits if name.partition("_")[2] == f"test_{metric}"]
    for wanted, found in ((f"param_{param}", cv_results), (f"mean_test_{metric}", cv_results)):
        if wanted not in found:
            raise ValueError(f"cv_results must hold {wanted!r}. It holds {sorted(cv_results)}.")
    by_label: dict[str, list[int]] = {}
    for position, merge in enumerate(cv_results[f"param_{param}"]):
        by_label.setdefault(merge_label(merge), []).append(position)
    means = np.asarray(cv_results[f"mean_test_{metric}"], float)
    best = {
        label: max(positions, key=lambda position: np.nan_to_num(means[position], nan=-np.inf))
        for label, positions in by_label.items()
    }
    order = sorted(best, key=lambda label: -np.nan_to_num(means[best[label]], nan=-np.inf))
    scores = pd.DataFrame(
        {label: [cv_results[split][best[label]] for split in splits] for label in order}
    )
    return scores, max(map(len, by_label.values()))
