"""The result of `compare_merges`: a table, a sentence, and the scores behind them.

Enters: what was measured of each candidate. Leaves: frames, text and HTML.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from skmerge.inspection._fold_scores import FoldScores
from skmerge.inspection._html import html_table
from skmerge.inspection._text import decimals_for, number, shortened, signed, text_table
from skmerge.inspection._trials import TIMED_ROWS, Measures
from skmerge.inspection._verdict import verdict

#: colours of the kinds of candidates, told apart by readers of any colour vision
#: (Okabe and Ito, "Color universal design", 2008)
KIND_COLORS = {
    "merge": "#0072b2",
    "input": "#e69f00",
    "ensemble": "#009e73",
    "baseline": "#7f7f7f",
}

#: a hiccup of the machine in one fold shall not decide over a time of milliseconds
_OVER_FOLDS = {"fit_seconds": "mean", "predict_ms": "median", "n_parameters": "mean"}


class MergeComparison:
    """How merges, single inputs, their ensemble and a linear model compare; see `compare_merges`.

    Its repr is the table with the `summary`; notebooks show it with bars.

    Parameters
    ----------
    scores : FoldScores
        The score of each candidate in each fold.
    measures : sequence of Measures
        What was measured of each candidate.
    scoring : str
        Name of the score.

    Attributes
    ----------
    scores_ : DataFrame of shape (n_folds, n_candidates)
        The score of each candidate in each fold, best candidate first.
    best_ : str
        The candidate of the highest mean score.
    scoring_ : str
        Name of the score.

    Examples
    --------
    >>> import numpy as np
    >>> from skmerge import MergedNetRegressor
    >>> from skmerge.inspection import compare_merges
    >>> X = {"left": np.arange(24.0)[:, None], "right": np.ones((24, 2))}
    >>> comparison = compare_merges(
    ...     MergedNetRegressor(epochs=1), X, np.arange(24.0), merges=["sum"], cv=2, singles=False,
    ...     ensemble=False,
    ... )
    >>> sorted(comparison.to_frame()["kind"])
    ['baseline', 'merge']
    """

    def __init__(self, scores: FoldScores, measures: Sequence[Measures], scoring: str) -> None:
        order = scores.means.sort_values(ascending=False, na_position="last", kind="stable").index
        self.scores_ = scores.scores[order]
        self.scoring_ = scoring
        self.best_ = str(order[0])
        self._fold_scores = FoldScores(self.scores_, scores.n_train, scores.n_test)
        self._measures = {one.label: Measures(one.label, one.kind, one.folds) for one in measures}

    @property
    def kinds_(self) -> dict[str, str]:
        """The kind of each candidate, best first.

        Returns
        -------
        dict of str to str
            ``"merge"``, ``"input"``, ``"ensemble"`` or ``"baseline"`` by candidate.
        """
        return {name: self._measures[name].kind for name in self._fold_scores.names}

    def to_frame(self) -> pd.DataFrame:
        """Return the comparison as a DataFrame, best candidate first.

        Returns
        -------
        DataFrame of shape (n_candidates, 9)
            ``candidate``, its ``kind``, ``mean_score`` and ``std_score`` over the folds,
            ``difference`` to the best candidate and its corrected ``standard_error``,
            ``fit_seconds`` (mean over the folds), ``predict_ms`` (milliseconds for the held-out
            rows of a fold, at most 1,000 of them; median over the folds) and ``n_parameters``
            (mean over the folds). Both times include the routing of the rows. NaN where a fold
            failed.
        """
        table = self._fold_scores.table(self.best_)
        table.insert(0, "kind", pd.Series(self.kinds_))
        for column, over_folds in _OVER_FOLDS.items():
            values = [self._measures[name].folds[column] for name in table.index]
            table[column] = [getattr(value, over_folds)(skipna=False) for value in values]
        return table.rename_axis("candidate").reset_index()

    def difference(self, candidate: str, reference: str) -> tuple[float, float]:
        """Compare any two candidates, fold by fold.

        Parameters
        ----------
        candidate : str
            One of the candidates.
        reference : str
            The one that it is compared with.

        Returns
        -------
        difference : float
            Mean over the folds of the first one's score less the second one's.
        standard_error : float
            Its corrected standard error, as in `compare_merges`; NaN if there is only one fold.

        Raises
        ------
        KeyError
            If there is no candidate of a name.
        """
        for name in (candidate, reference):
            if name not in self.scores_:
                raise KeyError(f"There is no candidate {name!r}, only {list(self.scores_)}.")
        return self._fold_scores.difference(candidate, reference)

    def summary(self) -> str:
        """Say in words what the comparison shows.

        Returns
        -------
        str
            A few sentences: the best merge beside the best input alone, the ensemble and the
            linear baseline. What the folds do not tell apart is called so: a difference smaller
            than the 95 % interval of Student's t around it. The best of many merges is chosen
            by the same folds, which flatters it a little.
        """
        return verdict(self._fold_scores, self.kinds_)

    def __repr__(self) -> str:
        table = text_table(self._cells(), left=["candidate", "kind"])
        return f"{self._caption()}\n{table}\n\n{self.summary()}"

    def _repr_html_(self) -> str:
        means = self._fold_scores.means.to_numpy()
        lowest, highest = np.nanmin(means), np.nanmax(means)
        if lowest >= 0:
            lengths = means / highest if highest > 0 else np.zeros(len(means))
        else:  # bars from the worst on, which still has a sliver
            lengths = 0.05 + 0.95 * (means - lowest) / max(highest - lowest, 1e-12)
        colors = [KIND_COLORS[kind] for kind in self.kinds_.values()]
        return html_table(
            self._cells(),
            left=["candidate", "kind"],
            bars=list(zip(np.nan_to_num(lengths), colors, strict=True)),
            best=0,
            caption=self._caption(),
            note=self.summary(),
        )

    def _caption(self) -> str:
        n_folds = len(self.scores_)
        return (
            f"{self.scoring_}, {n_folds} fold{'s' if n_folds > 1 else ''} of "
            f"{self._fold_scores.n_test:,.0f} rows, best first"
        )

    def _cells(self) -> dict[str, list[str]]:
        frame = self.to_frame()
        decimals = decimals_for(frame["mean_score"])
        differences = zip(frame["difference"], frame["standard_error"], strict=True)
        to_best = [signed(*difference, decimals) for difference in differences]
        to_best[0] = ""
        n_timed = min(TIMED_ROWS, self._fold_scores.n_test)
        return {
            "candidate": [shortened(name) for name in frame["candidate"]],
            "kind": frame["kind"].tolist(),
            "score": [number(score, decimals) or "failed" for score in frame["mean_score"]],
            "std": [number(spread, decimals) for spread in frame["std_score"]],
            "to the best": to_best,
            "fit s": [number(seconds, 1) for seconds in frame["fit_seconds"]],
            f"ms for {n_timed:,.0f} rows": [number(ms, 1) for ms in frame["predict_ms"]],
            "parameters": [number(count, 0) for count in frame["n_parameters"]],
        }
