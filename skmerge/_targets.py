"""Targets: what the user predicts goes in, what the network learns comes out, and back again.

Enters: labels, indicator matrices or numbers. Leaves: float32 matrices with a `TargetSpec`, and
from the network's outputs labels, probabilities or numbers.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from skmerge._errors import short_repr
from skmerge._spec import TargetSpec
from skmerge.encoders._cells import missing_rows


def check_targets(y: Any, estimator: Any) -> np.ndarray:
    """Return y as an array without missing values, one column flattened with a warning.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        The targets.
    estimator : estimator
        For messages.

    Returns
    -------
    ndarray of shape (n_samples,) or (n_samples, n_outputs)
        The targets.

    Raises
    ------
    ValueError
        If y is None, holds missing or infinite values, or has more than two axes.
    """
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None."
        )
    if issparse(y):
        y = y.toarray()
    y = _plain(y)
    _check_is_there(np.asarray(y))
    with np.errstate(invalid="ignore"):  # infinite numbers are summed up before they are refused
        y = check_array(y, ensure_2d=False, dtype=None, input_name="y", estimator=estimator)
    _check_is_there(y)
    if y.ndim == 1 or y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    return y


def _plain(y: Any) -> Any:
    """Return y so that NumPy changes none of its values when it makes an array of it."""
    if isinstance(y, (list, tuple)):
        return _array_of_list(y)
    if isinstance(y, pd.DataFrame):
        dtypes = {column: _plain_dtype(y[column]) for column in y if y.columns.is_unique}
        return y.astype({column: dtype for column, dtype in dtypes.items() if dtype is not None})
    if isinstance(y, (pd.Series, pd.api.extensions.ExtensionArray)):
        dtype = _plain_dtype(y)
        return y if dtype is None else y.to_numpy(dtype=dtype)
    return y


def _plain_dtype(y: Any) -> np.dtype | None:
    """Return NumPy's dtype for nullable integers and booleans that lack none; floats need none."""
    is_nullable = pd.api.types.is_extension_array_dtype(y.dtype) and y.dtype.kind in "iub"
    has_numpy = hasattr(y.dtype, "numpy_dtype")
    return y.dtype.numpy_dtype if is_nullable and has_numpy and not y.isna().any() else None


def _array_of_list(y: Any) -> np.ndarray:
    try:
        array = np.asarray(y)
    except ValueError as error:
        raise ValueError(
            "y must hold one label or number per row, or as many in each row. Got "
            f"{short_repr(y)}. Encode sets of labels first, as in "
            "sklearn.preprocessing.MultiLabelBinarizer().fit_transform(y)."
        ) from error
    if array.dtype.kind not in "US":
        return array
    # NumPy makes strings of the numbers beside them, and of NaN, and drops NULs at the end
    objects = np.asarray(y, dtype=object)
    return array if all(map(_is_kept, objects.flat)) else objects


def _is_kept(label: Any) -> bool:
    return isinstance(label, (str, bytes)) and label[-1:] not in {"\0", b"\0"}


def _check_is_there(y: np.ndarray) -> None:
    """Raise where an object is missing: None, NaN, NaT or NA."""
    if y.dtype == object and y.ndim:
        missing = missing_rows(y.ravel(), "y").reshape(len(y), -1).any(axis=1)
        if missing.any():
            row = int(missing.argmax())
            raise ValueError(f"Input y contains NaN or None, first in row {row}. Drop such rows.")


class ClassTargets:
    """Labels, or an indicator matrix of several labels per row.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_labels)
        All labels seen in training.
    one_hot : bool, default=False
        Whether the loss wants one column per class.
    classes : array-like of shape (n_classes,), default=None
        All labels there will ever be, where `y` may lack some.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels in order; the numbers of the columns for an indicator matrix.
    spec : TargetSpec
        What the network predicts.

    Raises
    ------
    ValueError
        If there are fewer than two classes, or the targets are not labels.
    """

    def __init__(self, y: np.ndarray, one_hot: bool = False, classes: Any = None) -> None:
        _check_is_of_labels(y)
        with np.errstate(invalid="ignore"):  # large floats, which are refused, are cast to integers
            check_classification_targets(y)
            kind = type_of_target(y, input_name="y")
        if kind == "multilabel-indicator":
            self.classes_ = np.arange(y.shape[1])
            self.spec = TargetSpec("multilabel", y.shape[1])
        elif y.ndim > 1:
            raise ValueError(
                "y must be one column of labels or a matrix of zeros and ones. Got several columns "
                f"of labels, of shape {y.shape}; fit one classifier per column, as "
                "sklearn.multioutput.MultiOutputClassifier does."
            )
        else:
            self.classes_ = np.unique(y if classes is None else np.asarray(classes))
            n_classes = len(self.classes_)
            if n_classes < 2:
                only = short_repr(self.classes_.tolist())
                raise ValueError(f"y must hold at least 2 classes. Got 1 class: {only}.")
            binary = n_classes == 2 and not one_hot
            self.spec = TargetSpec("binary", 1) if binary else TargetSpec("multiclass", n_classes)
        self.one_hot = one_hot and self.spec.kind == "multiclass"

    @property
    def n_columns(self) -> int:
        """Number of columns that `encode` gives."""
        return self.spec.n_outputs if self.one_hot or self.spec.kind == "multilabel" else 1

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Turn labels into what the loss compares with.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            The labels.

        Returns
        -------
        ndarray of shape (n_samples, n_columns), dtype float32
            Positions in `classes_`, one column per class, or the indicator matrix.

        Raises
        ------
        ValueError
            If a label is not one of `classes_`.
        """
        if self.spec.kind == "multilabel":
            if y.ndim != 2 or y.shape[1] != self.spec.n_outputs:
                raise ValueError(
                    f"y must be an indicator matrix of {self.spec.n_outputs} columns as before. "
                    f"Got shape {y.shape}."
                )
            return y.astype(np.float32)
        # as objects, since pandas' own strings must be valid Unicode
        dtype = object if self.classes_.dtype.kind in "OU" else None
        codes = pd.Index(self.classes_, dtype=dtype).get_indexer(pd.Index(y, dtype=dtype))
        if (codes < 0).any():
            unseen = np.unique(y[codes < 0])
            raise ValueError(
                f"y must hold the classes {short_repr(self.classes_.tolist())}. Got also "
                f"{short_repr(unseen.tolist())}; name all of them in the first call, as "
                "partial_fit(X, y, classes=...) does."
            )
        if self.one_hot:
            return np.eye(len(self.classes_), dtype=np.float32)[codes]
        return codes.astype(np.float32)[:, None]

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Turn the network's outputs into probabilities.

        Parameters
        ----------
        outputs : ndarray of shape (n_samples, n_outputs)
            Outputs of the network.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            One column per entry of `classes_`.
        """
        if self.spec.kind == "binary":
            return np.concatenate([1 - outputs, outputs], axis=1)
        return outputs

    def labels(self, outputs: np.ndarray) -> np.ndarray:
        """Turn the network's outputs into labels.

        Parameters
        ----------
        outputs : ndarray of shape (n_samples, n_outputs)
            Outputs of the network.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            The most probable class; for an indicator matrix 1 where a label is more probable
            than not.
        """
        if self.spec.kind == "multilabel":
            return (outputs > 0.5).astype(np.int64)
        if self.spec.kind == "binary":
            return self.classes_[(outputs[:, 0] > 0.5).astype(np.intp)]
        return self.classes_[outputs.argmax(axis=1)]


def _check_is_of_labels(y: np.ndarray) -> None:
    """Raise where objects are not strings alone: they have no order, or only some of them have."""
    if y.dtype == object and not all(isinstance(label, str) for label in y.flat):
        types = sorted({type(label).__name__ for label in y.flat})
        raise ValueError(
            "Unknown label type: y must be an array of strings, or of whole numbers. Got objects "
            f"of type {', '.join(types)}, such as {short_repr(y.ravel()[:3].tolist())}. Convert "
            "them first, as in y.astype(str)."
        )


class NumberTargets:
    """Numbers, one or several per row, standardised for the network.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        The targets of the training rows.
    standardize : bool, default=True
        Whether the network learns ``(y - mean) / standard deviation``.
    output_activation : str, default=None
        Keras activation of the last layer; None is linear.

    Attributes
    ----------
    spec : TargetSpec
        What the network predicts.
    range : tuple of (ndarray of shape (n_outputs,), ndarray of shape (n_outputs,)) or None
        The least and the greatest target of each output that `seeing` was told.
    """

    range: tuple[np.ndarray, np.ndarray] | None = None

    def __init__(
        self, y: np.ndarray, standardize: bool = True, output_activation: str | None = None
    ) -> None:
        numbers = self._numbers(y)
        self.is_flat = y.ndim == 1
        self.spec = TargetSpec("regression", numbers.shape[1], output_activation)
        self.mean = np.zeros(numbers.shape[1])
        self.scale = np.ones(numbers.shape[1])
        if standardize:
            with np.errstate(over="ignore", invalid="ignore"):
                self.mean = numbers.mean(axis=0)
                spread = numbers.std(axis=0)
            if not np.isfinite(spread).all():
                raise ValueError(
                    "y must hold numbers whose standard deviation float64 can hold. Got numbers "
                    f"from {numbers.min()} to {numbers.max()}. Scale y first."
                )
            self.scale = np.where(spread > 0, spread, 1.0)

    def seeing(self, y: np.ndarray) -> NumberTargets:
        """Return the same targets, whose range holds these as well.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Targets.

        Returns
        -------
        NumberTargets
            A copy.
        """
        numbers = self._numbers(y)
        if self.range is not None:
            numbers = np.concatenate([numbers, self.range])
        wider = copy.copy(self)
        wider.range = numbers.min(axis=0), numbers.max(axis=0)
        return wider

    @property
    def n_columns(self) -> int:
        """Number of columns that `encode` gives."""
        return self.spec.n_outputs

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Turn numbers into what the loss compares with.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The targets.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs), dtype float32
            Standardised targets.

        Raises
        ------
        ValueError
            If there are more or fewer columns than before.
        """
        numbers = self._numbers(y)
        if numbers.shape[1] != self.spec.n_outputs:
            raise ValueError(
                f"y must have {self.spec.n_outputs} columns as before. Got shape {y.shape}."
            )
        return ((numbers - self.mean) / self.scale).astype(np.float32)

    def numbers(self, outputs: np.ndarray, *, clip: bool = False) -> np.ndarray:
        """Turn the network's outputs into numbers of the targets' scale.

        Parameters
        ----------
        outputs : ndarray of shape (n_samples, n_outputs)
            Outputs of the network.
        clip : bool, default=False
            Whether numbers beyond the range of the targets become its ends.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predicted targets.
        """
        numbers = outputs * self.scale + self.mean
        if clip and self.range is not None:
            numbers = np.clip(numbers, *self.range)
        return numbers[:, 0] if self.is_flat else numbers

    @staticmethod
    def _numbers(y: np.ndarray) -> np.ndarray:
        try:
            numbers = y.astype(np.float64)
        except (TypeError, ValueError) as error:
            first = short_repr(y.ravel()[:3].tolist())
            raise ValueError(f"y must hold numbers. Got {first}, of dtype {y.dtype}.") from error
        except OverflowError as error:
            largest = short_repr(max(y.ravel().tolist(), key=abs))
            raise ValueError(
                f"y must hold numbers that float64 can hold. Got {largest}. Scale y first."
            ) from error
        return numbers[:, None] if numbers.ndim == 1 else numbers
