"""Cells that hold tokens go in, rows of ids come out: what texts and tags have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from itertools import repeat
from typing import Any, Self

import numpy as np
from sklearn.utils import Tags

from skmerge._errors import counting_from, short_repr
from skmerge._spec import PADDING_ID, UNKNOWN_ID, InputSpec
from skmerge.encoders._base import Encoder
from skmerge.encoders._cells import check_some_rows, missing_rows, read_cells
from skmerge.encoders._word_rows import WordRows

FIRST_ID = UNKNOWN_ID + 1
UNKNOWN_TOKEN = "[UNK]"

_CHUNK = 2**15  # rows encoded at a time, which bounds the memory taken on the way


class VocabularyEncoder(Encoder):
    """Encoder of cells that hold tokens: words of a text, tags of a list.

    A subclass says how a cell is read (`_tokens`), and many of them at once (`_token_rows`), how
    many tokens a row may have (`_limit`), and which stay where there are more (`_kept`).

    Attributes
    ----------
    vocabulary_ : dict of str to int
        Id of each token, by falling frequency in the training rows, ties by the token itself.
    """

    max_tokens: int
    min_frequency: int
    vocabulary_: dict[str, int]

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the vocabulary and the length of a row from training rows.

        Parameters
        ----------
        X : DataFrame of one column, Series, array or list of shape (n_samples,)
            One cell per row; None, NaN and NA are missing.
        y : None
            Ignored, here for pipelines.

        Returns
        -------
        Self
            This encoder.

        Raises
        ------
        ValueError
            If there is no row, `X` is not one column, or a cell holds something else; the
            message names row, column and value.
        """
        self._validate_params()
        cells, column = read_cells(X)
        check_some_rows(cells, self)
        counts: Counter[str] = Counter()
        longest = 1
        for first in range(0, len(cells), _CHUNK):
            chunk = cells[first : first + _CHUNK]
            rows = np.flatnonzero(_are_present(chunk, column, first))
            for block in self._token_rows(chunk[rows].tolist(), rows + first, column):
                longest = max(longest, int(block.counts.max(initial=1)))
                if block.positions is None:
                    counts.update(block.words)
                    continue
                frequencies = np.bincount(block.positions, minlength=len(block.words))
                for word, frequency in zip(block.words, frequencies.tolist(), strict=True):
                    if frequency:
                        counts[word] += frequency
        self.vocabulary_ = _learn_vocabulary(counts, self.max_tokens, self.min_frequency)
        self.spec_ = InputSpec(
            self.kind,
            self.kind,
            shape=(min(longest, self._limit()),),
            dtype="int32",
            default_branch=self.default_branch,
            vocabulary_size=FIRST_ID + len(self.vocabulary_),
            optional=True,
            tokens=tuple(self.vocabulary_),
        )
        return self

    def encode(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Encode rows, and say which of them have a value.

        Parameters
        ----------
        X : DataFrame of one column, Series, array or list of shape (n_samples,)
            One cell per row.

        Returns
        -------
        ids : ndarray of shape (n_samples, length), dtype int32
            Ids of the tokens, padded with 0 at the end; 1 stands for tokens not in
            `vocabulary_`.
        present : ndarray of shape (n_samples,), dtype bool
            False where the cell is missing. A cell without tokens is not missing.

        Raises
        ------
        ValueError
            If `X` is not one column, or a cell holds something else.
        """
        self._check_fitted()
        cells, column = read_cells(X)
        (length,) = self.spec_.shape
        ids = np.full((len(cells), length or 0), PADDING_ID, dtype=np.int32)
        present = np.ones(len(cells), dtype=bool)
        for first in range(0, len(cells), _CHUNK):
            chunk = slice(first, first + _CHUNK)
            present[chunk] = _are_present(cells[chunk], column, chunk.start)
            rows = np.flatnonzero(present[chunk])
            found = cells[chunk] if len(rows) == len(cells[chunk]) else cells[chunk][rows]
            self._put_repeated_ids(found.tolist(), rows + first, column, ids)
        return ids, present

    def _put_repeated_ids(
        self, cells: list[Any], rows: np.ndarray, column: Hashable | None, ids: np.ndarray
    ) -> None:
        """Write the ids of cells that are not missing, encoding repeated strings once."""
        are_strings = len(cells) > 1 and set(map(type, cells)) == {str}
        distinct = list(dict.fromkeys(cells)) if are_strings else cells
        if 2 * len(distinct) > len(cells):
            self._put_ids(cells, rows, column, ids)
            return
        distinct_ids = np.full((len(distinct), ids.shape[1]), PADDING_ID, dtype=np.int32)
        self._put_ids(distinct, np.arange(len(distinct)), column, distinct_ids)
        position_of = dict(zip(distinct, range(len(distinct)), strict=True))
        ids[rows] = distinct_ids[[position_of[cell] for cell in cells]]

    def _put_ids(
        self, cells: list[Any], rows: np.ndarray, column: Hashable | None, ids: np.ndarray
    ) -> None:
        """Write the ids of cells that are not missing into their rows."""
        length = ids.shape[1]
        flat = ids.reshape(-1)
        id_of = self.vocabulary_.get
        for block in self._token_rows(cells, rows, column, length):
            known = map(id_of, block.words, repeat(UNKNOWN_ID))
            found = np.fromiter(known, dtype=np.int32, count=len(block.words))
            if block.positions is not None:
                found = found.take(block.positions)
            # of each token: where its row begins, less the tokens before that row
            offsets = rows[block.rows] * length - (np.cumsum(block.counts) - block.counts)
            targets = np.repeat(offsets, block.counts)
            targets += np.arange(len(found))
            flat[targets] = found

    def inverse_transform(self, ids: Any) -> list[list[str]]:
        """Turn rows of ids back into tokens.

        Parameters
        ----------
        ids : array-like of shape (n_samples, length)
            Ids as ``transform`` returns them.

        Returns
        -------
        list of list of str
            The tokens of each row without padding; ``"[UNK]"`` where the id is that of
            unknown tokens.

        Raises
        ------
        ValueError
            If `ids` are not rows of integers from 0 to ``spec_.vocabulary_size - 1``.
        """
        self._check_fitted()
        rows = np.asarray(ids)
        size = FIRST_ID + len(self.vocabulary_)
        is_whole = rows.dtype.kind in "iu" or rows.size == 0
        if rows.ndim != 2 or not is_whole or np.any((rows < 0) | (rows >= size)):
            raise ValueError(
                f"ids must be rows of integers from 0 to {size - 1}, as transform returns them. "
                f"Got {short_repr(ids)}."
            )
        tokens = [*[""] * UNKNOWN_ID, UNKNOWN_TOKEN, *self.vocabulary_]
        return [[tokens[i] for i in row if i != PADDING_ID] for row in rows]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        return tags

    @abstractmethod
    def _tokens(self, cell: Any, where: str) -> list[str]:
        """Return the tokens of a cell that is not missing; `where` names it in errors."""

    @abstractmethod
    def _token_rows(
        self,
        cells: Sequence[Any],
        rows: np.ndarray,
        column: Hashable | None,
        length: int | None = None,
    ) -> Iterator[WordRows]:
        """Yield the tokens of cells that are not missing, `length` of a row at most.

        The cells' rows and column name them in errors.
        """

    @abstractmethod
    def _limit(self) -> int:
        """Return the largest number of tokens that a row may keep."""

    @abstractmethod
    def _kept(self, tokens: list[str], length: int) -> list[str]:
        """Return those tokens that stay in a row of `length`."""


def _are_present(cells: np.ndarray, column: Hashable | None, first: int) -> np.ndarray:
    if set(map(type, cells.tolist())) == {str}:
        return np.ones(len(cells), dtype=bool)
    with counting_from(first):
        return ~missing_rows(cells, column)


def _learn_vocabulary(counts: Counter[str], max_tokens: int, min_frequency: int) -> dict[str, int]:
    """Give ids to the tokens that are frequent enough, or to all where none is."""
    frequent = {token for token, count in counts.items() if count >= min_frequency}
    by_frequency = sorted(frequent or counts, key=lambda token: (-counts[token], token))
    kept = by_frequency[: max_tokens - FIRST_ID]
    return {token: position for position, token in enumerate(kept, start=FIRST_ID)}
