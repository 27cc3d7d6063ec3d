"""`ablation`: what each input contributes, by training without it.

Enters: an estimator, rows and targets. Leaves: an `AblationResult`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from skmerge.inspection._candidates import NetworkOnInputs
from skmerge.inspection._compare import inputs_of
from skmerge.inspection._experiment import prepare_experiment
from skmerge.inspection._fold_scores import FoldScores
from skmerge.inspection._text import decimals_for, number, shortened, signed, text_table

ALL = "all inputs"


class AblationResult:
    """Scores with all inputs, and with all but one; see `ablation`.

    Parameters
    ----------
    scores : FoldScores
        The score of each candidate in each fold.
    left_out : dict of str to str
        The input left out by candidate, those with all of them not named.
    scoring : str
        Name of the score.

    Attributes
    ----------
    scores_ : DataFrame of shape (n_folds, n_inputs + 1)
        The scores per fold; the columns are ``"all inputs"``, ``"without photo"`` and so on.
    scoring_ : str
        Name of the score.

    See Also
    --------
    ablation : Trains without each input, and returns this.
    InputImportanceDisplay : Plots it.
    """

    def __init__(self, scores: FoldScores, left_out: dict[str, str], scoring: str) -> None:
        self.scores_ = scores.scores
        self.scoring_ = scoring
        self._fold_scores = scores
        self._left_out = left_out

    def to_frame(self) -> pd.DataFrame:
        """Return the scores as a DataFrame, the input that is missed most first.

        Returns
        -------
        DataFrame of shape (n_inputs + 1, 6)
            ``candidate``; ``left_out``, the input left out, None in the first row; ``mean_score``
            and ``std_score`` over the folds; ``difference`` to all inputs, negative where the
            input is missed, and its corrected ``standard_error``.
        """
        table = self._fold_scores.table(ALL)
        names = [self._left_out.get(name) for name in table.index]
        table.insert(0, "left_out", pd.Series(names, table.index, dtype=object))
        without = table.drop(index=ALL).sort_values("difference", kind="stable")
        table = pd.concat([table.loc[[ALL]], without])
        return table.rename_axis("candidate").reset_index()

    def __repr__(self) -> str:
        frame = self.to_frame()
        decimals = decimals_for(frame["mean_score"])
        pairs = list(zip(frame["difference"], frame["standard_error"], strict=True))
        columns = {
            "candidate": [shortened(name) for name in frame["candidate"]],
            "score": [number(score, decimals) or "failed" for score in frame["mean_score"]],
            "std": [number(spread, decimals) for spread in frame["std_score"]],
            "to all inputs": ["", *(signed(*pair, decimals) for pair in pairs[1:])],
        }
        n_folds = len(self.scores_)
        caption = f"{self.scoring_}, {n_folds} fold{'s' if n_folds > 1 else ''}"
        return f"{caption}\n{text_table(columns, left=['candidate'])}"


def ablation(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    cv: Any = None,
    scoring: Any = None,
    groups: Any = None,
    sample_weight: Any = None,
    n_jobs: int | None = None,
    error_score: Any = np.nan,
    verbose: int = 0,
) -> AblationResult:
    """Train without each input, and see how much worse the network gets.

    Unlike `input_importance`, which takes an input from a network that has learned to rely on it,
    this tells what the input adds to the others: a network that never saw it may make up for it.

    Parameters
    ----------
    estimator : MergedNetClassifier, MergedNetRegressor or Pipeline
        The estimator, or a Pipeline that ends in one. It is cloned, never fitted.
    X : DataFrame, MultiInput, dict of arrays or list of inputs
        The rows, in any form that its ``fit`` takes, with at least two inputs.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        The targets.
    cv : int, splitter or iterable, default=None
        The folds, as `cross_validate` takes them; the same for all.
    scoring : str or callable, default=None
        One scorer; None is the accuracy, or R2.
    groups : array-like of shape (n_samples,), default=None
        Groups of rows that stay together, for splitters such as `GroupKFold`.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows in training. Scores are not weighted.
    n_jobs : int, default=None
        Number of folds fitted at a time, as `cross_validate` takes it.
    error_score : float or "raise", default=nan
        Score of a fold in which a network fails, with a warning; ``"raise"`` raises the error.
    verbose : int, default=0
        Other than 0, a line is printed for each input.

    Returns
    -------
    AblationResult
        The scores, and the differences to all inputs. Their standard error is that of
        `compare_merges`.

    Raises
    ------
    TypeError
        If `estimator` is none of ours, nor a Pipeline that ends in one.
    ValueError
        If there are fewer than two inputs, or all networks fail.

    Warns
    -----
    FitFailedWarning
        For each network that failed.

    See Also
    --------
    input_importance : Permutes an input of a fitted network.
    compare_merges : The inputs alone, among others.

    Examples
    --------
    >>> import numpy as np
    >>> from skmerge import MergedNetRegressor
    >>> from skmerge.inspection import ablation
    >>> rng = np.random.default_rng(0)
    >>> X = {"signal": rng.normal(size=(60, 2)), "noise": rng.normal(size=(60, 2))}
    >>> y = X["signal"].sum(axis=1)
    >>> result = ablation(MergedNetRegressor(epochs=10, random_state=0), X, y, cv=2)
    >>> result.to_frame()["left_out"].tolist()
    [None, 'signal', 'noise']
    """
    experiment = prepare_experiment(
        estimator,
        X,
        y,
        cv=cv,
        scoring=scoring,
        groups=groups,
        sample_weight=sample_weight,
        n_jobs=n_jobs,
        error_score=error_score,
        verbose=verbose,
    )
    names = list(inputs_of(estimator, experiment))
    left_out = {f"without {name}": name for name in names}
    measures = [experiment.run(ALL, "all", NetworkOnInputs(estimator, tuple(names)))]
    for label, name in left_out.items():
        others = tuple(other for other in names if other != name)
        measures.append(experiment.run(label, "without", NetworkOnInputs(estimator, others)))
    return AblationResult(experiment.fold_scores(measures), left_out, experiment.scoring)
