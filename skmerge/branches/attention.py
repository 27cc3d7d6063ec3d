"""A small transformer: sequences of words or numbers go in, features of all steps come out."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

from sklearn.utils._param_validation import Interval, StrOptions

from skmerge._spec import InputSpec
from skmerge.branches._base import Branch, check_widths
from skmerge.branches._sequences import read_steps
from skmerge.branches.dense import dense_layers


class AttentionBranch(Branch):
    """Layers of self-attention over a sequence, pooled over its steps.

    Reads rows of ids, which are embedded (0 is padding at the end), and sequences of numbers, of
    one length or with a mask of steps, which are projected to `units`. Positions are added as
    sinusoids, embeddings times ``sqrt(units)`` before [1]_, so that rows may be of any length.
    Each layer adds to every step what it draws from all steps of the row, then a feed-forward
    network's output; both read the step normalised (pre-norm [2]_), and a last normalisation
    precedes the pooling. Padding is never attended to. A row without steps gives zeros, or with
    ``"cls"`` features of the token alone.

    Parameters
    ----------
    units : int, default=64
        Width of a step in all layers, a multiple of `n_heads`.
    n_layers : int, default=1
        Number of layers.
    n_heads : int, default=4
        Number of attention heads of a layer.
    feedforward_factor : int, default=2
        Width of the feed-forward networks as a multiple of `units`.
    pooling : {"average", "max", "sum", "average_max", "cls"}, default="average"
        How the steps of a row become one vector. ``"cls"`` sets a learned token before the row
        and takes what it becomes.
    dense_units : tuple of int, default=()
        Widths of dense layers after the pooling, ``()`` for none.
    activation : str or None, default="relu"
        Name of the Keras activation within the feed-forward networks, and after each dense layer.
    dropout : float, default=0.0
        Share of the units dropped in training: of the steps before the first layer, of what each
        layer adds to a step, and after each dense layer; 0 up to 1 (excluded).
    spatial_dropout : float, default=0.0
        Share of the embedding's units (or channels) dropped in training, in all steps of a row
        at once.

    References
    ----------
    .. [1] A. Vaswani et al., "Attention Is All You Need", NeurIPS 2017, sections 3.2 to 3.5 and
       5.4; the feed-forward networks there are four times as wide as a step.
    .. [2] R. Xiong et al., "On Layer Normalization in the Transformer Architecture", ICML 2020,
       figure 1 (b).

    Examples
    --------
    >>> from skmerge import AttentionBranch
    >>> AttentionBranch(32, n_layers=2, pooling="cls")
    AttentionBranch(n_layers=2, pooling='cls', units=32)
    """

    builds_for_more = True

    _parameter_constraints = {
        "units": [Interval(Integral, 1, None, closed="left")],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "n_heads": [Interval(Integral, 1, None, closed="left")],
        "feedforward_factor": [Interval(Integral, 1, None, closed="left")],
        "pooling": [StrOptions({"average", "max", "sum", "average_max", "cls"})],
        "dense_units": [tuple, list],
        "activation": [str, None],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "spatial_dropout": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        units: int = 64,
        *,
        n_layers: int = 1,
        n_heads: int = 4,
        feedforward_factor: int = 2,
        pooling: str = "average",
        dense_units: tuple[int, ...] = (),
        activation: str | None = "relu",
        dropout: float = 0.0,
        spatial_dropout: float = 0.0,
    ) -> None:
        self.units = units
        self.n_layers = n_layers
        self.n_heads = n_heads
        self.feedforward_factor = feedforward_factor
        self.pooling = pooling
        self.dense_units = dense_units
        self.activation = activation
        self.dropout = dropout
        self.spatial_dropout = spatial_dropout

    def build(self, tensor: Any, spec: InputSpec) -> Any:
        """Add the embedding, the attention and the dense layers to the network.

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
        from keras import layers

        from skmerge._layers import MaskedPooling
        from skmerge._layers.sequences import FirstStep, SinusoidalPositions

        self._check_parameters()
        vectors, mask = read_steps(
            tensor,
            spec,
            owner=type(self).__name__,
            embedding_dim=self.units,
            spatial_dropout=self.spatial_dropout,
        )
        if spec.vocabulary_size is None:
            vectors = layers.Dense(self.units, name="projection")(vectors)
        else:
            # as large as the sinusoids, which would drown out new embeddings
            vectors = layers.Rescaling(math.sqrt(self.units), name="scaled")(vectors)
        vectors = SinusoidalPositions(name="positions")(vectors)
        if self.dropout:
            vectors = layers.Dropout(self.dropout, name="positions-dropout")(vectors)
        if self.pooling == "cls":
            vectors, mask = FirstStep(name="cls")([vectors, mask])
        for position in range(1, self.n_layers + 1):
            vectors = self._attended(vectors, mask, f"attention_{position}")
            vectors = self._fed_forward(vectors, f"feedforward_{position}")
        vectors = layers.LayerNormalization(name="normalized")(vectors)
        if self.pooling == "cls":
            features = vectors[:, 0]
        else:
            features = MaskedPooling(self.pooling, name="pooling")([vectors, mask])
        return dense_layers(
            features, self.dense_units, activation=self.activation, dropout=self.dropout
        )

    def _check_parameters(self) -> None:
        self._validate_params()
        check_widths("dense_units", type(self).__name__, self.dense_units)
        if self.units % self.n_heads:
            raise ValueError(
                f"The 'units' parameter of AttentionBranch must be a multiple of 'n_heads'. Got "
                f"units={self.units!r} and n_heads={self.n_heads!r}."
            )

    def _attended(self, vectors: Any, mask: Any, name: str) -> Any:
        """Add to each step what it draws from all steps of its row."""
        from keras import layers

        normalized = layers.LayerNormalization(name=f"{name}-normalized")(vectors)
        attention = layers.MultiHeadAttention(self.n_heads, self.units // self.n_heads, name=name)
        return self._added(vectors, attention(normalized, normalized, key_mask=mask), name)

    def _fed_forward(self, vectors: Any, name: str) -> Any:
        """Add to each step what two dense layers make of it."""
        from keras import layers

        wide = layers.LayerNormalization(name=f"{name}-normalized")(vectors)
        width = self.units * self.feedforward_factor
        wide = layers.Dense(width, activation=self.activation, name=f"{name}-wide")(wide)
        return self._added(vectors, layers.Dense(self.units, name=name)(wide), name)

    def _added(self, vectors: Any, update: Any, name: str) -> Any:
        from keras import layers

        if self.dropout:
            update = layers.Dropout(self.dropout, name=f"{name}-dropout")(update)
        return layers.Add(name=f"{name}-added")([vectors, update])
