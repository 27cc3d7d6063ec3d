"""The merge that decides row by row, and unit by unit, how much of each branch to let through."""

from __future__ import annotations

from typing import Any

from skmerge.merges._base import Merge, stacked_presence, widest


class Gated(Merge):
    """Gated multimodal unit: ``sum_i z_i * tanh(W_i x_i)``, ``z_i = sigmoid(V_i [x_1; ...; x_k])``.

    The gates ``z_i``, between 0 and 1, depend on all inputs: one can learn to close where another
    says so, or where it is of no use itself. The gates of an input that a row lacks are 0. They are
    the output of the layer ``"gates"``, of shape ``(batch, n_inputs, units)``.

    This is the model of [1]_ (section 3.1, figure 2a), which has no biases. For two inputs the
    paper goes on to tie the gates, ``z_2 = 1 - z_1`` (figure 2b). Here each input keeps gates of
    its own, so that both may be open, and neither opens because a row lacks the other.

    Parameters
    ----------
    units : int, default=None
        Width of the merged features. None is the width of the widest branch.

    References
    ----------
    .. [1] J. Arevalo, T. Solorio, M. Montes-y-Gomez, F. A. Gonzalez, "Gated Multimodal Units for
       Information Fusion", ICLR workshop 2017, arXiv:1702.01992.

    Examples
    --------
    >>> from skmerge.merges import Gated
    >>> Gated(units=32)
    Gated(units=32)
    """

    needs_equal_widths = False
    maps_in_join = True

    def _join(self, features: list[Any], presence: list[Any]) -> Any:
        from keras import layers, ops

        units = self.units or widest(features)
        values = [
            layers.Dense(units, activation="tanh", use_bias=False, name=f"value_{position}")(x)
            for position, x in enumerate(features)
        ]
        return ops.sum(self._gates(features, presence, units) * ops.stack(values, axis=1), axis=1)

    def _gates(self, features: list[Any], presence: list[Any], units: int) -> Any:
        from keras import layers

        everything = layers.Concatenate(name="everything")(features)
        gates = layers.Dense(
            len(features) * units, activation="sigmoid", use_bias=False, name="gate"
        )(everything)
        present = stacked_presence(presence)
        shape = (len(features), units)
        if present is None:
            return layers.Reshape(shape, name="gates")(gates)
        return layers.Multiply(name="gates")([layers.Reshape(shape)(gates), present])
