"""The columns of a table go in: numbers, categories and dates. One float32 matrix comes out."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import validate_data

from skmerge._errors import did_you_mean, short_repr
from skmerge._spec import InputSpec
from skmerge.encoders._base import Encoder
from skmerge.encoders._categories import FIRST_CODE, MAX_CODES, CategoryColumn
from skmerge.encoders._cells import check_dtype
from skmerge.encoders._columns import check_frame, content_of, kind_of, select_columns
from skmerge.encoders._dates import DateColumn
from skmerge.encoders._numbers import NumberColumn, RobustScale, ScaledColumn

_SCALED = {"number": NumberColumn, "date": DateColumn}
KINDS = (*_SCALED, "category")

_CHUNK = 4096  # rows scaled at a time, which stay in a core's cache


class TabularEncoder(Encoder, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Encode the columns of a table as one matrix of numbers and category codes.

    The matrix holds the scaled numbers, then a flag for each column of numbers or dates that
    had missing values in training, then the codes of the categories. Each column is read by
    what it holds:

    - *numbers* (integers, floats, booleans, nullable or not, ``Decimal``; durations as seconds)
      are scaled by median and interquartile range and smoothly clipped; a missing one is
      replaced by the training median, which is 0 after scaling;
    - *dates* (with or without time zone, the former in UTC) become year, month, day, weekday,
      day of the year, sine and cosine of month and weekday, and seconds, all scaled like
      numbers; where training dates have times of day also the hour, its sine and its cosine;
    - *categories* (strings, pandas categoricals, objects of mixed type by their ``str``) become
      codes: 0 is missing, 1 unknown or rare, and from 2 on the categories, sorted by value.

    Columns of a DataFrame are found by name: their order is free, further ones are ignored. A
    column must hold in ``transform`` what it held in ``fit``; numbers of another dtype, or the
    same strings as another dtype, make no difference.

    Parameters
    ----------
    kinds : dict of {"number", "category", "date"}, default=None
        The kind of some columns, by their name (by position where X is a matrix), instead of
        what their values suggest: ``{"zipcode": "category"}``. Strings declared dates are
        parsed, all in the format of the first.
    clip : float, default=3.0
        Scaled numbers z become ``z / sqrt(1 + (z / clip)**2)``, between -`clip` and `clip`.
        None leaves them unbounded.
    missing_flags : bool, default=True
        Whether columns of numbers and dates with missing values in training get a flag, 1.0
        where the value is missing.
    max_categories : int, default=1000
        How many categories of a column get a code, the most frequent ones; ties go by value.
        None keeps all.
    min_frequency : int, default=1
        How many training rows a category needs to get a code.

    Attributes
    ----------
    kinds_ : dict of str
        The kind of each column, by name.
    categories_ : dict of ndarray of str
        The categories of each column of categories, in the order of their codes, as text:
        85255 and 85255.0 are both ``'85255'``.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where all are strings.
    spec_ : InputSpec
        Description of the matrix, with the positions and cardinalities of the codes.

    Raises
    ------
    ValueError
        If X is empty, has no distinct names of one level, lacks a column, holds infinite or
        complex numbers, or a column holds something else than in training or than `kinds` says.
    TypeError
        If X is sparse, or a cell holds a list, array or other object without a text.

    See Also
    --------
    ArrayEncoder : Vectors as they are, or by any scikit-learn transformer.

    Notes
    -----
    Scaling and clip are those of RealMLP [1]_, section 3; a column whose interquartile range is
    0 is scaled by its standard deviation, not by half its range.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by default: strong pre-tuned MLPs
       and boosted trees on tabular data", NeurIPS 2024, arXiv:2407.04491.

    Examples
    --------
    >>> import pandas as pd
    >>> from skmerge.encoders.tabular import TabularEncoder
    >>> frame = pd.DataFrame({"city": ["Rome", "Oslo", None], "age": [30.0, None, 50.0]})
    >>> encoder = TabularEncoder().fit(frame)
    >>> encoder.get_feature_names_out()
    array(['age', 'age_missing', 'city'], dtype=object)
    >>> encoder.transform(frame).round(2)
    array([[-0.95,  0.  ,  3.  ],
           [ 0.  ,  1.  ,  2.  ],
           [ 0.95,  0.  ,  0.  ]], dtype=float32)
    """

    kind = "tabular"
    default_branch = "dense"
    selects_columns = True

    _parameter_constraints = {
        "kinds": [dict, None],
        "clip": [Interval(Real, 0, None, closed="neither"), None],
        "missing_flags": ["boolean"],
        "max_categories": [Interval(Integral, 1, MAX_CODES - FIRST_CODE, closed="both"), None],
        "min_frequency": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        kinds: Mapping[Any, str] | None = None,
        *,
        clip: float | None = 3.0,
        missing_flags: bool = True,
        max_categories: int | None = 1000,
        min_frequency: int = 1,
    ) -> None:
        self.kinds = kinds
        self.clip = clip
        self.missing_flags = missing_flags
        self.max_categories = max_categories
        self.min_frequency = min_frequency

    def fit(self, X: Any, y: Any = None) -> TabularEncoder:
        """Learn medians, scales, missing flags and categories from training rows.

        Parameters
        ----------
        X : DataFrame, Series or array-like of shape (n_samples, n_columns)
            The table. A Series is a table of one column.
        y : None
            Ignored, here for pipelines.

        Returns
        -------
        TabularEncoder
            This encoder.
        """
        self._validate_params()
        table = self._read_table(X, reset=True)
        self._check_kinds(list(table))
        self._columns = [self._fit_column(column, name) for name, column in table.items()]
        self.kinds_ = {column.name: column.kind for column in self._columns}
        self.categories_ = {
            column.name: np.array(column.categories, dtype=object)
            for column in self._columns
            if isinstance(column, CategoryColumn)
        }
        self.spec_ = self._describe()
        return self

    def encode(self, X: Any) -> tuple[np.ndarray, None]:
        """Encode rows.

        Parameters
        ----------
        X : DataFrame, Series or array-like of shape (n_samples, n_columns)
            The table.

        Returns
        -------
        matrix : ndarray of shape (n_samples, n_features_out), dtype float32
            Scaled numbers, missing flags (0 or 1), category codes (whole numbers).
        present : None
            A row never lacks its table.
        """
        self._check_fitted()
        table = self._read_table(X, reset=False)
        features, flags, codes = [], [], []
        scales = []
        for column in self._columns:
            numbers = column.read(table[column.name])
            if isinstance(column, ScaledColumn):
                features.append(numbers)
                scales.append(column.scale)
                if column.has_flag:
                    flags.append(np.isnan(numbers[:, :1]))
            else:
                codes.append(numbers)
        n_rows = len(next(iter(table.values())))
        matrix = np.empty((n_rows, len(self.spec_.feature_names)), dtype=np.float32)
        n_scaled = sum(numbers.shape[1] for numbers in features)
        if flags or codes:
            np.concatenate([*flags, *codes], axis=1, out=matrix[:, n_scaled:], casting="unsafe")
        if scales:
            scale = RobustScale.joined(scales)
            for first in range(0, n_rows, _CHUNK):
                rows = slice(first, first + _CHUNK)
                chunk = np.concatenate([numbers[rows] for numbers in features], axis=1)
                matrix[rows, :n_scaled] = scale.transform(chunk)
        return matrix, None

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Get the names of the matrix's columns.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the table's columns. They must be those seen in ``fit``; where it saw a
            matrix, any names, ``x0``, ``x1``, ... by default.

        Returns
        -------
        ndarray of shape (n_features_out,), dtype object
            Names such as ``'age'``, ``'age_missing'``, ``'bought_year'`` and ``'city'``.

        Raises
        ------
        ValueError
            If the names given are not those of the table's columns.
        """
        self._check_fitted()
        names = self._input_names()
        if input_features is not None:
            given = [str(name) for name in input_features]
            if len(given) != len(names):
                raise ValueError(
                    f"input_features should have length equal to the number of columns seen in "
                    f"fit, {len(names)}. Got {len(given)}."
                )
            if self._by_name and given != names:
                raise ValueError(
                    f"input_features is not equal to the columns seen in fit, "
                    f"{short_repr(names)}. Got {short_repr(given)}."
                )
            names = given
        return np.array(self._feature_names(names), dtype=object)

    def _input_names(self) -> list[str]:
        return [str(name) if self._by_name else f"x{name}" for name in self.kinds_]

    def _feature_names(self, names: list[str]) -> list[str]:
        blocks, flags, codes = [], [], []
        for column, name in zip(self._columns, names, strict=True):
            if isinstance(column, ScaledColumn):
                blocks += [f"{name}{suffix}" for suffix in column.suffixes]
                flags += [f"{name}_missing"] if column.has_flag else []
            else:
                codes.append(name)
        return blocks + flags + codes

    def _fit_column(self, column: pd.Series, name: Any) -> ScaledColumn | CategoryColumn:
        content = content_of(column, name)
        kind = (self.kinds or {}).get(name, kind_of(column, content))
        fitted: ScaledColumn | CategoryColumn
        if kind == "category":
            fitted = CategoryColumn(
                name, max_categories=self.max_categories, min_frequency=self.min_frequency
            )
        else:
            fitted = _SCALED[kind](name, clip=self.clip, missing_flag=self.missing_flags)
        fitted.fit(column, content)
        return fitted

    def _describe(self) -> InputSpec:
        names = self._feature_names(self._input_names())
        coded = [column for column in self._columns if isinstance(column, CategoryColumn)]
        return InputSpec(
            name=self.kind,
            kind=self.kind,
            shape=(len(names),),
            default_branch=self.default_branch,
            code_columns=tuple(range(len(names) - len(coded), len(names))),
            cardinalities=tuple(column.cardinality for column in coded),
            feature_names=tuple(names),
            tokens=tuple(text for column in coded for text in column.categories),
        )

    def _read_table(self, X: Any, *, reset: bool) -> dict[Any, pd.Series]:
        """Return the columns by name, or by position where they have no names."""
        named = isinstance(X, pd.DataFrame) or (isinstance(X, pd.Series) and X.name is not None)
        if isinstance(X, (pd.DataFrame, pd.Series)):
            frame = X if isinstance(X, pd.DataFrame) else X.to_frame()
            check_frame(frame, owner=type(self).__name__)
            if named and not reset and self._by_name:
                return select_columns(frame, list(self.kinds_))
            columns = select_columns(frame, list(frame.columns))
            validate_data(self, frame, skip_check_array=True, reset=reset)
        else:
            matrix = validate_data(
                self, _matrix_of(X), dtype=None, ensure_all_finite=False, reset=reset
            )
            check_dtype(matrix, "X")
            # as objects, since pandas' own strings must be valid Unicode
            dtype = object if matrix.dtype.kind in "OU" else None
            columns = dict(pd.DataFrame(matrix, dtype=dtype).items())
        if reset:
            self._by_name: bool = named
            return columns
        return dict(zip(self.kinds_, columns.values(), strict=True))

    def _check_kinds(self, names: list[Any]) -> None:
        owner = type(self).__name__
        for name, kind in (self.kinds or {}).items():
            if name not in names:
                raise ValueError(
                    f"The 'kinds' parameter of {owner} names column {name!r}, which X does not "
                    f"have. X has columns {short_repr(names)}.{did_you_mean(name, names)}"
                )
            if kind not in KINDS:
                raise ValueError(
                    f"The kind of column {name!r} in the 'kinds' parameter of {owner} must be one "
                    f"of {list(KINDS)}. Got {kind!r}.{did_you_mean(kind, KINDS)}"
                )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _matrix_of(X: Any) -> Any:
    if isinstance(X, np.ma.MaskedArray):
        cells = X.data.astype(object)
        cells[np.ma.getmaskarray(X)] = None
        return cells
    if not isinstance(X, (list, tuple)):
        return X
    try:
        matrix = np.asarray(X)
    except ValueError as error:
        raise ValueError(
            f"X must hold one value per row and column, as many in each row. Got {short_repr(X)}."
        ) from error
    # NumPy makes strings of the numbers beside them
    return np.asarray(X, dtype=object) if matrix.dtype.kind in "US" else matrix
