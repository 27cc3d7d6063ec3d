"""The merge that multiplies linear views of all branches, several times over."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from sklearn.utils._param_validation import Interval

from skmerge.merges._base import Merge, widest


class Bilinear(Merge):
    """Low-rank multimodal fusion: ``sum_r prod_i (W_i^r [x_i; 1])``.

    A product of all inputs' units, with a weight for every combination of units, has more weights
    than can be learned; this one is a sum of `rank` products of linear maps [1]_. The 1 beside each
    input keeps the terms with fewer inputs in, down to each input alone.

    Follows equation 5 of the paper, with ``z_i = [x_i; 1]``: products over the inputs, summed over
    the rank, as in the authors' code. (Equation 6, as printed, sums before it multiplies, which is
    a product of rank 1.) Without the weight of each rank and the bias that their code adds, since
    the maps hold both. Initial weights are drawn so that the output has a standard deviation of
    about 1.5 for inputs of variance 1, whatever their number. Computed in float32, also under mixed
    precision: products leave the range of float16.

    Parameters
    ----------
    units : int, default=None
        Width of the merged features. None is the width of the widest branch.
    rank : int, default=4
        Number of products that are summed.

    References
    ----------
    .. [1] Z. Liu, Y. Shen, V. B. Lakshminarasimhan, P. P. Liang, A. Zadeh, L.-P. Morency,
       "Efficient Low-rank Multimodal Fusion with Modality-Specific Factors", ACL 2018,
       arXiv:1806.00064.

    Examples
    --------
    >>> from skmerge.merges import Bilinear
    >>> Bilinear(rank=8)
    Bilinear(rank=8)
    """

    _parameter_constraints = Merge._parameter_constraints | {
        "rank": [Interval(Integral, 1, None, closed="left")]
    }

    needs_equal_widths = False
    maps_in_join = True

    def __init__(self, units: int | None = None, rank: int = 4) -> None:
        self.units = units
        self.rank = rank

    def _join(self, features: list[Any], presence: list[Any]) -> Any:
        from keras import layers, ops

        units = self.units or widest(features)
        factors = [
            self._factor(feature, units, len(features), f"factor_{position}")
            for position, feature in enumerate(features)
        ]
        products = layers.Multiply(dtype="float32", name="products")(factors)
        return ops.sum(layers.Reshape((self.rank, units), dtype="float32")(products), axis=1)

    def _factor(self, feature: Any, units: int, n_inputs: int, name: str) -> Any:
        from keras import initializers, layers

        # factors of variance scale^2 (1 + 1 / k): the sum of products then has (1 + 1 / k)^k
        scale = self.rank ** (-0.5 / n_inputs)
        deviation = scale / (n_inputs * feature.shape[-1]) ** 0.5
        return layers.Dense(
            self.rank * units,
            kernel_initializer=initializers.RandomNormal(stddev=deviation),
            bias_initializer=initializers.RandomNormal(stddev=scale),
            dtype="float32",
            name=name,
        )(feature)
