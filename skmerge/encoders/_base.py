"""The base of all encoders: columns of one input go in, an array and its `InputSpec` come out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skmerge._spec import InputSpec


class Encoder(TransformerMixin, BaseEstimator, ABC, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Transformer of the columns of one input into one array.

    A subclass names its `kind` and the `default_branch` that reads its arrays, sets ``spec_``
    in ``fit`` (named after its kind; the router puts in the input's own name), and encodes.
    It learns from the rows given to ``fit`` alone.

    Attributes
    ----------
    spec_ : InputSpec
        Description of the arrays that ``transform`` returns.
    """

    kind: ClassVar[str]
    default_branch: ClassVar[str]
    #: whether ``encode`` finds its columns by name in a DataFrame that has others
    selects_columns: ClassVar[bool] = False
    spec_: InputSpec

    @abstractmethod
    def fit(self, X: Any, y: Any = None) -> Encoder:
        """Learn from training rows.

        Parameters
        ----------
        X : DataFrame, Series or array-like of shape (n_samples, ...)
            The columns of this input.
        y : None
            Ignored, here for pipelines.

        Returns
        -------
        Encoder
            This encoder.
        """

    @abstractmethod
    def encode(self, X: Any) -> tuple[Any, np.ndarray | None]:
        """Encode rows, and say which of them have the input at all.

        Parameters
        ----------
        X : DataFrame, Series or array-like of shape (n_samples, ...)
            The columns of this input.

        Returns
        -------
        array : ndarray or CSR matrix of shape (n_samples, *spec_.shape)
            The encoded rows.
        present : ndarray of shape (n_samples,), dtype bool, or None
            True where the row has this input; None where ``spec_.optional`` is False.
        """

    def transform(self, X: Any) -> Any:
        """Encode rows.

        Parameters
        ----------
        X : DataFrame, Series or array-like of shape (n_samples, ...)
            The columns of this input.

        Returns
        -------
        ndarray or CSR matrix of shape (n_samples, *spec_.shape)
            The encoded rows.
        """
        return self.encode(X)[0]

    def _check_fitted(self) -> None:
        # scikit-learn's own check first asks for the tags, which takes longer than a row
        if "spec_" not in vars(self):
            check_is_fitted(self, "spec_")
