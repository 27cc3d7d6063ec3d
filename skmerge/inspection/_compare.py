"""`compare_merges`: which merge, and whether merging is what counts, by experiment.

Enters: an estimator, rows and targets. Leaves: a `MergeComparison`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import clone

from skmerge._spec import InputSpec
from skmerge.inspection._candidates import LinearOnInputs, NetworkOnInputs
from skmerge.inspection._comparison import MergeComparison
from skmerge.inspection._experiment import Experiment, prepare_experiment
from skmerge.inspection._modes import merges_to_compare
from skmerge.inspection._routing import fit_route, last_step_prefix, network_of
from skmerge.inspection._trials import Measures

ENSEMBLE = "ensemble of single inputs"
BASELINE = "linear baseline"


def compare_merges(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    merges: Any = None,
    cv: Any = None,
    scoring: Any = None,
    groups: Any = None,
    sample_weight: Any = None,
    singles: bool = True,
    ensemble: bool = True,
    baseline: bool = True,
    n_jobs: int | None = None,
    error_score: Any = np.nan,
    verbose: int = 0,
) -> MergeComparison:
    """Compare merges with each other, with single inputs, their ensemble and a linear model.

    All candidates are fitted and scored on the same folds, by `cross_validate`:

    - each merge, in a clone of `estimator` that is otherwise as it is;
    - each input alone, ``"photo alone"``: the network of that input's branch and the same head,
      on rows routed by the same router, fitted on the training rows of the fold;
    - the ensemble of these networks: the mean of their probabilities, or of their numbers;
    - a linear baseline on all inputs: logistic or ridge regression on TF-IDF of words,
      standardised numbers, one-hot categories, and principal components of small pictures.

    Parameters
    ----------
    estimator : MergedNetClassifier, MergedNetRegressor or Pipeline
        The estimator, or a Pipeline that ends in one. It is cloned, never fitted.
    X : DataFrame, MultiInput, dict of arrays or list of inputs
        The rows, in any form that its ``fit`` takes, with at least two inputs.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        The targets.
    merges : list or dict, default=None
        What to compare: a list of merges, each in any form that `estimator` takes, or a dict that
        maps labels to merges. None takes every mode that can join so many inputs, and before
        them the estimator's own merge if it is none of them.
    cv : int, splitter or iterable, default=None
        The folds, as `cross_validate` takes them; None is 5, stratified by class where there are
        classes. They are made once. The rows are not shuffled: give
        ``StratifiedKFold(shuffle=True)`` for rows in some order.
    scoring : str or callable, default=None
        One scorer; None is the accuracy, or R2.
    groups : array-like of shape (n_samples,), default=None
        Groups of rows that stay together, for splitters such as `GroupKFold`.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows in training. Scores are not weighted.
    singles : bool, default=True
        Whether inputs alone are part of the comparison.
    ensemble : bool, default=True
        Whether their ensemble is. It is made of the very networks of `singles`.
    baseline : bool, default=True
        Whether the linear baseline is.
    n_jobs : int, default=None
        Number of folds fitted at a time, as `cross_validate` takes it.
    error_score : float or "raise", default=nan
        Score of a fold in which a candidate fails, with a warning that names it. A candidate with
        NaN in a fold comes last. ``"raise"`` raises the error.
    verbose : int, default=0
        Other than 0, a line is printed for each candidate.

    Returns
    -------
    MergeComparison
        The table, best first, with a sentence on what it says.

    Raises
    ------
    TypeError
        If `estimator` is none of ours, nor a Pipeline that ends in one.
    ValueError
        If there are fewer than two inputs, a merge is unknown or cannot join the inputs, two
        candidates have one label, or all candidates fail.

    Warns
    -----
    FitFailedWarning
        For each candidate that failed.

    See Also
    --------
    MergeComparisonDisplay : Plots the result.
    input_importance : What each input contributes to one fitted network.
    ablation : What each input contributes, by leaving it out.

    Notes
    -----
    Differences are paired by fold. Their standard error is that of Nadeau and Bengio [1]_, section
    3, eq. (9), since folds share training rows: the variance of the differences d of k folds is
    ``(1 / k + n_test / n_train) * var(d, ddof=1)``, as in scikit-learn's example "Statistical
    comparison of models using grid search".

    Seconds include the routing of the rows; those of the ensemble are the sum of its members'.
    Predictions are timed on up to 1,000 rows of a fold, and not the first time, when the network
    is traced.

    References
    ----------
    .. [1] C. Nadeau, Y. Bengio, "Inference for the generalization error", Machine Learning 52,
       2003.

    Examples
    --------
    Whether two signs agree, neither of them tells alone:

    >>> import numpy as np
    >>> from skmerge import MergedNetClassifier
    >>> from skmerge.inspection import compare_merges
    >>> left, right = np.random.default_rng(0).choice([-1.0, 1.0], (2, 200, 1))
    >>> comparison = compare_merges(
    ...     MergedNetClassifier(epochs=30, learning_rate=0.01, random_state=0),
    ...     {"left": left, "right": right},
    ...     (left == right).ravel(),
    ...     merges=["multiply"],
    ...     cv=2,
    ...     ensemble=False,
    ... )
    >>> comparison.best_
    'multiply'
    """
    network = network_of(estimator)
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
    specs = inputs_of(estimator, experiment)
    modes = merges_to_compare(merges, network.merge, specs)
    labels = [f"{name} alone" for name in specs]
    _check_labels(modes, [*labels, ENSEMBLE, BASELINE])

    measures: list[Measures] = []
    for label, merge in modes.items():
        candidate = clone(estimator).set_params(**{f"{last_step_prefix(estimator)}merge": merge})
        measures.append(experiment.run(label, "merge", candidate))
    if singles or ensemble:
        alone = [
            experiment.run(label, "input", NetworkOnInputs(estimator, (name,)), keep=ensemble)
            for label, name in zip(labels, specs, strict=True)
        ]
        measures += alone if singles else []
        if ensemble:
            measures.append(experiment.run_ensemble(ENSEMBLE, "ensemble", alone))
    if baseline:
        measures.append(experiment.run(BASELINE, "baseline", LinearOnInputs(estimator)))
    return MergeComparison(experiment.fold_scores(measures), measures, experiment.scoring)


def inputs_of(estimator: Any, experiment: Experiment) -> Mapping[str, InputSpec]:
    """Return the inputs, as the router finds them in the training rows of the first fold.

    Parameters
    ----------
    estimator : MergedNetClassifier, MergedNetRegressor or Pipeline
        The user's estimator.
    experiment : Experiment
        Its rows.

    Returns
    -------
    mapping of str to InputSpec
        The inputs.

    Raises
    ------
    ValueError
        If there is only one.
    """
    route, _ = fit_route(estimator, *experiment.training_rows(0))
    if len(route.specs) < 2:
        raise ValueError(
            f"X must have at least two inputs. Got only {list(route.specs)}: there is nothing to "
            "merge. A DataFrame's numbers and categories are one input; ColumnRouter(inputs={...}) "
            "splits them, as a dict of arrays does."
        )
    return route.specs


def _check_labels(modes: Mapping[str, Any], others: list[str]) -> None:
    for label in modes:
        if label in others:
            raise ValueError(f"A merge must not have the label {label!r}, which another row has.")
