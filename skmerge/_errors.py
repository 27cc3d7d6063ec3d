"""Wording shared by every error: the nearest valid name, values shortened for reading."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from reprlib import Repr

_repr = Repr()
_repr.maxlist = _repr.maxtuple = _repr.maxdict = _repr.maxset = 8
_repr.maxstring = _repr.maxother = 80


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
    return _repr.repr(value)
