"""What a linear model reads of a routed input: arrays go in, sparse matrices of features come out.

The layers `WideWords` and `WideTable` compute the same from the same arrays inside the network;
``values`` gives them the weights that a linear model has on these features.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from skmerge._spec import UNKNOWN_ID, InputSpec, WideSpec, pair_bucket
from skmerge._wide._spelling import OF_CATEGORIES, OF_WORDS, spelling

#: How much a pair of words weighs beside a word, and a table beside a text. The penalty on a
#: feature's weight is the stronger the smaller the feature.
PAIR_SHARE = 0.7
TABLE_SHARE = 0.3
_MIN_ROWS_OF_WORD = 2
_MIN_ROWS_OF_PAIR = 3
#: from so many on, the categories of a column share weights by their spelling
_MANY_CATEGORIES = 20


class WordFeatures:
    """Words of a text, or tags, weighed by how rare they are, each row scaled.

    A word that a row has twice counts twice, and so does its square in what the row is divided by:
    rows without repeated words have length 1.

    The weight of a word in w of n rows is ``log((1 + n) / (1 + w))``, of a pair of neighbours 0.7
    of that (Spärck Jones 1972, smoothed as in scikit-learn's ``TfidfTransformer`` but without the
    one that it adds, so that words of every row weigh nothing). Words in one row only, and pairs in
    fewer than three, weigh nothing. Pairs share `n_pairs` buckets by a hash.

    Parameters
    ----------
    spec : InputSpec
        The input, of ids.
    n_pairs : int
        Number of buckets of pairs, 0 for none.
    """

    def __init__(self, spec: InputSpec, n_pairs: int) -> None:
        self.spec = spec
        self.n_pairs = n_pairs
        self.n_words = spec.vocabulary_size or 0

    @property
    def n_features(self) -> int:
        """Number of features."""
        return self.n_words + self.n_pairs

    def described(self) -> WideSpec:
        """Return what the layer is built from."""
        return WideSpec(n_pairs=self.n_pairs)

    def spelled(self) -> list[tuple[int, sparse.csr_matrix]]:
        """Return the runs of letters in the words.

        Returns
        -------
        list of tuple of (int, csr_matrix of shape (n_tokens, n_runs))
            The first feature that is spelled, and the runs of this and the next ones.
        """
        tokens = self.spec.tokens
        runs = spelling(tokens, OF_WORDS) if tokens else None
        return [] if runs is None else [(self.n_words - len(tokens), runs)]

    def fit(self, ids: np.ndarray) -> None:
        """Learn how rare each word and each pair is.

        Parameters
        ----------
        ids : ndarray of shape (n_samples, length), integer
            Rows of ids.
        """
        rows, columns = self._occurrences(ids)
        seen = sparse.coo_matrix((np.ones(len(rows)), (rows, columns)), (len(ids), self.n_features))
        n_rows = np.diff(seen.tocsc().indptr)  # repeated entries are summed up there
        rarity = np.log((1 + len(ids)) / (1 + n_rows))
        rarity[: self.n_words][n_rows[: self.n_words] < _MIN_ROWS_OF_WORD] = 0
        rarity[self.n_words :][n_rows[self.n_words :] < _MIN_ROWS_OF_PAIR] = 0
        rarity[self.n_words :] *= PAIR_SHARE
        self.rarity = rarity.astype(np.float32)

    def transform(self, ids: np.ndarray) -> sparse.csr_matrix:
        """Return the features of rows.

        Parameters
        ----------
        ids : ndarray of shape (n_samples, length), integer
            Rows of ids.

        Returns
        -------
        csr_matrix of shape (n_samples, n_features), dtype float32
            The weights of what is in each row.
        """
        rows, columns = self._occurrences(ids)
        weights = self.rarity[columns]
        squares = np.bincount(rows, weights.astype(np.float64) ** 2, minlength=len(ids))
        weights = weights / np.sqrt(np.maximum(squares, 1e-12))[rows]
        kept = np.flatnonzero(weights)  # so that what weighs nothing costs nothing
        entries = weights[kept].astype(np.float32), (rows[kept], columns[kept])
        return sparse.coo_matrix(entries, (len(ids), self.n_features)).tocsr()

    def values(self, weights: np.ndarray, built: InputSpec) -> list[np.ndarray]:
        """Return what the layer `WideWords` holds.

        Parameters
        ----------
        weights : ndarray of shape (n_features, n_outputs)
            Weights of a linear model on the features.
        built : InputSpec
            What the layer was built for, which may have more ids.

        Returns
        -------
        list of ndarray of shape (n_rows, n_outputs + 1)
            A table of the words and, if there are pairs, one of the pairs; the last column is what
            each adds to the square of the row's length.
        """
        rarity = self.rarity[:, None]
        table = np.concatenate([weights * rarity, rarity**2], axis=1).astype(np.float32)
        words = np.zeros((built.vocabulary_size or 0, table.shape[1]), dtype=np.float32)
        words[: self.n_words] = table[: self.n_words]
        return [words, table[self.n_words :]] if self.n_pairs else [words]

    def _occurrences(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return row and feature of every word and pair, repeated ones included."""
        ids = np.asarray(ids)
        known = ids > UNKNOWN_ID
        rows, places = np.nonzero(known)
        columns = ids[rows, places].astype(np.int64)
        if not self.n_pairs:
            return rows, columns
        pair_rows, firsts = np.nonzero(known[:, :-1] & known[:, 1:])
        left, right = (ids[pair_rows, firsts + shift].astype(np.int64) for shift in (0, 1))
        buckets = self.n_words + pair_bucket(left, right, self.n_pairs)
        return np.concatenate([rows, pair_rows]), np.concatenate([columns, buckets])


class TableFeatures:
    """Numbers, each also piece by piece between its quantiles, and one indicator for each code.

    A number x is ``(x - mean) / deviation``, and for each of up to `n_bins` intervals (l, u)
    between quantiles ``clip((x - l) / (u - l), 0, 1)``: the piecewise linear encoding of Gorishniy
    et al., "On Embeddings for Numerical Features in Tabular Deep Learning" (2022), eq. 1, without
    its first and last interval reaching beyond 0 and 1. For each two numbers, there are also the
    products of what tells how near each is to one of the `n_crossed` + 1 ends of longer intervals:
    1 there, 0 at the next end, linear between, so that any surface bilinear in each cell between
    such ends is a sum of them (tensor products of linear splines; Hastie et al., "The Elements of
    Statistical Learning", 2nd ed., section 5.7). All times 0.3.

    Parameters
    ----------
    spec : InputSpec
        The input: a table, or any rows of numbers.
    n_bins : int
        Number of intervals, 0 for none.
    n_crossed : int, default=0
        Number of longer intervals, by which each two numbers are read together, 0 for none.
    """

    def __init__(self, spec: InputSpec, n_bins: int, n_crossed: int = 0) -> None:
        self.spec = spec
        self.n_bins = n_bins
        self.numbers = np.array(spec.number_columns, dtype=np.intp)
        self.codes = np.array(spec.code_columns, dtype=np.intp)
        self.n_crossed = n_crossed if len(self.numbers) > 1 else 0
        # not of every wide array: the pairs are as many as the square of its columns
        n_paired = len(self.numbers) if self.n_crossed else 0
        self.crossed = np.transpose(np.triu_indices(n_paired, 1))

    @property
    def _n_of_numbers(self) -> tuple[int, int, int]:
        """Number of features that are numbers, their pieces and their products."""
        n = len(self.numbers)
        return n, n * self.n_bins, len(self.crossed) * (self.n_crossed + 1) ** 2

    @property
    def n_features(self) -> int:
        """Number of features."""
        return sum(self._n_of_numbers) + sum(self.spec.cardinalities)

    def described(self) -> WideSpec:
        """Return what the layer is built from."""
        return WideSpec(n_bins=self.n_bins, n_crossed=self.n_crossed)

    def spelled(self) -> list[tuple[int, sparse.csr_matrix]]:
        """Return the runs of letters in the categories of each column of many.

        Returns
        -------
        list of tuple of (int, csr_matrix of shape (n_categories, n_runs))
            The first feature that is spelled, and the runs of this and the next ones.
        """
        found, left = [], self.spec.tokens
        end = sum(self._n_of_numbers)
        for cardinality in self.spec.cardinalities if left else ():
            n_named = cardinality - UNKNOWN_ID - 1  # and but the missing ones
            names, left = left[:n_named], left[n_named:]
            end += cardinality
            runs = spelling(names, OF_CATEGORIES) if n_named >= _MANY_CATEGORIES else None
            if runs is not None:
                found.append((end - n_named, runs))
        return found

    def fit(self, rows: np.ndarray) -> None:
        """Learn the scale and the quantiles of the numbers.

        Parameters
        ----------
        rows : ndarray of shape (n_samples, n_columns)
            The rows.
        """
        numbers = rows[:, self.numbers].astype(np.float64)
        self.center = numbers.mean(axis=0)
        spread = numbers.std(axis=0)
        varies = spread > 1e-12 * np.maximum(np.abs(self.center), 1.0)
        self.factor = np.where(varies, TABLE_SHARE / np.where(varies, spread, 1.0), 0.0)
        self.lower, self.inverse = _intervals(numbers, self.n_bins)
        self.lower_crossed, self.inverse_crossed = _intervals(numbers, self.n_crossed)

    def transform(self, rows: np.ndarray) -> sparse.csr_matrix:
        """Return the features of rows.

        Parameters
        ----------
        rows : ndarray of shape (n_samples, n_columns)
            The rows.

        Returns
        -------
        csr_matrix of shape (n_samples, n_features), dtype float32
            Scaled numbers, then their pieces, their products, and the indicators.
        """
        numbers = rows[:, self.numbers].astype(np.float64)
        blocks = [sparse.csr_matrix((numbers - self.center) * self.factor)]
        if self.n_bins:
            pieces = np.clip((numbers[:, :, None] - self.lower) * self.inverse, 0, 1)
            blocks.append(sparse.csr_matrix(TABLE_SHARE * pieces.reshape(len(rows), -1)))
        if self.n_crossed:
            near = _near_ends(numbers, self.lower_crossed, self.inverse_crossed)
            for left, right in self.crossed:
                products = near[:, left, :, None] * near[:, right, None, :]
                blocks.append(sparse.csr_matrix(TABLE_SHARE * products.reshape(len(rows), -1)))
        starts = np.cumsum([0, *self.spec.cardinalities])
        if len(self.codes):
            columns = rows[:, self.codes].astype(np.int64) + starts[:-1]
            places = np.repeat(np.arange(len(rows)), len(self.codes)), columns.ravel()
            ones = np.full(columns.size, TABLE_SHARE)
            blocks.append(sparse.coo_matrix((ones, places), (len(rows), int(starts[-1]))))
        return sparse.hstack(blocks).tocsr().astype(np.float32)

    def values(self, weights: np.ndarray, built: InputSpec) -> list[np.ndarray]:
        """Return what the layer `WideTable` holds.

        Parameters
        ----------
        weights : ndarray of shape (n_features, n_outputs)
            Weights of a linear model on the features.
        built : InputSpec
            What the layer was built for, which may have more codes.

        Returns
        -------
        list of ndarray
            Centers and factors of the numbers and their weights; with intervals, where these begin,
            the inverse of their lengths and the weights of the pieces; the same of the products;
            with codes, their weights.
        """
        n_numbers, n_pieces, n_products = self._n_of_numbers
        values = []
        if n_numbers:
            values += [self.center, self.factor, weights[:n_numbers]]
            if self.n_bins:
                pieces = TABLE_SHARE * weights[n_numbers : n_numbers + n_pieces]
                values += [self.lower, self.inverse, pieces]
            if self.n_crossed:
                products = TABLE_SHARE * weights[n_numbers + n_pieces :][:n_products]
                values += [self.lower_crossed, self.inverse_crossed, products]
        if len(self.codes):
            of_codes = np.zeros((sum(built.cardinalities), weights.shape[1]))
            first, there = n_numbers + n_pieces + n_products, 0
            for count, room in zip(self.spec.cardinalities, built.cardinalities, strict=True):
                of_codes[there : there + count] = TABLE_SHARE * weights[first : first + count]
                first, there = first + count, there + room
            values.append(of_codes)
        return [np.asarray(value, dtype=np.float32) for value in values]


def _intervals(numbers: np.ndarray, n_intervals: int) -> tuple[np.ndarray, np.ndarray]:
    """Return where the intervals between quantiles begin, and the inverse of their lengths.

    Empty intervals come last and have an inverse of 0.
    """
    quantiles = np.quantile(numbers, np.linspace(0, 1, n_intervals + 1), axis=0).T
    lower, lengths = quantiles[:, :-1], np.diff(quantiles, axis=1)
    order = np.argsort(lengths <= 0, axis=1, kind="stable")
    lower, lengths = (np.take_along_axis(each, order, axis=1) for each in (lower, lengths))
    return lower, np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)


def _near_ends(numbers: np.ndarray, lower: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """Return how near numbers are to the ends of their intervals, (n_samples, n, n_ends)."""
    reached = np.clip((numbers[:, :, None] - lower) * inverse, 0, 1).astype(np.float32)
    first, last = 1 - reached[:, :, :1], reached[:, :, -1:]
    return np.concatenate([first, reached[:, :, :-1] - reached[:, :, 1:], last], axis=2)


def features_of(spec: InputSpec, *, pairs: bool = False, crossed: bool = False) -> Any:
    """Return what a linear model reads of an input.

    Parameters
    ----------
    spec : InputSpec
        The input.
    pairs : bool, default=False
        Whether pairs of neighbours of a text count.
    crossed : bool, default=False
        Whether each two numbers of a table are also read together.

    Returns
    -------
    WordFeatures, TableFeatures or None
        Not fitted yet; None where a linear model has nothing to read.
    """
    if spec.sparse or len(spec.shape) != 1 or spec.step_mask:
        return None
    if spec.vocabulary_size is not None:
        return WordFeatures(spec, N_PAIRS if pairs and spec.kind == "text" else 0)
    if not spec.shape[0]:
        return None
    n_numbers = len(spec.number_columns)
    is_table = spec.kind == "tabular"
    return TableFeatures(
        spec,
        N_BINS if is_table and n_numbers <= MAX_BINNED else 0,
        N_CROSSED if crossed and is_table and n_numbers <= MAX_CROSSED else 0,
    )


#: buckets of pairs of words, intervals of a number and of two together, and numbers of a table that
#: get intervals, each and two together
N_PAIRS = 2**15
N_BINS = 16
N_CROSSED = 4
MAX_BINNED = 200
MAX_CROSSED = 12
