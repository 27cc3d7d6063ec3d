"""The column-routing transformer: a DataFrame goes in, a `MultiInput` comes out.

Decides which encoder reads which columns, fits the encoders on training rows, and encodes.
"""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skmerge._callbacks import CallbackSupportMixin, FitTasks, with_callbacks
from skmerge._errors import counting_from, did_you_mean, short_repr
from skmerge._other_frames import as_pandas
from skmerge._plan import encoder_of_input, encoder_of_remainder, plan_inputs
from skmerge._routed_input import RoutedInput, cells_of, naming
from skmerge._row_sample import RowSample
from skmerge._spec import InputSpec, NestedParams
from skmerge._tables import (
    BY_POSITION,
    ENTRIES,
    WHOLE_MATRIX,
    MatrixTable,
    Table,
    read_table,
)
from skmerge.encoders import ENCODERS
from skmerge.encoders._base import Encoder
from skmerge.multi_input import MultiInput, absent_rows


class ColumnRouter(  # type: ignore[call-arg]
    NestedParams,
    CallbackSupportMixin,
    TransformerMixin,
    BaseEstimator,
    auto_wrap_output_keys=None,
):
    """Split the columns of a DataFrame into the inputs of a network.

    Numbers, booleans, dates and strings of few values become one tabular input; each column of
    longer text, of pictures, of tags or of vectors becomes an input of its own. What was decided
    is in ``inputs_`` and in the repr; any part of it can be said instead.

    Parameters
    ----------
    inputs : "auto" or dict, default="auto"
        Input names mapped to what reads them:

        - a kind (``"tabular"``, ``"text"``, ``"image"``, ``"tags"``, ``"sequence"``, ``"array"``)
          or an encoder, which reads the column of the input's name;
        - a tuple ``(kind or encoder, columns)``;
        - columns alone, read by the kind of the input's name if it is one, otherwise by the
          kind inferred;
        - ``"drop"``, which leaves the column out.

        Columns are a name, a list of names, a boolean mask, a slice of names, a callable such as
        ``make_column_selector(...)``, or a skrub selector. One column may feed several inputs.
        ``"auto"`` infers all inputs.
    remainder : "auto", "drop", "passthrough", str or Encoder, default="auto"
        What happens to columns that `inputs` does not name: ``"auto"`` infers their inputs,
        ``"drop"`` leaves them out, ``"passthrough"`` takes them as they are, as one input of
        numbers; a kind or an encoder reads them all.
    cardinality_threshold : int, default=40
        Columns of strings of several words are taken for text when they have more distinct
        values than this or when more than half of the rows differ, otherwise for categories.
    missing_inputs : {"error", "absent"}, default="error"
        What ``transform`` makes of rows that have none of an input's columns: an error, or an
        input that is absent from all of them. ``"absent"`` makes every input one that a row can
        lack. Where an input has some of its columns, the others must be there either way.
    subsample : int, default=100_000
        Most rows that `partial_fit`, and ``fit`` of an estimator on `Chunks`, learn from, a
        uniform sample of all that came. None keeps all.

    Attributes
    ----------
    inputs_ : dict of str to RoutedInput
        The inputs in order, with the fitted encoder and the columns of each.
    specs_ : dict of str to InputSpec
        The description of each input.
    dropped_ : list
        Columns that no input reads.
    n_features_in_ : int
        Number of columns seen during ``fit``.
    feature_names_in_ : ndarray of shape (n_features_in_,), dtype object
        Names of the columns seen during ``fit``, where they are all strings.

    Raises
    ------
    ValueError
        If an input is named that cannot be read: an unknown kind or column, or cells that no
        encoder reads.

    See Also
    --------
    MergedNetClassifier : Trains a network on the inputs.

    Examples
    --------
    >>> import pandas as pd
    >>> from skmerge import ColumnRouter
    >>> frame = pd.DataFrame({
    ...     "age": [20, 31, 45],
    ...     "note": ["runs a bit small", "love the colour", "sent it back twice"],
    ... })
    >>> X = ColumnRouter().fit_transform(frame)
    >>> list(X)
    ['tabular', 'note']
    """

    #: the rows that `partial_fit` goes on from are in no file
    _passing_attributes = ("_sample",)

    _families = {"inputs": encoder_of_input, "remainder": encoder_of_remainder}
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "inputs": [dict, str],
        "remainder": [str, Encoder],
        "cardinality_threshold": [Interval(Integral, 0, None, closed="left")],
        "missing_inputs": [StrOptions({"error", "absent"})],
        "subsample": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        inputs: Any = "auto",
        *,
        remainder: Any = "auto",
        cardinality_threshold: int = 40,
        missing_inputs: str = "error",
        subsample: int | None = 100_000,
    ) -> None:
        self.inputs = inputs
        self.remainder = remainder
        self.cardinality_threshold = cardinality_threshold
        self.missing_inputs = missing_inputs
        self.subsample = subsample

    @property
    def takes_entries(self) -> bool:
        """Whether it was fitted on a dict or list of inputs.

        Returns
        -------
        bool
            True where each entry was an input of its own.
        """
        return self._form == ENTRIES

    @with_callbacks
    def fit(self, X: Any, y: Any = None) -> ColumnRouter:
        """Decide on the inputs and fit their encoders.

        Parameters
        ----------
        X : DataFrame, matrix, sparse matrix or dict of arrays of n_samples rows
            The training rows.
        y : None
            Ignored, here for pipelines.

        Returns
        -------
        ColumnRouter
            This router.
        """
        self._begun(X, y, encodes=False)
        return self

    @with_callbacks
    def fit_transform(self, X: Any, y: Any = None) -> MultiInput:
        """Decide on the inputs, fit their encoders and encode the training rows.

        Parameters
        ----------
        X : DataFrame, matrix, sparse matrix or dict of arrays of n_samples rows
            The training rows.
        y : None
            Ignored, here for pipelines.

        Returns
        -------
        MultiInput
            The routed rows.
        """
        arrays, masks = self._begun(X, y, encodes=True)
        routed = MultiInput(arrays, self.specs_, masks)
        routed.router = self
        return routed

    def partial_fit(self, X: Any, y: Any = None) -> ColumnRouter:
        """Learn from rows that come chunk by chunk, more of them than memory holds.

        A uniform sample of all rows so far is kept, `subsample` rows at most, and the router is
        fitted on it anew: as long as there are no more rows than that, it is what ``fit`` makes
        of all of them. The inputs can change from call to call: train on rows encoded after the
        last one. What ``fit`` learned does not count, nor what was learned before the router was
        loaded from a file: neither keeps rows.

        Parameters
        ----------
        X : DataFrame, matrix, sparse matrix or dict of arrays of n_samples rows
            Further training rows, in the form of those before.
        y : None
            Ignored, here for pipelines.

        Returns
        -------
        ColumnRouter
            This router.

        Raises
        ------
        ValueError
            If the rows cannot be read, or lack columns of those before. The router is then left
            as it was.
        """
        self._validate_params()
        self._check_words()
        X = as_pandas(X)
        sample = vars(self).get("_sample", RowSample(self.subsample)).extended(X)
        with counting_from(sample.numbers):
            self._learn(sample.rows, encodes=False)
        self._sample = sample
        return self

    def _begun(self, X: Any, y: Any, *, encodes: bool) -> tuple[dict[str, Any], dict[str, Any]]:
        """Learn from these rows alone, whatever it learned before."""
        self._validate_params()
        self._check_words()
        tasks = FitTasks(self, X, y)
        tasks.begin()
        encoded = self._learn(X, encodes=encodes)
        self.__dict__.pop("_sample", None)
        tasks.end()
        return encoded

    def _learn(self, X: Any, *, encodes: bool) -> tuple[dict[str, Any], dict[str, Any]]:
        """Do all of a fit in local variables, and only then keep the result."""
        table = read_table(X, by_position=self.inputs != "auto" or self.remainder != "auto")
        _check_size(table, type(self).__name__)
        plan = plan_inputs(table, self.inputs, self.remainder, self.cardinality_threshold)
        if not plan:
            raise ValueError(
                f"No input is left: every column of {short_repr(table.names)} is dropped. "
                "Name at least one in inputs."
            )
        routed, arrays, specs, masks = {}, {}, {}, {}
        for name, (unfitted, columns) in plan.items():
            encoder = clone(unfitted)
            cells = table.cells(columns)
            with naming(name, encoder, columns):
                encoder.fit(cells)
                arrays[name], mask = encoder.encode(cells) if encodes else (None, None)
            specs[name] = replace(encoder.spec_, name=name)
            if self.missing_inputs == "absent":
                specs[name] = replace(specs[name], optional=True)
            if mask is not None:
                masks[name] = mask
            routed[name] = RoutedInput(encoder, columns)
        self._remember(table, routed, specs)
        return arrays, masks

    def transform(self, X: Any) -> MultiInput:
        """Encode rows.

        Parameters
        ----------
        X : DataFrame, matrix, sparse matrix or dict of arrays of n_samples rows
            The rows, in the form that ``fit`` was given. Columns are found by name: their order
            and other columns make no difference.

        Returns
        -------
        MultiInput
            The routed rows.

        Raises
        ------
        ValueError
            If a column is missing (see `missing_inputs`), or its cells are not of the kind seen
            during ``fit``.
        """
        if not hasattr(self, "inputs_"):
            check_is_fitted(self)
        table = read_table(X, by_position=self._form == BY_POSITION)
        if self._form == WHOLE_MATRIX:
            table = MatrixTable(X)
        elif table.form != self._form:
            raise ValueError(
                f"{type(self).__name__} was fitted on {self._form} and must get one again. "
                f"Got {table.form}."
            )
        absent = set() if self._form == WHOLE_MATRIX else self._absent_inputs(table)
        arrays, masks = {}, {}
        for name, routed in self.inputs_.items():
            if name in absent:
                arrays[name] = absent_rows(self.specs_[name], table.n_rows)
                masks[name] = np.zeros(table.n_rows, dtype=bool)
                continue
            with naming(name, routed.encoder, routed.columns):
                arrays[name], mask = routed.encoder.encode(cells_of(table, routed))
            if mask is not None:
                masks[name] = mask
        return MultiInput(arrays, self.specs_, masks)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the inputs.

        Parameters
        ----------
        input_features : None
            Ignored, here for pipelines.

        Returns
        -------
        ndarray of shape (n_inputs,), dtype object
            The names.
        """
        check_is_fitted(self)
        return np.asarray(list(self.inputs_), dtype=object)

    def set_output(self, *, transform: str | None = None) -> ColumnRouter:
        """Do nothing: the output is always a `MultiInput`, which no DataFrame can hold.

        Parameters
        ----------
        transform : str, default=None
            Ignored, here for pipelines.

        Returns
        -------
        ColumnRouter
            This router.
        """
        return self

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        text = super().__repr__(N_CHAR_MAX)
        if not hasattr(self, "inputs_"):
            return text
        width = max(map(len, self.inputs_))
        lines = [
            f"  {name:<{width}}  {routed!r} -> {self.specs_[name].shape} {self.specs_[name].dtype}"
            for name, routed in self.inputs_.items()
        ]
        if self.dropped_:
            lines.append(f"  dropped: {', '.join(map(str, self.dropped_))}")
        return "\n".join([text, *lines])

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return {name: each for name, each in state.items() if name not in self._passing_attributes}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _check_words(self) -> None:
        if isinstance(self.inputs, str) and self.inputs != "auto":
            raise ValueError(
                f"The 'inputs' parameter must be 'auto' or a dict. Got {self.inputs!r}."
            )
        words = ["auto", "drop", "passthrough", *ENCODERS]
        if isinstance(self.remainder, str) and self.remainder not in words:
            raise ValueError(
                f"The 'remainder' parameter must be one of {words} or an encoder. "
                f"Got {self.remainder!r}.{did_you_mean(self.remainder, words)}"
            )

    def _absent_inputs(self, table: Table) -> set[str]:
        """Return the inputs of which no column is there, and raise for what must be there."""
        absent: set[str] = set()
        for name, routed in self.inputs_.items():
            columns = routed.columns if isinstance(routed.columns, list) else [routed.columns]
            missing = [column for column in columns if column not in table.names]
            if not missing:
                continue
            if self.missing_inputs == "absent" and len(missing) == len(columns):
                absent.add(name)
                continue
            what = f"Column {missing[0]!r}" if len(missing) == 1 else f"Columns {missing}"
            raise ValueError(
                f"{what} of input {name!r} {'is' if len(missing) == 1 else 'are'} missing from "
                f"X. X has columns {short_repr(table.names)}."
                f"{did_you_mean(missing[0], table.names)}"
            )
        if len(absent) == len(self.inputs_):
            raise ValueError(
                f"X must have the columns of at least one input. Got {short_repr(table.names)}, "
                f"and the inputs read {list(self.inputs_.values())!r}."
            )
        return absent

    def _remember(
        self, table: Table, routed: dict[str, RoutedInput], specs: dict[str, InputSpec]
    ) -> None:
        self._form = table.form
        used: set[Any] = set()
        for entry in routed.values():
            used.update(entry.columns if isinstance(entry.columns, list) else [entry.columns])
        self.inputs_ = routed
        self.specs_ = specs
        self.dropped_ = [name for name in table.names if name not in used]
        for attribute in ("feature_names_in_", "n_features_in_"):
            if hasattr(self, attribute):
                delattr(self, attribute)
        if isinstance(table, MatrixTable):
            encoder = next(iter(routed.values())).encoder
            self.n_features_in_ = encoder.n_features_in_
            if hasattr(encoder, "feature_names_in_"):
                self.feature_names_in_ = encoder.feature_names_in_
            return
        self.n_features_in_ = len(table.names)
        if all(isinstance(name, str) for name in table.names):
            self.feature_names_in_ = np.asarray(table.names, dtype=object)


def _check_size(table: Table, owner: str) -> None:
    """Refuse an empty table in scikit-learn's words; a matrix is checked by its encoder."""
    if isinstance(table, MatrixTable):
        return
    for found, needed, what in (
        (table.n_rows, 1, "sample(s)"),
        (len(table.names), 1, "feature(s)"),
    ):
        if found < needed:
            raise ValueError(
                f"Found array with {found} {what} (shape=({table.n_rows}, {len(table.names)})) "
                f"while a minimum of {needed} is required by {owner}."
            )
