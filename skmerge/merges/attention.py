"""The merge in which a token of its own attends over the branches, one token each."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from sklearn.utils._param_validation import Interval

from skmerge.merges._base import Merge, stacked_presence, widest


class AttentionMerge(Merge):
    """A class token attends over one token per input, and becomes the merged features.

    Each input is mapped to one token of `units`, by a linear map with a bias, which tells the
    inputs apart. In front of them goes a learned class token. All go through `n_layers` transformer
    blocks: ``x + attention(norm(x))``, then ``x + feed_forward(norm(x))``. The class token after
    the last block, normalised, is the output. Inputs that a row lacks are masked: nothing attends
    to them. A row that lacks all gets what the class token alone makes.

    The weights of the class token's attention in the last block are the output of the layer
    ``"gates"``, of shape ``(batch, n_inputs, n_heads)``: one for each input and head, 0 for inputs
    that a row lacks. With the class token's weight on itself, which is left out, those of a head
    sum to 1.

    Follows the FT-Transformer [1]_ (section 3.3), with whole inputs in place of columns: the first
    block does not normalise before its attention, and the last one computes only the class token.
    Two departures: the feed-forward part is two dense layers with a relu between, of ``2 * units``
    and `units`, and the attention has no biases.

    Parameters
    ----------
    units : int, default=None
        Width of the tokens and of the merged features. None is the width of the widest branch.
    n_layers : int, default=1
        Number of blocks. With one, the class token listens to the inputs; from two on, they also
        listen to one another.
    n_heads : int, default=4
        Number of heads of the attention, each of ``units / n_heads``, rounded up.
    dropout : float, default=0.0
        Share of the attention weights and of the hidden units of the feed-forward part that is
        dropped in training; 0 up to 1 (excluded).

    References
    ----------
    .. [1] Y. Gorishniy, I. Rubachev, V. Khrulkov, A. Babenko, "Revisiting Deep Learning Models for
       Tabular Data", NeurIPS 2021, arXiv:2106.11959.

    Examples
    --------
    >>> from skmerge.merges import AttentionMerge
    >>> AttentionMerge(units=64, n_layers=2)
    AttentionMerge(n_layers=2, units=64)
    """

    _parameter_constraints = Merge._parameter_constraints | {
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "n_heads": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
    }

    needs_equal_widths = False
    maps_in_join = True

    def __init__(
        self,
        units: int | None = None,
        *,
        n_layers: int = 1,
        n_heads: int = 4,
        dropout: float = 0.0,
    ) -> None:
        self.units = units
        self.n_layers = n_layers
        self.n_heads = n_heads
        self.dropout = dropout

    def _join(self, features: list[Any], presence: list[Any]) -> Any:
        from keras import layers, ops

        from skmerge._layers.merging import ClassToken

        units = self.units or widest(features)
        tokens = [
            layers.Dense(units, name=f"token_{position}")(feature)
            for position, feature in enumerate(features)
        ]
        tokens = ClassToken(name="class_token")(ops.stack(tokens, axis=1))
        present = stacked_presence([None, *presence])
        normed = tokens
        for position in range(self.n_layers - 1):
            tokens = self._block(tokens, normed, present, f"block_{position}")
            normed = layers.LayerNormalization(name=f"block_{position + 1}_norm")(tokens)
        token = self._last_block(tokens[:, 0], normed, present, f"block_{self.n_layers - 1}")
        return layers.LayerNormalization(name="norm")(token)

    def _block(self, tokens: Any, normed: Any, present: Any, name: str) -> Any:
        """Let all tokens attend to all that are present."""
        from keras import layers, ops

        attention = layers.MultiHeadAttention(
            self.n_heads,
            self._head_units(tokens),
            dropout=self.dropout,
            use_bias=False,
            name=f"{name}_attention",
        )
        mask = None if present is None else ops.transpose(present, (0, 2, 1))
        return self._fed_forward(tokens + attention(normed, normed, attention_mask=mask), name)

    def _last_block(self, token: Any, normed: Any, present: Any, name: str) -> Any:
        """Let the class token attend, by weights that can be read."""
        from keras import layers, ops

        from skmerge._layers.merging import ClassAttention

        n_tokens, units = normed.shape[1:]
        width = self.n_heads * self._head_units(normed)
        query = layers.Dense(width, use_bias=False, name=f"{name}_query")(normed[:, 0])
        keys = layers.Dense(width, use_bias=False, name=f"{name}_key")(normed)
        values = layers.Dense(width, use_bias=False, name=f"{name}_value")(normed)
        asked = [query, keys] if present is None else [query, keys, present]
        gates = ClassAttention(self.n_heads, name="gates")(asked)

        own = 1 - ops.sum(gates, axis=1, keepdims=True)
        weights = ops.expand_dims(ops.concatenate([own, gates], axis=1), -1)
        weights = layers.Dropout(self.dropout, name=f"{name}_dropout")(weights)
        values = layers.Reshape((n_tokens, self.n_heads, -1), name=f"{name}_heads")(values)
        heard = ops.reshape(ops.sum(weights * values, axis=1), (-1, width))
        heard = layers.Dense(units, use_bias=False, name=f"{name}_output")(heard)
        return self._fed_forward(token + heard, name)

    def _fed_forward(self, tokens: Any, name: str) -> Any:
        from keras import layers

        units = tokens.shape[-1]
        hidden = layers.LayerNormalization(name=f"{name}_feed_norm")(tokens)
        hidden = layers.Dense(2 * units, activation="relu", name=f"{name}_hidden")(hidden)
        hidden = layers.Dropout(self.dropout, name=f"{name}_hidden_dropout")(hidden)
        return tokens + layers.Dense(units, name=f"{name}_feed")(hidden)

    def _head_units(self, tokens: Any) -> int:
        return -(-tokens.shape[-1] // self.n_heads)
