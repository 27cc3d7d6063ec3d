"""Convolutions over sequences: words or numbers go in, what the filters found comes out."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from sklearn.utils._param_validation import Interval, StrOptions

from skmerge._spec import InputSpec
from skmerge.branches._base import Branch, check_widths
from skmerge.branches._sequences import read_steps
from skmerge.branches.dense import dense_layers


class Conv1DBranch(Branch):
    """Filters of several widths side by side over a sequence, pooled over its steps [1]_.

    Reads rows of ids, which are embedded (0 is padding at the end), and sequences of numbers, of
    one length or with a mask of steps. A filter looks at windows of neighbouring steps, one window
    around each step of the row; where a window reaches beyond the row's ends it sees zeros. So
    rows shorter than a window are read as well, and padding makes no difference. A row without
    steps gives zeros to the dense layers.

    Parameters
    ----------
    filters : int, default=64
        Number of filters of each width.
    units : tuple of int, default=(64,)
        Widths of the dense layers after the pooling, ``()`` for none.
    kernel_sizes : tuple of int, default=(3, 4, 5)
        Widths of the filters, in steps.
    embedding_dim : int, default=64
        Width of the embedding of an id; of no use for numbers.
    pooling : {"max", "average", "sum", "average_max"}, default="max"
        What is taken of each filter's values over the steps of a row.
    activation : str or None, default="relu"
        Name of the Keras activation after the filters and after each dense layer.
    dropout : float, default=0.0
        Share of the units dropped after the pooling and after each dense layer in training, 0 up
        to 1 (excluded).
    spatial_dropout : float, default=0.0
        Share of the embedding's units (or channels) dropped in training, in all steps of a row
        at once.

    References
    ----------
    .. [1] Y. Kim, "Convolutional Neural Networks for Sentence Classification", EMNLP 2014, eqs. 2
       to 4. There a filter has windows inside the sentence only, and the output layer follows
       the pooling.

    Examples
    --------
    >>> from skmerge import Conv1DBranch
    >>> Conv1DBranch(32, kernel_sizes=(3, 9, 27), pooling="average_max")
    Conv1DBranch(filters=32, kernel_sizes=(3, 9, 27), pooling='average_max')
    """

    builds_for_more = True

    _parameter_constraints = {
        "filters": [Interval(Integral, 1, None, closed="left")],
        "units": [tuple, list],
        "kernel_sizes": [tuple, list],
        "embedding_dim": [Interval(Integral, 1, None, closed="left")],
        "pooling": [StrOptions({"max", "average", "sum", "average_max"})],
        "activation": [str, None],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "spatial_dropout": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        filters: int = 64,
        units: tuple[int, ...] = (64,),
        *,
        kernel_sizes: tuple[int, ...] = (3, 4, 5),
        embedding_dim: int = 64,
        pooling: str = "max",
        activation: str | None = "relu",
        dropout: float = 0.0,
        spatial_dropout: float = 0.0,
    ) -> None:
        self.filters = filters
        self.units = units
        self.kernel_sizes = kernel_sizes
        self.embedding_dim = embedding_dim
        self.pooling = pooling
        self.activation = activation
        self.dropout = dropout
        self.spatial_dropout = spatial_dropout

    def build(self, tensor: Any, spec: InputSpec) -> Any:
        """Add the embedding, the filters and the dense layers to the network.

        Parameters
        ----------
        tensor : KerasTensor of shape (batch, length) or (batch, length, channels)
            Ids of words or numbers.
        spec : InputSpec
            Description of the input.

        Returns
        -------
        KerasTensor of shape (batch, units)
            The features.

        Raises
        ------
        ValueError
            If the input does not hold sequences, or a parameter is not valid.
        """
        from keras import layers, ops

        self._check_parameters()
        vectors, mask = read_steps(
            tensor,
            spec,
            owner=type(self).__name__,
            embedding_dim=self.embedding_dim,
            spatial_dropout=self.spatial_dropout,
        )
        vectors = ops.where(ops.expand_dims(mask, -1), vectors, 0.0)
        pooled = [self._found(vectors, mask, size) for size in self.kernel_sizes]
        features = layers.Concatenate(name="windows")(pooled) if len(pooled) > 1 else pooled[0]
        if self.dropout:
            features = layers.Dropout(self.dropout, name="windows-dropout")(features)
        return dense_layers(features, self.units, activation=self.activation, dropout=self.dropout)

    def _check_parameters(self) -> None:
        self._validate_params()
        for name in ("units", "kernel_sizes"):
            check_widths(name, type(self).__name__, getattr(self, name))
        sizes = list(self.kernel_sizes)
        if not sizes or len(set(sizes)) < len(sizes):
            raise ValueError(
                "The 'kernel_sizes' parameter of Conv1DBranch must hold at least one width, and "
                f"each width once. Got {self.kernel_sizes!r}."
            )

    def _found(self, vectors: Any, mask: Any, size: int) -> Any:
        """Add the filters of one width, and what they find in a row."""
        from keras import layers

        from skmerge._layers import MaskedPooling

        windows = layers.Conv1D(
            self.filters, size, padding="same", activation=self.activation, name=f"conv_{size}"
        )(vectors)
        return MaskedPooling(self.pooling, name=f"pool_{size}")([windows, mask])
