"""Planning the inputs: which encoder reads which columns of a table.

Enters: a table and the router's parameters. Leaves: input names mapped to an unfitted encoder
and its columns, in the order of the network's inputs.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from skmerge._errors import did_you_mean, short_repr
from skmerge._inference import infer_column_kind, infer_entry_kind, iso_dates
from skmerge._tables import (
    EntriesTable,
    FrameTable,
    MatrixTable,
    Table,
    check_distinct_texts,
)
from skmerge.encoders import ENCODERS, resolve_encoder
from skmerge.encoders._base import Encoder

Plan = dict[str, tuple[Encoder, Any]]


def encoder_of_input(value: Any, name: str | None) -> Encoder | None:
    """Return the encoder that an entry of `inputs` stands for.

    Parameters
    ----------
    value : object
        A kind, an encoder, a pair of those and columns, or columns.
    name : str or None
        Name of the input; None where `inputs` is not a dict.

    Returns
    -------
    Encoder or None
        The encoder, None where it is inferred from the columns.
    """
    if name is None:
        return None
    if isinstance(value, tuple):
        value = value[0] if value else None
    if isinstance(value, Encoder):
        return value
    if isinstance(value, str):
        return ENCODERS[value]() if value in ENCODERS else None
    return ENCODERS[name]() if name in ENCODERS and value is not None else None


def encoder_of_remainder(value: Any, name: str | None) -> Encoder | None:
    """Return the encoder that `remainder` stands for.

    Parameters
    ----------
    value : object
        The parameter's value.
    name : None
        Here to fit the families of `NestedParams`.

    Returns
    -------
    Encoder or None
        The encoder, None for ``"auto"`` and ``"drop"``.
    """
    if isinstance(value, str):
        return ENCODERS[value]() if value in ENCODERS else None
    return value if isinstance(value, Encoder) else None


def plan_inputs(table: Table, inputs: Any, remainder: Any, cardinality_threshold: int) -> Plan:
    """Say for every input which encoder reads which columns.

    Parameters
    ----------
    table : FrameTable, EntriesTable or MatrixTable
        The training rows.
    inputs : "auto" or mapping
        The parameter of `ColumnRouter`.
    remainder : str or Encoder
        The parameter of `ColumnRouter`.
    cardinality_threshold : int
        The parameter of `ColumnRouter`.

    Returns
    -------
    dict of str to tuple of (Encoder, label or list of labels)
        The plan, in order. Empty where every column is dropped.

    Raises
    ------
    ValueError
        If a kind or a column is unknown, or two inputs would have one name.
    """
    named: Plan = {}
    used: set[Any] = set()
    inputs = inputs if isinstance(inputs, Mapping) else {}
    check_distinct_texts(inputs, "Names of inputs")
    for name, value in inputs.items():
        columns = table.select(_columns_of(name, value, table))
        used.update(columns if isinstance(columns, list) else [columns])
        if not _is_drop(value):
            encoder = encoder_of_input(value, str(name))
            if encoder is None:
                encoder = _inferred_encoder(table, columns, cardinality_threshold)
            named[str(name)] = (encoder, columns)
    rest = [name for name in table.names if name not in used]
    if not rest or (isinstance(remainder, str) and remainder == "drop"):
        return named
    if isinstance(remainder, str) and remainder == "auto":
        added = _inferred_plan(table, rest, named, cardinality_threshold)
    else:
        added = _remainder_plan(remainder, rest)
    clashing = [name for name in added if name in named]
    if clashing:
        raise ValueError(
            f"Columns {clashing} would become inputs of those names, which the inputs "
            f"{ {name: named[name][1] for name in clashing} } have. Rename these inputs, or leave "
            f"the columns out, as in inputs={{..., 'unused': ('drop', {clashing})}}."
        )
    return named | added


def _is_drop(value: Any) -> bool:
    chosen = value[0] if isinstance(value, tuple) and value else value
    return isinstance(chosen, str) and chosen == "drop"


def _columns_of(name: Any, value: Any, table: Table) -> Any:
    """Return the column selector that an entry of `inputs` stands for."""
    if isinstance(value, tuple):
        if len(value) != 2:
            raise ValueError(
                f"Input {name!r} must be a pair (kind or encoder, columns). Got {value!r}."
            )
        if not isinstance(value[0], Encoder) and value[0] not in (*ENCODERS, "drop"):
            raise ValueError(_unknown_kind(name, value[0], []))
        return value[1]
    if isinstance(value, Encoder) or (isinstance(value, str) and value in (*ENCODERS, "drop")):
        return name
    if isinstance(value, str) and value not in table.names:
        raise ValueError(_unknown_kind(name, value, table.names))
    return value


def _unknown_kind(name: Any, value: Any, columns: list[Hashable]) -> str:
    kinds = [*ENCODERS, "drop"]
    also = f", or be a column of X, which has {short_repr(columns)}" if columns else ""
    return (
        f"Input {name!r} must be read by one of {kinds} or by an encoder{also}. "
        f"Got {value!r}.{did_you_mean(value, [*kinds, *columns])}"
    )


def _inferred_encoder(table: Table, columns: Any, cardinality_threshold: int) -> Encoder:
    if isinstance(columns, list) and len(columns) != 1:
        return ENCODERS["tabular"]()
    column = columns[0] if isinstance(columns, list) else columns
    return ENCODERS[_kind_of(table, column, cardinality_threshold)]()


def _kind_of(table: Table, column: Any, cardinality_threshold: int) -> str:
    if isinstance(table, FrameTable):
        return infer_column_kind(table.cells(column), cardinality_threshold)
    return infer_entry_kind(str(column), table.cells(column))


def _inferred_plan(table: Table, rest: list[Any], named: Plan, cardinality_threshold: int) -> Plan:
    """Plan the columns that no named input reads, by what they hold."""
    if isinstance(table, MatrixTable):
        kind = "array" if table.names == ["sparse"] else "tabular"
        return {str(table.names[0]): (ENCODERS[kind](), table.names[0])}
    kinds = {column: _kind_of(table, column, cardinality_threshold) for column in rest}
    check_distinct_texts([column for column, kind in kinds.items() if kind != "tabular"])
    if isinstance(table, EntriesTable):
        return {str(column): (ENCODERS[kind](), column) for column, kind in kinds.items()}
    alone = {str(c): (ENCODERS[kind](), c) for c, kind in kinds.items() if kind != "tabular"}
    together = [column for column, kind in kinds.items() if kind == "tabular"]
    if not together:
        return alone
    dates = {column: "date" for column in together if iso_dates(table.cells(column))}
    encoder = ENCODERS["tabular"](kinds=dates or None)
    return {_free_name("tabular", {*named, *alone}): (encoder, together)} | alone


def _remainder_plan(remainder: Any, rest: list[Any]) -> Plan:
    as_they_are = isinstance(remainder, str) and remainder == "passthrough"
    encoder = resolve_encoder("array" if as_they_are else remainder)
    if as_they_are or encoder.kind == "tabular":
        return {"remainder": (encoder, rest)}
    check_distinct_texts(rest)
    return {str(column): (encoder, column) for column in rest}


def _free_name(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    return "remainder" if "remainder" not in taken else _free_name(f"{name}_", taken)
