"""The way from raw rows to the routed ones, and the network on some of the inputs.

Enters: an estimator or a Pipeline that ends in one, rows in any form that ``fit`` takes. Leaves:
rows that scikit-learn can slice, a fitted `Route` from such rows to a `MultiInput`, and unfitted
networks for part of its inputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skmerge._merged_net import MergedNet
from skmerge._sharing import resolve_branches
from skmerge._spec import InputSpec
from skmerge._tables import is_list_of_inputs, name_inputs, take_rows
from skmerge.multi_input import MultiInput
from skmerge.router import ColumnRouter


class EntryRows:
    """A dict of inputs that scikit-learn can slice by row, as it slices a matrix.

    Parameters
    ----------
    entries : mapping of str to array-like of n_samples rows
        The inputs.
    """

    def __init__(self, entries: Mapping[Any, Any]) -> None:
        self.entries = entries

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and number of inputs."""
        first = next(iter(self.entries.values()))
        return first.shape[0] if hasattr(first, "shape") else len(first), len(self.entries)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> EntryRows:
        rows = key[0] if isinstance(key, tuple) else key
        return EntryRows(take_rows(self.entries, rows))


def sliceable(X: Any, estimator: Any, n_rows: int) -> Any:
    """Return X in a form that scikit-learn can slice by row.

    Parameters
    ----------
    X : DataFrame, MultiInput, matrix, sparse matrix, dict of arrays or list of inputs
        The rows.
    estimator : MergedNetClassifier, MergedNetRegressor or Pipeline
        Names the inputs of a list.
    n_rows : int
        Number of targets.

    Returns
    -------
    object
        X itself, or `EntryRows` of a dict or list of inputs.
    """
    if is_list_of_inputs(X, n_rows):
        # within a Pipeline the router names them, and knows no branches
        names = list(estimator.branches or ()) if isinstance(estimator, MergedNet) else []
        X = name_inputs(X, names)
    return EntryRows(X) if isinstance(X, Mapping) and not issparse(X) else X


def given(X: Any) -> Any:
    """Return rows in the form that the user gave them.

    Parameters
    ----------
    X : object
        What `sliceable` returned, or rows of it.

    Returns
    -------
    object
        The same rows, `EntryRows` as a dict.
    """
    return X.entries if isinstance(X, EntryRows) else X


def network_of(estimator: Any) -> MergedNet:
    """Return the network's estimator, the last step where it stands in a Pipeline.

    Parameters
    ----------
    estimator : MergedNetClassifier, MergedNetRegressor or Pipeline
        The user's estimator.

    Returns
    -------
    MergedNetClassifier or MergedNetRegressor
        The estimator of the network.

    Raises
    ------
    TypeError
        If there is none.
    """
    network = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    if isinstance(network, MergedNet):
        return network
    what = f"a Pipeline that ends in {type(network).__name__}" if network is not estimator else ""
    raise TypeError(
        "The estimator must be a MergedNetClassifier, a MergedNetRegressor, or a Pipeline that "
        f"ends in one. Got {what or type(estimator).__name__}."
    )


def last_step_prefix(estimator: Any) -> str:
    """Return what comes before the names of the network's parameters.

    Parameters
    ----------
    estimator : MergedNetClassifier, MergedNetRegressor or Pipeline
        The user's estimator.

    Returns
    -------
    str
        ``"mergednetclassifier__"`` or the like for a Pipeline, otherwise ``""``.
    """
    return f"{estimator.steps[-1][0]}__" if isinstance(estimator, Pipeline) else ""


@dataclass
class Route:
    """A fitted way from raw rows to the inputs of the network.

    Parameters
    ----------
    steps : Pipeline or None
        The fitted steps before the network.
    network : MergedNetClassifier or MergedNetRegressor
        Reads what comes out of the steps; need not be fitted.
    router : ColumnRouter or None
        The network's own fitted router, None where it gets a `MultiInput`.
    specs : mapping of str to InputSpec
        The inputs.
    """

    steps: Pipeline | None
    network: MergedNet
    router: Any
    specs: Mapping[str, InputSpec]

    def before_router(self, X: Any) -> Any:
        """Take rows through the steps before the network.

        Parameters
        ----------
        X : object
            Rows, as the user gives them.

        Returns
        -------
        object
            What the network's estimator gets.
        """
        X = given(X)
        return X if self.steps is None else self.steps.transform(X)

    def before_encoding(self, X: Any) -> tuple[Any, Any]:
        """Take rows up to the router, wherever it stands.

        Parameters
        ----------
        X : object
            Rows, as the user gives them.

        Returns
        -------
        X : object
            What the router gets.
        router : ColumnRouter or None
            The router; None if there is none before the network.
        """
        if self.router is not None or self.steps is None:
            return self.before_router(X), self.router
        if not isinstance(self.steps.steps[-1][1], ColumnRouter):
            return self.before_router(X), None
        X = given(X)
        if len(self.steps.steps) > 1:
            X = self.steps[:-1].transform(X)
        return X, self.steps.steps[-1][1]

    def transform(self, X: Any) -> MultiInput:
        """Route rows.

        Parameters
        ----------
        X : object
            Rows, as the user gives them.

        Returns
        -------
        MultiInput
            The rows as the network reads them.
        """
        return self.network._encode(self.router, self.before_router(X), self.specs)


def fit_route(estimator: Any, X: Any, y: Any) -> tuple[Route, MultiInput]:
    """Fit all that comes before the network, on clones.

    Parameters
    ----------
    estimator : MergedNetClassifier, MergedNetRegressor or Pipeline
        The user's estimator, left as it is.
    X : object
        Training rows.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their targets, for the steps of a Pipeline.

    Returns
    -------
    route : Route
        The fitted way.
    rows : MultiInput
        The training rows, routed.
    """
    X = given(X)
    network = clone(network_of(estimator))
    steps = None
    if isinstance(estimator, Pipeline) and len(estimator.steps) > 1:
        steps = clone(estimator[:-1])
        X = steps.fit_transform(X, y)
    router, rows = network._routed(X, continued=False)
    return Route(steps, network, router, rows.specs), rows


def route_of(estimator: Any) -> Route:
    """Return the way to the network of an estimator that is fitted.

    Parameters
    ----------
    estimator : MergedNetClassifier, MergedNetRegressor or Pipeline
        The fitted estimator.

    Returns
    -------
    Route
        Its way.
    """
    network = network_of(estimator)
    has_steps = isinstance(estimator, Pipeline) and len(estimator.steps) > 1
    steps = estimator[:-1] if has_steps else None
    return Route(steps, network, network.router_, network.specs_)


def network_on(
    network: MergedNet, specs: Mapping[str, InputSpec], names: Sequence[str]
) -> MergedNet:
    """Return an unfitted network on some of the inputs, for rows that are routed.

    Each input keeps the branch that it has among all of them. One that shares the branch of an
    input left out gets a branch like that one's, together with others that shared it.

    Parameters
    ----------
    network : MergedNetClassifier or MergedNetRegressor
        The network on all inputs.
    specs : mapping of str to InputSpec
        All inputs.
    names : sequence of str
        The inputs to keep.

    Returns
    -------
    MergedNetClassifier or MergedNetRegressor
        A clone with branches for these inputs.
    """
    own, owners = resolve_branches(specs, network.branches or {})
    branches: dict[str, Any] = {}
    keepers: dict[str, str] = {}
    for name in names:
        keeper = keepers.setdefault(owners[name], name)
        branches[name] = own[owners[name]] if keeper == name else keeper
    return clone(network).set_params(branches=branches, router=None)
