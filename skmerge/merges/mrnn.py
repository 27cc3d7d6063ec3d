"""The multimodal layer of the m-RNN: linear maps of all branches, added up and bent."""

from __future__ import annotations

from typing import Any

from skmerge.merges._base import Merge, widest


class MRNN(Merge):
    """Multimodal layer of the m-RNN: ``1.7159 * tanh(2 / 3 * sum_i V_i x_i)``.

    Joins the embedding of the last word, the recurrent state and the picture in [1]_ (the
    multimodal layer, equations 3 and 4), but any number of any inputs will do. No biases, as in the
    paper. The scaled tanh is that of LeCun: 1 at 1, and steep there.

    Parameters
    ----------
    units : int, default=None
        Width of the merged features. None is the width of the widest branch.

    References
    ----------
    .. [1] J. Mao, W. Xu, Y. Yang, J. Wang, Z. Huang, A. Yuille, "Deep Captioning with Multimodal
       Recurrent Neural Networks (m-RNN)", ICLR 2015, arXiv:1412.6632.

    Examples
    --------
    >>> from skmerge.merges import MRNN
    >>> MRNN(units=512)
    MRNN(units=512)
    """

    needs_equal_widths = False
    maps_in_join = True

    def _join(self, features: list[Any], presence: list[Any]) -> Any:
        from keras import layers, ops

        units = self.units or widest(features)
        mapped = [
            layers.Dense(units, use_bias=False, name=f"map_{position}")(feature)
            for position, feature in enumerate(features)
        ]
        return 1.7159 * ops.tanh(layers.Add(name="sum")(mapped) * (2 / 3))
