"""Bags of words: ids of words go in, features of the embeddings pooled over them come out."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from sklearn.utils._param_validation import Interval, StrOptions

from skmerge._spec import InputSpec
from skmerge.branches._base import Branch, check_widths
from skmerge.branches.dense import dense_layers

_MANY_IDS = 1000
_DROPPED_OF_MANY = 0.5


class EmbeddingBranch(Branch):
    """Embeddings of ids, pooled over the ids of a row, then dense layers.

    Padding (id 0) takes no part in the pooling; a row of nothing but padding gives zeros to
    the dense layers. Order does not count, which is fast and hard to beat on few rows.

    Parameters
    ----------
    embedding_dim : int, default=64
        Width of the embedding of an id.
    units : tuple of int, default=(64,)
        Widths of the dense layers after the pooling, ``()`` for none.
    pooling : {"average", "max", "sum", "average_max"}, default="average"
        How the embeddings of a row become one vector; ``"average_max"`` lays both side by
        side.
    activation : str or None, default="relu"
        Name of the Keras activation after each dense layer; None for linear layers.
    dropout : float, default=0.0
        Share of the units dropped after each dense layer in training, 0 up to 1 (excluded).
    spatial_dropout : float or "auto", default="auto"
        Share of the embedding's units dropped in training, in all words of a row at once.
        ``"auto"`` is 0.5 with more than 1,000 ids, and 0 with fewer: rare words, of which there are
        many then, are learned by heart within a few epochs.

    Examples
    --------
    >>> from skmerge import EmbeddingBranch
    >>> EmbeddingBranch(32, pooling="average_max")
    EmbeddingBranch(embedding_dim=32, pooling='average_max')
    """

    builds_for_more = True

    _parameter_constraints = {
        "embedding_dim": [Interval(Integral, 1, None, closed="left")],
        "units": [tuple, list],
        "pooling": [StrOptions({"average", "max", "sum", "average_max"})],
        "activation": [str, None],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "spatial_dropout": [Interval(Real, 0, 1, closed="left"), StrOptions({"auto"})],
    }

    def __init__(
        self,
        embedding_dim: int = 64,
        units: tuple[int, ...] = (64,),
        *,
        pooling: str = "average",
        activation: str | None = "relu",
        dropout: float = 0.0,
        spatial_dropout: float | str = "auto",
    ) -> None:
        self.embedding_dim = embedding_dim
        self.units = units
        self.pooling = pooling
        self.activation = activation
        self.dropout = dropout
        self.spatial_dropout = spatial_dropout

    def build(self, tensor: Any, spec: InputSpec) -> Any:
        """Add the embedding, the pooling and the dense layers to the network.

        Parameters
        ----------
        tensor : KerasTensor of shape (batch, length)
            Ids of words, 0 where a row is padded.
        spec : InputSpec
            Description of the input, with a `vocabulary_size`.

        Returns
        -------
        KerasTensor of shape (batch, units)
            The features.

        Raises
        ------
        ValueError
            If the input does not hold ids in rows of rank 1, or a parameter is not valid.
        """
        from keras import layers

        from skmerge._layers import MaskedPooling

        self._validate_params()
        check_widths("units", type(self).__name__, self.units)
        self._check_ids(spec)
        vectors = layers.Embedding(spec.vocabulary_size, self.embedding_dim, name="embedding")(
            tensor
        )
        dropped, has_halves = self._dropped(spec), self.pooling == "average_max"
        if dropped and has_halves:
            vectors = layers.SpatialDropout1D(dropped, name="embedding-dropout")(vectors)
        pooled = MaskedPooling(self.pooling, name="pooling")([vectors, tensor])
        if dropped and not has_halves:
            # the same as before the pooling, and it is quicker for one vector than for all words
            pooled = layers.Dropout(dropped, name="embedding-dropout")(pooled)
        return dense_layers(pooled, self.units, activation=self.activation, dropout=self.dropout)

    def _dropped(self, spec: InputSpec) -> float:
        if self.spatial_dropout == "auto":
            return _DROPPED_OF_MANY if (spec.vocabulary_size or 0) > _MANY_IDS else 0.0
        return float(self.spatial_dropout)

    def _check_ids(self, spec: InputSpec) -> None:
        if spec.vocabulary_size is None:
            raise ValueError(
                "EmbeddingBranch reads ids of a vocabulary, but the spec has no vocabulary_size. "
                "Encode the column as 'text', or use 'dense' for numbers."
            )
        if len(spec.shape) != 1 or spec.sparse:
            sparse = " of a sparse matrix" if spec.sparse else ""
            raise ValueError(
                "EmbeddingBranch reads dense rows of ids, of shape (length,). Got shape "
                f"{spec.shape}{sparse}. Use 'dense', or encode to rows of ids."
            )
