"""`input_importance`: what each input contributes to a fitted network, by permuting it.

Enters: a fitted estimator, rows and targets. Leaves: an `InputImportance`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier
from sklearn.metrics import check_scoring
from sklearn.utils import Bunch, _safe_indexing, check_random_state, indexable
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import _num_samples, check_is_fitted

from skmerge._errors import short_repr
from skmerge.inspection._experiment import scorer_name
from skmerge.inspection._permuting import Permuter, by_columns, by_inputs
from skmerge.inspection._routing import network_of, route_of, sliceable
from skmerge.inspection._text import decimals_for, number, shortened, text_table


class InputImportance(Bunch):
    """Drops in score when an input is permuted; see `input_importance`.

    A dict whose entries are attributes too, as `sklearn.inspection.permutation_importance`
    returns it.

    Parameters
    ----------
    names : list of str
        The inputs, or columns.
    importances : ndarray of shape (n_names, n_repeats)
        Score of the rows as they are, less the score with the input permuted.
    baseline_score : float
        Score of the rows as they are.
    scoring : str
        Name of the score.

    Attributes
    ----------
    importances_mean : ndarray of shape (n_names,)
        Mean over the repeats.
    importances_std : ndarray of shape (n_names,)
        Standard deviation over the repeats.

    Examples
    --------
    >>> import numpy as np
    >>> from skmerge.inspection import InputImportance
    >>> result = InputImportance(["photo"], np.array([[0.2, 0.4]]), 0.9, "accuracy")
    >>> print(result)
    accuracy 0.900; drop when permuted, 2 repeats
    name    drop    std
    photo  0.300  0.100
    """

    def __init__(
        self, names: list[str], importances: np.ndarray, baseline_score: float, scoring: str
    ) -> None:
        super().__init__(
            names=names,
            importances=importances,
            importances_mean=importances.mean(axis=1),
            importances_std=importances.std(axis=1),
            baseline_score=baseline_score,
            scoring=scoring,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the importances as a DataFrame, the most important first.

        Returns
        -------
        DataFrame of shape (n_names, 3)
            ``name``, ``importance_mean`` and ``importance_std``.
        """
        frame = pd.DataFrame(
            {
                "name": self.names,
                "importance_mean": self.importances_mean,
                "importance_std": self.importances_std,
            }
        )
        return frame.sort_values(
            "importance_mean", ascending=False, kind="stable", ignore_index=True
        )

    def __repr__(self) -> str:
        frame = self.to_frame()
        decimals = decimals_for([self.baseline_score, *frame["importance_mean"]])
        columns = {
            "name": [shortened(name) for name in frame["name"]],
            "drop": [number(mean, decimals) for mean in frame["importance_mean"]],
            "std": [number(spread, decimals) for spread in frame["importance_std"]],
        }
        score = number(self.baseline_score, decimals)
        n_repeats = self.importances.shape[1]
        caption = f"{self.scoring} {score}; drop when permuted, {n_repeats} repeats"
        return f"{caption}\n{text_table(columns, left=['name'])}"

    def __reduce__(self) -> tuple[Any, ...]:
        # Bunch pickles as a dict whose constructor takes keywords
        return InputImportance, (self.names, self.importances, self.baseline_score, self.scoring)


def input_importance(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    by: str | Mapping[str, Any] = "input",
    scoring: Any = None,
    n_repeats: int = 5,
    max_samples: float | int = 1.0,
    sample_weight: Any = None,
    random_state: Any = None,
    n_jobs: int | None = None,
) -> Any:
    """Permute one input at a time, and see how much worse a fitted network predicts.

    `sklearn.inspection.permutation_importance`, for inputs: the rows of an input's array, with
    the mask of those that lack it, are shuffled, while the other inputs stay. It tells what this
    network relies on. What two inputs both hold counts little for either, since the other one is
    left: permute them together by a dict `by`, or see `ablation`.

    Parameters
    ----------
    estimator : MergedNetClassifier, MergedNetRegressor or Pipeline
        The fitted estimator, or Pipeline that ends in one. What its earlier steps make of X is
        permuted.
    X : DataFrame, MultiInput, matrix, dict of arrays or list of inputs
        The rows, best those that it was not fitted on, in the form that ``fit`` was given.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their targets.
    by : "input", "column" or dict, default="input"
        What is permuted. ``"column"``: each column of X, before it is encoded; a column that
        several inputs read in all of them. Inputs that have no columns of their own, such as the
        pictures of a dict of arrays, are permuted as a whole; those of a `MultiInput` by columns
        of their arrays. A dict maps labels to lists of inputs, which are permuted together.
    scoring : str, callable, list or dict, default=None
        The scorer, or several, as `permutation_importance` takes them; None is the estimator's
        ``score``. Scorers get the network's estimator and a `MultiInput`.
    n_repeats : int, default=5
        How often each is permuted.
    max_samples : int or float, default=1.0
        How many of the rows, or what share of them, to draw at the start. All scores are of the
        rows drawn; `permutation_importance` takes the baseline from all rows.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows in the scores.
    random_state : int, RandomState instance or None, default=None
        Seed of the permutations, which are the same for all inputs.
    n_jobs : int, default=None
        Number of inputs permuted at a time, by joblib.

    Returns
    -------
    InputImportance or dict of str to InputImportance
        The drops in score; a dict by scorer if `scoring` names several.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If it is none of ours, nor a Pipeline that ends in one.
    ValueError
        If `by` names no inputs, or `max_samples` or `n_repeats` is too small or too large.

    See Also
    --------
    ablation : Trains without each input.
    InputImportanceDisplay : Plots the result.

    Examples
    --------
    >>> import numpy as np
    >>> from skmerge import MergedNetRegressor
    >>> from skmerge.inspection import input_importance
    >>> rng = np.random.default_rng(0)
    >>> X = {"signal": rng.normal(size=(60, 2)), "noise": rng.normal(size=(60, 2))}
    >>> y = X["signal"].sum(axis=1)
    >>> regressor = MergedNetRegressor(epochs=20, random_state=0).fit(X, y)
    >>> result = input_importance(regressor, X, y, random_state=0)
    >>> result.to_frame()["name"].tolist()
    ['signal', 'noise']
    """
    network = network_of(estimator)
    check_is_fitted(network)
    if not isinstance(n_repeats, Integral) or n_repeats < 1:
        raise ValueError(f"'n_repeats' must be an integer of at least 1. Got {n_repeats!r}.")
    scorer = check_scoring(network, scoring=scoring)
    generator = check_random_state(random_state)
    seed = generator.randint(np.iinfo(np.int32).max + 1)  # as permutation_importance draws it

    X = sliceable(X, estimator, _num_samples(y))
    X, y, sample_weight = indexable(X, y, sample_weight)
    drawn = _drawn(max_samples, _num_samples(X), generator)
    if drawn is not None:
        X, y = _safe_indexing(X, drawn), _safe_indexing(y, drawn)
        sample_weight = None if sample_weight is None else _safe_indexing(sample_weight, drawn)
    route = route_of(estimator)
    rows = route.transform(X)
    permuters = _permuters(by, rows, route, X)

    score = _Score(scorer, network, y, sample_weight)
    baseline = score(rows)
    scores = Parallel(n_jobs=n_jobs)(
        delayed(_permuted_scores)(score, permuter, n_repeats, seed)
        for permuter in permuters.values()
    )
    names = list(permuters)
    if isinstance(baseline, dict):
        return {
            name: _result(
                names, baseline[name], [[one[name] for one in row] for row in scores], name
            )
            for name in baseline
        }
    return _result(names, baseline, scores, _name(scoring, network))


def _permuters(by: Any, rows: Any, route: Any, X: Any) -> dict[str, Permuter]:
    if isinstance(by, str) and by == "column":
        return by_columns(rows, route, X)
    if isinstance(by, Mapping) or (isinstance(by, str) and by == "input"):
        return by_inputs(rows, by)
    raise ValueError(
        f"'by' must be 'input', 'column' or a dict of lists of inputs. Got {short_repr(by)}."
    )


@dataclass
class _Score:
    """The score of routed rows; can be pickled."""

    scorer: Any
    network: Any
    y: Any
    sample_weight: Any

    def __call__(self, rows: Any) -> Any:
        weights = {} if self.sample_weight is None else {"sample_weight": self.sample_weight}
        return self.scorer(self.network, rows, self.y, **weights)


def _permuted_scores(score: _Score, permuter: Permuter, n_repeats: int, seed: int) -> list[Any]:
    """Score permuted rows, in the orders of `permutation_importance` for the same seed."""
    generator = np.random.RandomState(seed)
    order = np.arange(len(permuter.rows))
    shuffled = order.copy()
    scores = []
    for _ in range(n_repeats):
        generator.shuffle(shuffled)
        order = order[shuffled]
        scores.append(score(permuter(order)))
    return scores


def _drawn(max_samples: float | int, n_rows: int, generator: Any) -> np.ndarray | None:
    is_count = isinstance(max_samples, Integral)
    largest = n_rows if is_count else 1
    if not 0 < max_samples <= largest:
        raise ValueError(
            f"'max_samples' must be a number of rows up to {n_rows}, or a share of them, above 0 "
            f"and up to 1.0. Got {max_samples!r}."
        )
    count = int(max_samples) if is_count else max(1, int(max_samples * n_rows))
    return None if count == n_rows else np.sort(generator.permutation(n_rows)[:count])


def _result(names: list[str], baseline: float, scores: Any, scoring: str) -> InputImportance:
    return InputImportance(names, baseline - np.asarray(scores, float), float(baseline), scoring)


def _name(scoring: Any, network: Any) -> str:
    if scoring is None:
        return "accuracy" if is_classifier(network) else "r2"
    return scoring if isinstance(scoring, str) else scorer_name(scoring)
