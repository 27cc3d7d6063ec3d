"""A column of texts goes in, rows of word ids come out."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from skmerge._errors import short_repr
from skmerge.encoders._cells import place
from skmerge.encoders._vocabulary import VocabularyEncoder
from skmerge.encoders._word_rows import WordRows, split_rows
from skmerge.encoders._words import split_words


class TextEncoder(VocabularyEncoder):
    """Encode texts as ids of their words, in order.

    The vocabulary is learnt from the training rows: id 0 is padding, 1 stands for words not in
    it, then come words by falling frequency. Words are those of any script: letters, digits and
    combining marks run together ("don't", "3.5", "नमस्ते"), ideographs and emoji are one word
    each, punctuation is dropped.

    Parameters
    ----------
    max_tokens : int, default=20_000
        Largest number of ids, those of padding and of unknown words included.
    max_length : int, default=128
        Largest number of words of a row. The length is the number of words of the longest
        training row where that is less.
    min_frequency : int, default=2
        How often a word must occur in the training rows to get an id. Where no word occurs so
        often, every word gets one.
    lowercase : bool, default=True
        Whether words that differ in case are the same word.
    truncate : {"end", "start"}, default="end"
        Which words of a text that is too long are cut: ``"end"`` keeps its first words,
        ``"start"`` its last.

    Attributes
    ----------
    vocabulary_ : dict of str to int
        Id of each word.
    spec_ : InputSpec
        Description of the arrays that ``transform`` returns: shape ``(length,)``, int32, a
        presence mask beside.

    See Also
    --------
    TagEncoder : Encode lists of tags.

    Notes
    -----
    A missing text (None, NaN, NA) is a row of padding whose presence is False; an empty text is
    a row of padding whose presence is True.

    Examples
    --------
    >>> from skmerge import TextEncoder
    >>> encoder = TextEncoder(min_frequency=1).fit(["a red dress", "a blue one", None])
    >>> encoder.vocabulary_
    {'a': 2, 'blue': 3, 'dress': 4, 'one': 5, 'red': 6}
    >>> encoder.transform(["A green dress!", ""])
    array([[2, 1, 4],
           [0, 0, 0]], dtype=int32)
    """

    kind = "text"
    default_branch = "embedding"

    _parameter_constraints = {
        "max_tokens": [Interval(Integral, 3, None, closed="left")],
        "max_length": [Interval(Integral, 1, None, closed="left")],
        "min_frequency": [Interval(Integral, 1, None, closed="left")],
        "lowercase": ["boolean"],
        "truncate": [StrOptions({"end", "start"})],
    }

    def __init__(
        self,
        max_tokens: int = 20_000,
        max_length: int = 128,
        *,
        min_frequency: int = 2,
        lowercase: bool = True,
        truncate: str = "end",
    ) -> None:
        self.max_tokens = max_tokens
        self.max_length = max_length
        self.min_frequency = min_frequency
        self.lowercase = lowercase
        self.truncate = truncate

    def _tokens(self, cell: Any, where: str) -> list[str]:
        if not isinstance(cell, str):
            raise ValueError(_not_a_text(cell, where))
        return split_words(cell, self.lowercase)

    def _token_rows(
        self,
        cells: Sequence[Any],
        rows: np.ndarray,
        column: Hashable | None,
        length: int | None = None,
    ) -> Iterator[WordRows]:
        if set(map(type, cells)) != {str}:
            for row, cell in zip(rows, cells, strict=True):
                if not isinstance(cell, str):
                    raise ValueError(_not_a_text(cell, place(row, column)))
        return split_rows(cells, self.lowercase, limit=length, last=self.truncate == "start")

    def _limit(self) -> int:
        return self.max_length

    def _kept(self, tokens: list[str], length: int) -> list[str]:
        return tokens[:length] if self.truncate == "end" else tokens[-length:]


def _not_a_text(cell: Any, where: str) -> str:
    is_bytes = isinstance(cell, (bytes, bytearray, memoryview))
    remedy = "decode the bytes first, as in" if is_bytes else "convert the column first, as in"
    how = ".str.decode('utf-8')" if is_bytes else ".astype(str)"
    return (
        f"{where} must be a string or missing. Got {short_repr(cell)} of type "
        f"{type(cell).__name__}: {remedy} column{how}."
    )
