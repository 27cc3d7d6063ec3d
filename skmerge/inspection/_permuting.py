"""Permuted rows: one input, or one column of a table, shuffled while all else stays.

Enters: routed rows, and the raw ones that they were made of. Leaves: functions by name, each of
which takes an order of the rows and returns a `MultiInput`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse

from skmerge._errors import did_you_mean, short_repr
from skmerge._tables import (
    BY_POSITION,
    WHOLE_MATRIX,
    FrameTable,
    read_table,
)
from skmerge.inspection._routing import Route
from skmerge.multi_input import MultiInput


@dataclass
class Part:
    """What of one input is permuted.

    Parameters
    ----------
    name : str
        The input.
    column : object
        Label or position of a column of `cells`; None for the whole input.
    cells : DataFrame or ndarray, default=None
        The raw table that the input is encoded from.
    encoder : Encoder, default=None
        Its fitted encoder; None if the cells are the array itself.
    """

    name: str
    column: Any = None
    cells: Any = None
    encoder: Any = None


@dataclass
class Permuter:
    """Rows in which some parts are permuted together.

    Parameters
    ----------
    rows : MultiInput
        The routed rows.
    parts : list of Part
        What is permuted.
    """

    rows: MultiInput
    parts: list[Part]

    def __call__(self, order: np.ndarray) -> MultiInput:
        """Return the rows with the parts in another order.

        Parameters
        ----------
        order : ndarray of shape (n_samples,), dtype int
            Which row gives its part to each row.

        Returns
        -------
        MultiInput
            The rows; what is not permuted is not copied.
        """
        arrays, masks = dict(self.rows.items()), dict(self.rows.masks)
        for part in self.parts:
            if part.column is None:
                arrays[part.name] = self.rows[part.name][order]
                if part.name in masks:
                    masks[part.name] = masks[part.name][order]
                continue
            cells = _with_column(part.cells, part.column, order)
            if part.encoder is None:
                arrays[part.name] = cells
            else:
                arrays[part.name], mask = part.encoder.encode(cells)
                if mask is not None:
                    masks[part.name] = mask
        return MultiInput(arrays, self.rows.specs, masks)


def _with_column(cells: Any, column: Any, order: np.ndarray) -> Any:
    permuted = cells.copy()
    if isinstance(cells, pd.DataFrame):
        permuted[column] = cells[column].iloc[order].array
    else:
        permuted[:, column] = cells[order, column]
    return permuted


def by_inputs(rows: MultiInput, by: str | Mapping[str, Any]) -> dict[str, Permuter]:
    """Permute each input, or groups of inputs.

    Parameters
    ----------
    rows : MultiInput
        The routed rows.
    by : "input" or mapping of str to list of str
        The groups.

    Returns
    -------
    dict of str to Permuter
        The permuters by input, or by label of the group.

    Raises
    ------
    ValueError
        If a group is empty, or names no input.
    """
    groups = {name: [name] for name in rows} if isinstance(by, str) else by
    for label, names in groups.items():
        listed = not isinstance(names, str) and isinstance(names, Sequence) and len(names) > 0
        unknown = [name for name in names if name not in rows] if listed else [names]
        if unknown:
            raise ValueError(
                f"Group {label!r} of 'by' must be a list of inputs, which are {list(rows)}. Got "
                f"{short_repr(names)}.{did_you_mean(unknown[0], rows)}"
            )
    return {str(label): Permuter(rows, list(map(Part, names))) for label, names in groups.items()}


def by_columns(rows: MultiInput, route: Route, X: Any) -> dict[str, Permuter]:
    """Permute each column of the tables; inputs that are no table as a whole.

    Parameters
    ----------
    rows : MultiInput
        The routed rows.
    route : Route
        How they were routed.
    X : object
        The same rows as the user gave them.

    Returns
    -------
    dict of str to Permuter
        The permuters by column. A column that several inputs read is permuted in all of them.
    """
    X, router = route.before_encoding(X)
    parts: dict[str, list[Part]] = {}
    for label, part in _columns(rows, X, router):
        parts.setdefault(label, []).append(part)
    return {label: Permuter(rows, found) for label, found in parts.items()}


def _columns(rows: MultiInput, X: Any, router: Any) -> Iterator[tuple[str, Part]]:
    if router is None or isinstance(X, MultiInput):
        return _columns_of_arrays(rows)
    if router._form == WHOLE_MATRIX:
        return _columns_of_matrix(X, router)
    table = read_table(X, by_position=router._form == BY_POSITION)
    if isinstance(table, FrameTable):
        return _columns_of_frame(table, router)
    return _columns_of_entries(table, router)


def _columns_of_arrays(rows: MultiInput) -> Iterator[tuple[str, Part]]:
    for name, spec in rows.specs.items():
        array = rows[name]
        if spec.vocabulary_size is not None or not _has_columns(array):
            yield name, Part(name)
            continue
        for position in range(array.shape[1]):
            column = spec.feature_names[position] if spec.feature_names else position
            yield f"{name}: {column}", Part(name, position, array)


def _columns_of_matrix(X: Any, router: Any) -> Iterator[tuple[str, Part]]:
    for name, routed in router.inputs_.items():
        if issparse(X):
            yield name, Part(name)
            continue
        cells = np.asarray(X)
        for position in range(cells.shape[1]):
            yield f"x{position}", Part(name, position, cells, routed.encoder)


def _columns_of_entries(table: Any, router: Any) -> Iterator[tuple[str, Part]]:
    for name, routed in router.inputs_.items():
        entry = routed.columns[0] if isinstance(routed.columns, list) else routed.columns
        cells = table.cells(entry)
        if not _has_columns(cells):
            yield str(entry), Part(name)
            continue
        columns = cells.columns if isinstance(cells, pd.DataFrame) else range(cells.shape[1])
        for column in columns:
            yield f"{entry}: {column}", Part(name, column, cells, routed.encoder)


def _columns_of_frame(table: FrameTable, router: Any) -> Iterator[tuple[str, Part]]:
    for column in table.names:
        for name, routed in router.inputs_.items():
            columns = routed.columns if isinstance(routed.columns, list) else [routed.columns]
            if column not in columns:
                continue
            if len(columns) == 1:
                yield str(column), Part(name)
            else:
                yield str(column), Part(name, column, table.cells(columns), routed.encoder)


def _has_columns(cells: Any) -> bool:
    """Whether cells are a table of several columns, and not one thing per row."""
    if isinstance(cells, pd.DataFrame):
        return cells.shape[1] > 1
    return isinstance(cells, np.ndarray) and cells.ndim == 2 and cells.shape[1] > 1
