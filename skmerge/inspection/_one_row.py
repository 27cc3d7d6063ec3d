"""One row of the user's data, as the network reads it.

Enters: a fitted estimator or Pipeline, rows in any form that ``predict`` takes, and the position of
a row. Leaves: the row, routed, with what its arrays stand for: words, names of columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import _num_samples, check_is_fitted

from skmerge._errors import short_repr
from skmerge._merged_net import MergedNet
from skmerge._sharing import resolve_branches
from skmerge._spec import PADDING_ID, InputSpec
from skmerge._tables import BY_POSITION, name_inputs, read_table, take_rows
from skmerge.encoders._cells import is_missing, read_cells
from skmerge.inspection._routing import network_of
from skmerge.multi_input import MultiInput
from skmerge.router import ColumnRouter


@dataclass
class OneRow:
    """A row, and the network that reads it.

    Parameters
    ----------
    network : MergedNetClassifier or MergedNetRegressor
        The fitted estimator of the network.
    rows : MultiInput
        The row, routed; the only one.
    position : int
        Where it is in the user's rows.
    router : ColumnRouter or None
        The fitted router, None where rows came routed.
    raw : object
        The row as the router got it, None where rows came routed.
    """

    network: MergedNet
    rows: MultiInput
    position: int
    router: ColumnRouter | None = None
    raw: Any = None

    @property
    def specs(self) -> Mapping[str, InputSpec]:
        """The inputs of the network."""
        return self.network.specs_

    def has(self, name: str) -> bool:
        """Whether the row has an input.

        Parameters
        ----------
        name : str
            The input.

        Returns
        -------
        bool
            False where the row lacks it.
        """
        return name not in self.rows.masks or bool(self.rows.masks[name][0])

    def array(self, name: str) -> np.ndarray:
        """Return the values of an input.

        Parameters
        ----------
        name : str
            The input.

        Returns
        -------
        ndarray of shape (1, ...)
            The encoded row, never sparse.
        """
        values = self.rows[name]
        return values.toarray() if issparse(values) else np.asarray(values[:])

    def words(self, name: str) -> list[str]:
        """Return what the ids of an input stand for.

        Parameters
        ----------
        name : str
            An input of ids.

        Returns
        -------
        list of str
            One text for each id up to the last that is not padding: the words of the text
            itself, be they known or not; the ids where the text is not known.
        """
        ids = self.array(name)[0]
        n_words = int(np.max(np.flatnonzero(ids != PADDING_ID), initial=-1)) + 1
        tokens = self._tokens(name, len(ids))
        if tokens is None or len(tokens) != n_words:
            return [f"#{number}" for number in ids[:n_words]]
        return tokens

    def columns(self, name: str) -> list[str]:
        """Return names for the columns of a table or vector, with their values where known.

        Parameters
        ----------
        name : str
            An input of rank 1.

        Returns
        -------
        list of str
            Such as ``"city = Rome"``; ``"x0"``, ``"x1"``, ... where they have no names.
        """
        width = self.array(name).shape[1]
        names = list(self.specs[name].feature_names)
        if len(names) != width:
            names = [f"x{position}" for position in range(width)]
        given = self._given_values()
        return [f"{n} = {_short(given[n])}" if n in given else n for n in names]

    def branch(self, name: str) -> Any:
        """Return the network that reads an input, which others may share.

        Parameters
        ----------
        name : str
            The input.

        Returns
        -------
        keras.Model
            From the input's array to its features.
        """
        from skmerge.network import wire_names

        specs = self.specs
        _, owners = resolve_branches(specs, self.network._trainer._plan.branches or {})
        return self.network._trainer.model_.get_layer(wire_names(specs)[owners[name]])

    def normalized(self, name: str, features: Any) -> Any:
        """Normalise features of an input's branch, if the network does so before the merge.

        Parameters
        ----------
        name : str
            The input.
        features : tensor of shape (1, units)
            What its branch gives.

        Returns
        -------
        tensor of shape (1, units)
            What goes on to the merge.
        """
        layer_name = f"{self.branch(name).name}-normalized"  # of the input that owns the branch
        layers = {layer.name: layer for layer in self.network._trainer.model_.layers}
        return layers[layer_name](features) if layer_name in layers else features

    def _tokens(self, name: str, length: int) -> list[str] | None:
        """Read the words of the text again, as the encoder does."""
        if self.router is None or name not in self.router.inputs_:
            return None
        routed = self.router.inputs_[name]
        if not hasattr(routed.encoder, "_tokens"):
            return None
        table = read_table(self.raw, by_position=self.router._form == BY_POSITION)
        cells, _ = read_cells(table.cells(routed.columns))
        if is_missing(cells[0]):
            return []
        return routed.encoder._kept(routed.encoder._tokens(cells[0], "The text"), length)

    def _given_values(self) -> dict[str, Any]:
        frame = self.raw
        if not hasattr(frame, "iloc") or not hasattr(frame, "columns"):
            return {}
        return {column: frame[column].iloc[0] for column in frame.columns}


def one_row(estimator: Any, X: Any, position: int) -> OneRow:
    """Route one row.

    Parameters
    ----------
    estimator : MergedNetClassifier, MergedNetRegressor or Pipeline
        The fitted estimator, or a Pipeline that ends in one.
    X : DataFrame, MultiInput, matrix, sparse matrix, dict of arrays or list of inputs
        Rows, in the form that ``fit`` was given.
    position : int
        Position of the row in X, from 0.

    Returns
    -------
    OneRow
        The row.

    Raises
    ------
    TypeError
        If the estimator is another one.
    NotFittedError
        If it is not fitted.
    IndexError
        If X has no such row.
    """
    network = network_of(estimator)
    check_is_fitted(network)
    steps = estimator.steps[:-1] if isinstance(estimator, Pipeline) else []
    transformers = [step for _, step in steps if step is not None and step != "passthrough"]
    first = transformers[0] if transformers else network.router_
    raw = _row_of(X, position, first)
    router = given = None
    for step in transformers:
        if isinstance(step, ColumnRouter):
            router, given = step, raw
        raw = step.transform(raw)
    if router is None and network.router_ is not None:
        router, given = network.router_, raw
    rows = network._encode(network.router_, raw, network.specs_)
    return OneRow(network, rows, position, router, given)


def _row_of(X: Any, position: int, reader: Any) -> Any:
    """Take a row of X in whatever form it is, as X of one row."""
    if isinstance(reader, ColumnRouter) and reader.takes_entries and isinstance(X, list | tuple):
        X = name_inputs(X, list(reader.feature_names_in_))
    entries = isinstance(X, Mapping) and not issparse(X)
    n_rows = _num_samples(next(iter(X.values())) if entries else X)
    if not isinstance(position, Integral) or not 0 <= position < n_rows:
        raise IndexError(
            f"'row' must be the position of a row of X, from 0 to {n_rows - 1}. "
            f"Got {short_repr(position)}."
        )
    return take_rows(X, np.array([int(position)]))


def _short(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 24 else f"{text[:21]}..."
