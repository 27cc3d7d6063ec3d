"""One input of a router: what reads it, which cells it reads, and how its errors are named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from skmerge._tables import FrameTable, Table
from skmerge.encoders._base import Encoder


@dataclass(frozen=True)
class RoutedInput:
    """What the router decided for one input.

    Parameters
    ----------
    encoder : Encoder
        The encoder that reads it, fitted.
    columns : label or list of labels
        The column, or the columns, that it reads.
    """

    encoder: Encoder
    columns: Any

    @property
    def kind(self) -> str:
        """Kind of the input.

        Returns
        -------
        str
            A key of `skmerge.encoders.ENCODERS`.
        """
        return self.encoder.kind

    def __repr__(self) -> str:
        listed = self.columns if isinstance(self.columns, list) else [self.columns]
        columns = ", ".join(map(str, listed[:6])) + (", ..." if len(listed) > 6 else "")
        return f"{self.kind} <- {columns}"


def cells_of(table: Table, routed: RoutedInput) -> Any:
    """Return what an encoder reads, or the whole frame if it takes its columns out itself.

    Parameters
    ----------
    table : Table
        The rows.
    routed : RoutedInput
        The input.

    Returns
    -------
    Series, DataFrame, array or list
        The cells.
    """
    takes_all = routed.encoder.selects_columns and isinstance(routed.columns, list)
    # where there is no row, an error counts the columns
    if takes_all and isinstance(table, FrameTable) and table.n_rows:
        return table.frame
    return table.cells(routed.columns)


@contextmanager
def naming(name: str, encoder: Encoder, columns: Any) -> Iterator[None]:
    """Name the input and its columns in whatever error an encoder raises.

    Parameters
    ----------
    name : str
        Name of the input.
    encoder : Encoder
        What reads it.
    columns : label or list of labels
        What it reads.

    Yields
    ------
    None
        While it is read.
    """
    try:
        yield
    except Exception as error:
        error.add_note(
            f"Raised by {type(encoder).__name__} for input {name!r}, columns {columns!r}."
        )
        raise
