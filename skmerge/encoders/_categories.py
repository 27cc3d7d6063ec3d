"""Columns of categories: a Series of any dtype goes in, codes come out.

Codes are 0 for missing, 1 for unknown or rare categories, then the categories by value.
"""

from __future__ import annotations

import datetime
import numbers
from contextlib import suppress
from decimal import Decimal
from functools import cached_property
from itertools import repeat
from typing import Any

import numpy as np
import pandas as pd

from skmerge.encoders._columns import TableColumn
from skmerge.encoders._numbers import numbers_of

MISSING_CODE = 0
RARE_CODE = 1
FIRST_CODE = 2

_FEW = 500  # rows below which looking up every string is quickest

#: codes from here on would not be exact in float32
MAX_CODES = 2**24


class CategoryColumn(TableColumn):
    """Column of categories, told apart by their text.

    A number's text is that of its value: 85255, 85255.0 and ``Decimal(85255)`` are one category,
    and so are True and 1.

    Parameters
    ----------
    name : object
        Name of the column.
    max_categories : int or None
        How many categories are kept at most, the most frequent ones.
    min_frequency : int
        How many training rows a category needs to be kept.

    Attributes
    ----------
    categories : tuple of str
        Text of each category, by its code less two.
    """

    kind = "category"
    readable = ("number", "duration", "text", "date", "mixed")

    def __init__(
        self,
        name: Any,
        *,
        max_categories: int | None,
        min_frequency: int,
    ) -> None:
        super().__init__(name)
        self.max_categories = max_categories
        self.min_frequency = min_frequency

    @cached_property
    def _code_of(self) -> dict[str, int]:
        return {text: code for code, text in enumerate(self.categories, start=FIRST_CODE)}

    @property
    def cardinality(self) -> int:
        """Number of codes, those for missing and rare included."""
        return len(self.categories) + FIRST_CODE

    def _fit(self, column: pd.Series) -> None:
        codes, texts = self._factorize(column)
        row_counts = np.bincount(codes[codes >= 0], minlength=len(texts))
        categories, positions = np.unique(texts, return_inverse=True)
        counts = np.bincount(positions, weights=row_counts, minlength=len(categories))
        if self.content == "number":
            order = np.argsort([float(text) for text in categories], kind="stable")
            categories, counts = categories[order], counts[order]
        frequent = np.flatnonzero(counts >= self.min_frequency)
        limit = min(self.max_categories or MAX_CODES, MAX_CODES - FIRST_CODE)
        # the stable sort breaks ties by value
        kept = frequent[np.argsort(-counts[frequent], kind="stable")[:limit]]
        self.categories: tuple[str, ...] = tuple(categories[np.sort(kept)].tolist())
        self.__dict__.pop("_code_of", None)

    def _read(self, column: pd.Series) -> np.ndarray:
        codes, texts = self._factorize(column)
        return self._codes(codes, texts)[:, None]

    def _read_plain(self, column: pd.Series) -> np.ndarray | None:
        if self.content not in ("text", "mixed", "missing") or not _may_be_strings(column.dtype):
            return None
        if len(column) > _FEW and isinstance(column.dtype, pd.CategoricalDtype):
            texts = column.cat.categories.to_numpy(dtype=object)
            return self._codes(column.cat.codes.to_numpy(), texts)[:, None]
        if len(column) > _FEW and getattr(column.dtype, "storage", "") == "pyarrow":
            positions, values = pd.factorize(column)
            return self._codes(positions, np.asarray(values, dtype=object))[:, None]
        cells = column.to_numpy(dtype=object)
        try:
            found = map(self._code_of.get, cells.tolist(), repeat(RARE_CODE))
            codes = np.fromiter(found, dtype=np.intp, count=len(cells))
        except (TypeError, ValueError):  # a cell that has no hash, such as a list
            return None
        unknown = np.flatnonzero(codes == RARE_CODE)
        if len(unknown):
            others = unknown[[not isinstance(cell, str) for cell in cells[unknown]]]
            if not pd.isna(cells[others]).all():
                return None
            codes[others] = MISSING_CODE
        return codes[:, None]

    def _codes(self, positions: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """Return the code of each text, taken by position, -1 where missing."""
        codes = np.full(len(texts) + 1, MISSING_CODE)  # the last one is that of -1
        found = map(self._code_of.get, texts.tolist(), repeat(RARE_CODE))
        codes[:-1] = np.fromiter(found, dtype=np.intp, count=len(texts))
        return codes[positions]

    def _factorize(self, column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
        """Return codes of the distinct values, -1 where missing, and the text of each."""
        if self.content == "number":
            numbers_of(column, self.name)
        try:
            codes, values = pd.factorize(column)
        except (TypeError, ValueError):  # a value that has no hash
            there = column.notna().to_numpy()
            texts = np.full(len(column), None, dtype=object)
            texts[there] = [_text_of(cell) for cell in column.astype(object).to_numpy()[there]]
            codes, values = pd.factorize(texts)  # type: ignore[assignment]
        cells = np.asarray(values, dtype=object)
        texts = np.empty(len(cells), dtype=object)
        texts[:] = [cell if type(cell) is str else _text_of(cell) for cell in cells]
        return codes, texts


def _may_be_strings(dtype: Any) -> bool:
    """Say whether cells of a dtype are either strings, or objects to be looked at."""
    if isinstance(dtype, pd.CategoricalDtype):
        return bool(dtype.categories.inferred_type == "string")
    return isinstance(dtype, pd.StringDtype) or dtype == np.dtype(object)


def _text_of(cell: Any) -> str:
    if isinstance(cell, (numbers.Integral, np.bool_)):
        return str(int(cell))
    if isinstance(cell, (numbers.Real, Decimal)):
        number = float(cell)
        return str(int(number)) if number.is_integer() else repr(number)
    if isinstance(cell, (datetime.date, np.datetime64)):
        with suppress(OverflowError, ValueError):  # dates that pandas cannot hold
            return _date_text(pd.Timestamp(cell))
    return str(cell)


def _date_text(date: pd.Timestamp) -> str:
    return str(date.isoformat() if date.tzinfo is None else date.tz_convert("UTC").isoformat())
