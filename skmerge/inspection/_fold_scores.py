"""Scores of several candidates on the same folds: means, spreads and paired differences.

Enters: one score per fold and candidate, and how large the folds are. Leaves: what can be said of
them. Every comparison in `skmerge.inspection` rests on the formulas here.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import t

_CONFIDENCE = 0.95


class FoldScores:
    """Scores on the same folds, compared pair by pair.

    Training sets of different folds share rows, so that scores of folds are not independent and
    their plain standard error is too small. As in scikit-learn's example "Statistical comparison
    of models using grid search", the variance of the paired differences d of k folds is corrected
    for it by Nadeau and Bengio [1]_, section 3, eq. (9)::

        standard_error = sqrt((1 / k + n_test / n_train) * var(d, ddof=1))

    Parameters
    ----------
    scores : DataFrame of shape (n_folds, n_candidates)
        A score per fold and candidate, higher is better.
    n_train : float
        Mean number of training rows of a fold.
    n_test : float
        Mean number of held-out rows of a fold.

    References
    ----------
    .. [1] C. Nadeau, Y. Bengio, "Inference for the generalization error", Machine Learning 52,
       2003.
    """

    def __init__(self, scores: pd.DataFrame, n_train: float, n_test: float) -> None:
        self.scores = scores
        self.n_train = n_train
        self.n_test = n_test

    @property
    def names(self) -> list[str]:
        """The candidates."""
        return [str(name) for name in self.scores]

    @property
    def means(self) -> pd.Series:
        """Mean over the folds, NaN where a fold has no score."""
        return self.scores.mean(skipna=False)

    @property
    def spreads(self) -> pd.Series:
        """Standard deviation over the folds, as `GridSearchCV` has it (``ddof=0``)."""
        return self.scores.std(ddof=0, skipna=False)

    @property
    def quantile(self) -> float:
        """Number of standard errors that a 95 % interval reaches to each side."""
        n_folds = len(self.scores)
        return float(t.ppf((1 + _CONFIDENCE) / 2, n_folds - 1)) if n_folds > 1 else np.nan

    def difference(self, candidate: str, reference: str) -> tuple[float, float]:
        """Compare a candidate with another, fold by fold.

        Parameters
        ----------
        candidate : str
            One candidate.
        reference : str
            The other.

        Returns
        -------
        difference : float
            Mean over the folds of the candidate's score less the reference's.
        standard_error : float
            Its corrected standard error, NaN if there is only one fold.
        """
        differences = (self.scores[candidate] - self.scores[reference]).to_numpy()
        n_folds = len(differences)
        if n_folds < 2:
            return float(differences.mean()), np.nan
        variance = (1 / n_folds + self.n_test / self.n_train) * differences.var(ddof=1)
        return float(differences.mean()), float(np.sqrt(variance))

    def order(self, candidate: str, reference: str) -> int:
        """Say which of two candidates is better, where the folds tell.

        Parameters
        ----------
        candidate : str
            One candidate.
        reference : str
            The other.

        Returns
        -------
        int
            1 if the candidate is better, -1 if it is worse, 0 if the 95 % interval of their
            difference holds 0, or cannot be known.
        """
        difference, standard_error = self.difference(candidate, reference)
        if not abs(difference) > self.quantile * standard_error:
            return 0
        return 1 if difference > 0 else -1

    def table(self, reference: str) -> pd.DataFrame:
        """Return mean, spread and difference to a reference of every candidate.

        Parameters
        ----------
        reference : str
            The candidate that the others are compared with.

        Returns
        -------
        DataFrame
            A row per candidate, with the columns ``mean_score``, ``std_score``, ``difference`` and
            ``standard_error``.
        """
        compared = [self.difference(name, reference) for name in self.names]
        return pd.DataFrame(
            {
                "mean_score": self.means,
                "std_score": self.spreads,
                "difference": [difference for difference, _ in compared],
                "standard_error": [standard_error for _, standard_error in compared],
            },
            index=self.scores.columns,
        )
