"""Dense layers: a table, vectors or any other array of numbers goes in, features come out.

Category codes of a table are embedded first, and laid beside its numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

from sklearn.utils._param_validation import Interval, StrOptions

from skmerge._spec import InputSpec
from skmerge.branches._base import Branch, check_widths


class DenseBranch(Branch):
    """Dense layers on numbers and embedded category codes.

    Reads tables, arrays of any rank (flattened) and sparse matrices. Integers and booleans
    are read as the numbers they are, unscaled.

    Parameters
    ----------
    units : tuple of int, default=(64,)
        Widths of the dense layers, first to last. ``()`` for no layer: the features are the
        numbers and embeddings themselves.
    embedding_dim : int or "auto", default="auto"
        Width of the embedding of each code column. ``"auto"`` is
        ``min(50, round(1.6 * n_codes ** 0.56))``, the rule of fastai's tabular models [1]_
        with a lower bound on the largest.
    activation : str or None, default="relu"
        Name of the Keras activation after each dense layer; None for linear layers.
    dropout : float, default=0.0
        Share of the units dropped after each dense layer in training, 0 up to 1 (excluded).
    batch_normalization : bool, default=False
        Whether to normalise each dense layer's outputs before the activation.

    References
    ----------
    .. [1] J. Howard, S. Gugger, "fastai: A Layered API for Deep Learning", Information 11(2),
       2020; function ``emb_sz_rule``, whose largest width is 600.

    Examples
    --------
    >>> from skmerge import DenseBranch
    >>> DenseBranch(units=(32, 16), dropout=0.2)
    DenseBranch(dropout=0.2, units=(32, 16))
    """

    builds_for_more = True

    _parameter_constraints = {
        "units": [tuple, list],
        "embedding_dim": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "activation": [str, None],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "batch_normalization": ["boolean"],
    }

    def __init__(
        self,
        units: tuple[int, ...] = (64,),
        *,
        embedding_dim: int | str = "auto",
        activation: str | None = "relu",
        dropout: float = 0.0,
        batch_normalization: bool = False,
    ) -> None:
        self.units = units
        self.embedding_dim = embedding_dim
        self.activation = activation
        self.dropout = dropout
        self.batch_normalization = batch_normalization

    def build(self, tensor: Any, spec: InputSpec) -> Any:
        """Add the embeddings and dense layers to the network.

        Parameters
        ----------
        tensor : KerasTensor of shape (batch, *spec.shape)
            The input, of dtype ``spec.dtype``; a sparse tensor where ``spec.sparse``.
        spec : InputSpec
            Description of the input.

        Returns
        -------
        KerasTensor of shape (batch, units)
            The features.

        Raises
        ------
        ValueError
            If the input holds ids of words, its shape varies between batches, it is sparse
            and has code columns or no dense layer follows, or a parameter is not valid.
        """
        self._validate_params()
        check_widths("units", type(self).__name__, self.units)
        return dense_layers(
            self._numbers(tensor, spec),
            self.units,
            activation=self.activation,
            dropout=self.dropout,
            batch_normalization=self.batch_normalization,
        )

    def _numbers(self, tensor: Any, spec: InputSpec) -> Any:
        if spec.vocabulary_size is not None:
            raise ValueError(
                f"DenseBranch reads numbers, but the array holds ids of a vocabulary of "
                f"{spec.vocabulary_size}. Use 'embedding'."
            )
        if None in spec.shape:
            raise ValueError(
                f"DenseBranch reads rows of one length. Got shape {spec.shape}, where None "
                "varies. Encode to a fixed length."
            )
        if spec.sparse:
            return self._sparse_numbers(tensor, spec)
        if spec.code_columns:
            return self._embedded(tensor, spec)
        return flat(as_float(tensor))

    def _sparse_numbers(self, tensor: Any, spec: InputSpec) -> Any:
        if spec.code_columns or not self.units:
            problem = "code columns" if spec.code_columns else "no dense layer (units=())"
            raise ValueError(
                f"DenseBranch reads sparse numbers through a dense layer of its own. Got {problem}."
                " Give units a width, and leave category codes dense."
            )
        return as_float(tensor)

    def _embedded(self, tensor: Any, spec: InputSpec) -> Any:
        from skmerge._layers import TabularFeatures

        dims = [self._embedding_dim(cardinality) for cardinality in spec.cardinalities]
        features = TabularFeatures(
            spec.number_columns, spec.code_columns, spec.cardinalities, dims, name="embedding"
        )
        return features(tensor)

    def _embedding_dim(self, cardinality: int) -> int:
        if self.embedding_dim != "auto":
            return int(self.embedding_dim)
        return min(50, max(1, round(1.6 * math.pow(cardinality, 0.56))))


def dense_layers(
    features: Any,
    units: Iterable[int],
    *,
    activation: str | None,
    dropout: float,
    batch_normalization: bool = False,
) -> Any:
    """Add dense layers to the network, each with what follows it.

    Parameters
    ----------
    features : KerasTensor of shape (batch, width)
        What the first layer reads.
    units : iterable of int
        Widths of the layers.
    activation : str or None
        Name of the Keras activation after each layer.
    dropout : float
        Share of the units dropped after each layer in training.
    batch_normalization : bool, default=False
        Whether to normalise each layer's outputs before the activation.

    Returns
    -------
    KerasTensor of shape (batch, units)
        The last layer's outputs, or `features` without layers.
    """
    from keras import layers

    for position, width in enumerate(units, start=1):
        name = f"dense_{position}"
        if batch_normalization:
            features = layers.Dense(width, use_bias=False, name=name)(features)
            features = layers.BatchNormalization(name=f"{name}-normalized")(features)
            features = layers.Activation(activation, name=f"{name}-activated")(features)
        else:
            features = layers.Dense(width, activation=activation, name=name)(features)
        if dropout:
            features = layers.Dropout(dropout, name=f"{name}-dropout")(features)
    return features


def as_float(tensor: Any) -> Any:
    """Cast integers and booleans to float32, leave floats alone.

    Parameters
    ----------
    tensor : KerasTensor
        Numbers of any type.

    Returns
    -------
    KerasTensor
        The numbers as floats.
    """
    import keras

    if keras.backend.is_float_dtype(tensor.dtype):
        return tensor
    return keras.ops.cast(tensor, "float32")


def flat(tensor: Any) -> Any:
    """Flatten each row to a vector.

    Parameters
    ----------
    tensor : KerasTensor of shape (batch, ...)
        Rows of any rank.

    Returns
    -------
    KerasTensor of shape (batch, width)
        Rows of rank 1.
    """
    from keras import layers

    if len(tensor.shape) == 2:
        return tensor
    return layers.Flatten(name="flat-rows")(tensor)
