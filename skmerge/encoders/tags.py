"""A column of tag lists goes in, rows of tag ids come out."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import chain
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import Interval

from skmerge._errors import short_repr
from skmerge.encoders._cells import is_missing, place
from skmerge.encoders._vocabulary import VocabularyEncoder
from skmerge.encoders._word_rows import WordRows

_MAX_TAGS = 256


class TagEncoder(VocabularyEncoder):
    """Encode lists of tags as ids.

    A cell is a list, tuple, set or 1-D array of tags, or one string: a single tag, or several
    parted by `separator`. A tag that is no string (a number, a date) stands for its ``str``.
    Repeated, empty and missing tags within a row are dropped. Sets are sorted; all else keeps
    its order.

    Parameters
    ----------
    separator : str, default=None
        What parts the tags of a cell that is a string; white space around them is dropped.
        None takes the string as one tag. Strings within a list are never split.
    max_tags : int, default=None
        Largest number of tags of a row; the first ones stay. None means 256. The length is the
        number of tags of the longest training row where that is less.
    max_tokens : int, default=20_000
        Largest number of ids, those of padding and of unknown tags included.
    min_frequency : int, default=1
        How many training rows must have a tag for it to get an id. Where no tag is in so many,
        every tag gets one.

    Attributes
    ----------
    vocabulary_ : dict of str to int
        Id of each tag: 0 is padding, 1 stands for tags not in the vocabulary, then come tags by
        falling frequency in the training rows, ties by the tag itself.
    spec_ : InputSpec
        Description of the arrays that ``transform`` returns: shape ``(length,)``, int32, a
        presence mask beside.

    See Also
    --------
    TextEncoder : Encode texts as ids of their words.

    Notes
    -----
    A missing cell (None, NaN, NA) is a row of padding whose presence is False; an empty list or
    string is a row of padding whose presence is True.

    Examples
    --------
    >>> from skmerge import TagEncoder
    >>> encoder = TagEncoder(separator="|").fit(["Drama|Romance", "Drama", None])
    >>> encoder.vocabulary_
    {'Drama': 2, 'Romance': 3}
    >>> encoder.transform(["Romance | Horror", ["Drama"]])
    array([[3, 1],
           [2, 0]], dtype=int32)
    """

    kind = "tags"
    default_branch = "embedding"

    _parameter_constraints = {
        "separator": [str, None],
        "max_tags": [Interval(Integral, 1, None, closed="left"), None],
        "max_tokens": [Interval(Integral, 3, None, closed="left")],
        "min_frequency": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        separator: str | None = None,
        max_tags: int | None = None,
        *,
        max_tokens: int = 20_000,
        min_frequency: int = 1,
    ) -> None:
        self.separator = separator
        self.max_tags = max_tags
        self.max_tokens = max_tokens
        self.min_frequency = min_frequency

    def _tokens(self, cell: Any, where: str) -> list[str]:
        if isinstance(cell, str):
            tags: Iterable[str] = [cell]
            if self.separator:
                tags = (part.strip() for part in cell.split(self.separator))
        elif isinstance(cell, (set, frozenset)):
            tags = sorted(_tag(tag, where) for tag in cell if not is_missing(tag))
        elif isinstance(cell, (list, tuple)) or (isinstance(cell, np.ndarray) and cell.ndim == 1):
            tags = (_tag(tag, where) for tag in cell if not is_missing(tag))
        else:
            raise ValueError(
                f"{where} must be a list, tuple, set or 1-D array of tags, a string, or missing. "
                f"Got {short_repr(cell)} of type {type(cell).__name__}: convert the column first, "
                "as in column.astype(str) for one tag per row."
            )
        return [tag for tag in dict.fromkeys(tags) if tag]

    def _token_rows(
        self,
        cells: Sequence[Any],
        rows: np.ndarray,
        column: Hashable | None,
        length: int | None = None,
    ) -> Iterator[WordRows]:
        known: dict[str, list[str]] = {}
        tags_of_rows = []
        for row, cell in enumerate(cells):
            if type(cell) is list and set(map(type, cell)) == {str}:
                tags = [tag for tag in dict.fromkeys(cell) if tag][:length]
            elif type(cell) is not str:
                tags = self._tokens(cell, place(rows[row], column))[:length]
            elif cell in known:
                tags = known[cell]
            else:
                tags = known[cell] = self._tokens(cell, "")[:length]
            tags_of_rows.append(tags)
        counts = np.fromiter(map(len, tags_of_rows), dtype=np.int64, count=len(tags_of_rows))
        yield WordRows(np.arange(len(cells)), counts, list(chain.from_iterable(tags_of_rows)))

    def _limit(self) -> int:
        return _MAX_TAGS if self.max_tags is None else self.max_tags

    def _kept(self, tokens: list[str], length: int) -> list[str]:
        return tokens[:length]


def _tag(tag: Any, where: str) -> str:
    if isinstance(tag, str):
        return str(tag)
    if isinstance(tag, bytes) or not pd.api.types.is_scalar(tag):
        raise ValueError(
            f"{where} must hold tags that are strings, or numbers and dates taken by their str. "
            f"Got the tag {short_repr(tag)} of type {type(tag).__name__}: flatten nested lists "
            "and decode bytes first."
        )
    return str(tag)
