"""Routed rows of any kind as one matrix for a linear model.

Enters: a `MultiInput`. Leaves: a matrix; what an array becomes follows from its `InputSpec` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from scipy import sparse
from sklearn import config_context
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from skmerge._spec import PADDING_ID, InputSpec
from skmerge.multi_input import MultiInput

_THUMBNAIL = 24
_MAX_COMPONENTS = 150
_WIDE = 2000
_CHUNK = 512


class LinearFeatures:
    """Turns each input into columns, and lays them side by side.

    - ids become counts, then TF-IDF with ``1 + log(count)``;
    - pictures are averaged over areas to at most 24 by 24 pixels, then reduced to at most 150
      principal components;
    - numbers are standardised, codes of categories one-hot;
    - sequences with a step mask become mean and standard deviation over their steps;
    - sparse matrices stay as they are, other arrays are laid flat and standardised, and reduced
      to 150 principal components where they are wider than 2,000;
    - for inputs that a row can lack, one column says whether it has it.

    Parameters
    ----------
    specs : mapping of str to InputSpec
        The inputs.
    """

    def __init__(self, specs: Mapping[str, InputSpec]) -> None:
        self.specs = specs

    def fit_transform(self, X: MultiInput) -> Any:
        """Learn from training rows, and return their columns.

        Parameters
        ----------
        X : MultiInput
            The training rows.

        Returns
        -------
        ndarray or CSR matrix of shape (n_samples, n_columns)
            The columns.
        """
        with config_context(transform_output="default"):
            self.readers_ = {
                name: _reader(spec, X[name].shape) for name, spec in self.specs.items()
            }
            blocks = [reader.fit_transform(X[name]) for name, reader in self.readers_.items()]
        return self._joined(blocks, X)

    def transform(self, X: MultiInput) -> Any:
        """Return the columns of rows.

        Parameters
        ----------
        X : MultiInput
            The rows.

        Returns
        -------
        ndarray or CSR matrix of shape (n_samples, n_columns)
            The columns.
        """
        with config_context(transform_output="default"):
            blocks = [reader.transform(X[name]) for name, reader in self.readers_.items()]
        return self._joined(blocks, X)

    def _joined(self, blocks: list[Any], X: MultiInput) -> Any:
        for name, spec in self.specs.items():
            if spec.optional:
                mask = X.masks.get(name, np.ones(len(X), dtype=bool))
                blocks.append(mask.astype(np.float64)[:, np.newaxis])
        if any(sparse.issparse(block) for block in blocks):
            return sparse.hstack(blocks, format="csr")
        return np.concatenate(blocks, axis=1)


def _reader(spec: InputSpec, shape: tuple[int, ...]) -> Pipeline | ColumnTransformer:
    """Return the unfitted transformer of one input, for an array of that shape."""
    if spec.vocabulary_size is not None:
        count = partial(count_ids, vocabulary_size=spec.vocabulary_size)
        return make_pipeline(FunctionTransformer(count), TfidfTransformer(sublinear_tf=True))
    if spec.sparse:
        return make_pipeline(FunctionTransformer(sparse.csr_matrix))
    if spec.code_columns:
        categories = [range(number) for number in spec.cardinalities]
        codes = OneHotEncoder(categories=categories, handle_unknown="ignore")
        numbers = list(spec.number_columns)
        return ColumnTransformer(
            [("numbers", StandardScaler(), numbers), ("codes", codes, list(spec.code_columns))]
        )
    if spec.step_mask:
        return make_pipeline(FunctionTransformer(step_statistics), StandardScaler())
    if len(spec.shape) == 3:
        width = min(shape[1], _THUMBNAIL) * min(shape[2], _THUMBNAIL) * shape[3]
        return make_pipeline(FunctionTransformer(thumbnails), _reduced(shape[0], width))
    width = int(np.prod(shape[1:]))
    steps = [FunctionTransformer(_flat), StandardScaler()]
    return make_pipeline(*steps, *([_reduced(shape[0], width)] if width > _WIDE else []))


def _reduced(n_rows: int, width: int) -> Any:
    n_components = min(_MAX_COMPONENTS, n_rows, width)
    return PCA(n_components, svd_solver="randomized", random_state=0)


def count_ids(array: Any, *, vocabulary_size: int) -> sparse.csr_matrix:
    """Count how often each id occurs in each row, padding left out.

    Parameters
    ----------
    array : ndarray of shape (n_samples, ...), dtype int
        Ids.
    vocabulary_size : int
        Number of ids.

    Returns
    -------
    CSR matrix of shape (n_samples, vocabulary_size)
        The counts.
    """
    ids = np.asarray(array).reshape(len(array), -1)
    rows, columns = np.nonzero(ids != PADDING_ID)
    ones = np.ones(len(rows))
    return sparse.csr_matrix((ones, (rows, ids[rows, columns])), (len(ids), vocabulary_size))


def step_statistics(array: Any) -> np.ndarray:
    """Return mean and standard deviation of each channel over the steps that a row has.

    Parameters
    ----------
    array : ndarray of shape (n_samples, length, channels)
        Sequences; the last channel is 1 for a step and 0 for padding.

    Returns
    -------
    ndarray of shape (n_samples, 2 * (channels - 1) + 1)
        Means, standard deviations and number of steps; zeros for a row without steps.
    """
    values, mask = np.asarray(array[:, :, :-1], float), np.asarray(array[:, :, -1:], float)
    n_steps = mask.sum(axis=1)
    divisor = np.maximum(n_steps, 1)
    means = (values * mask).sum(axis=1) / divisor
    deviations = (values - means[:, np.newaxis]) * mask
    spreads = np.sqrt((deviations**2).sum(axis=1) / divisor)
    return np.concatenate([means, spreads, n_steps], axis=1)


def thumbnails(array: Any) -> np.ndarray:
    """Average pictures over areas of whole pixels, to at most 24 by 24 values per channel.

    Parameters
    ----------
    array : array of shape (n_samples, height, width, channels)
        The pictures; read in chunks, and so may lie on disk.

    Returns
    -------
    ndarray of shape (n_samples, n_values), dtype float32
        The averages, between 0 and 1 if the array holds bytes.
    """
    scale = 255 if np.dtype(array.dtype) == np.uint8 else 1
    parts = []
    for first in range(0, max(array.shape[0], 1), _CHUNK):
        pictures = np.asarray(array[first : first + _CHUNK], dtype=np.float32) / scale
        for axis in (1, 2):
            pictures = _averaged(pictures, axis)
        parts.append(pictures.reshape(len(pictures), -1))
    return np.concatenate(parts)


def _averaged(pictures: np.ndarray, axis: int) -> np.ndarray:
    """Average neighbours along an axis, so that at most `_THUMBNAIL` values are left."""
    length = pictures.shape[axis]
    if length <= _THUMBNAIL:
        return pictures
    edges = np.linspace(0, length, _THUMBNAIL + 1).astype(int)
    counts = np.diff(edges).reshape([-1 if i == axis else 1 for i in range(pictures.ndim)])
    return np.add.reduceat(pictures, edges[:-1], axis=axis) / counts


def _flat(array: Any) -> np.ndarray:
    array = np.asarray(array, dtype=np.float64)
    return array.reshape(len(array), -1)
