"""Wording shared by every error: the nearest valid name, values cut short, numbers of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import get_close_matches
from reprlib import Repr
from typing import Any

import numpy as np

_repr = Repr()
_repr.maxlist = _repr.maxtuple = _repr.maxdict = _repr.maxset = 8
_repr.maxstring = _repr.maxother = 80

#: the number of the first row, or the numbers of all rows
_numbers: ContextVar[Any] = ContextVar("numbers of rows", default=0)


def did_you_mean(name: object, valid_names: Iterable[object]) -> str:
    """Return ``" Did you mean 'x'?"`` for the valid name nearest to `name`, or ``""``.

    Parameters
    ----------
    name : object
        The name that is not valid.
    valid_names : iterable of object
        The names that are.

    Returns
    -------
    str
        A sentence with a leading space, empty when nothing is near.
    """
    by_text = {str(valid): valid for valid in valid_names}
    nearest = get_close_matches(str(name), by_text, n=1, cutoff=0.6)
    return f" Did you mean {by_text[nearest[0]]!r}?" if nearest else ""


def short_repr(value: object) -> str:
    """Return the ``repr`` of `value`, cut where it gets too long for an error message.

    Parameters
    ----------
    value : object
        What is to be shown.

    Returns
    -------
    str
        Its ``repr``, containers cut after eight entries and strings after 80 characters.
    """
    with np.errstate(over="ignore"):  # pandas compares what it prints, float16 too, with 1e6
        return _repr.repr(value)


@contextmanager
def counting_from(first: Any) -> Iterator[None]:
    """Have errors count rows as the user does, where some of the rows are read.

    Parameters
    ----------
    first : int or array of int
        The number of the first row, or, where they are no neighbours, of each row; within other
        such rows, its position among those.

    Yields
    ------
    None
        While the rows are read.
    """
    outer = _numbers.get()
    if isinstance(outer, int):
        numbers = first + outer
    else:
        numbers = outer[first:] if isinstance(first, int) else outer[first]
    token = _numbers.set(numbers)
    try:
        yield
    finally:
        _numbers.reset(token)


def row_number(row: int) -> int:
    """Return the number of a row as the user counts it.

    Parameters
    ----------
    row : int
        Its position, from 0, among the rows that are read.

    Returns
    -------
    int
        Its position in all that was given.
    """
    numbers = _numbers.get()
    return int(row) + numbers if isinstance(numbers, int) else int(numbers[row])
