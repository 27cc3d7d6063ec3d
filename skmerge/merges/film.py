"""The merge in which one branch is scaled and shifted by the others."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from sklearn.utils._param_validation import Interval

from skmerge.merges._base import Merge


class FiLM(Merge):
    """Feature-wise linear modulation: ``gamma(c) * x + beta(c)``, unit by unit.

    One input, `x`, is scaled and shifted by what the others say: ``gamma`` and ``beta`` are linear
    in the concatenation `c` of all other inputs (equations 1 and 2 of [1]_, for vectors in place of
    feature maps). As in the paper's code (section 7.2, equation 3), ``gamma`` is ``1 + delta(c)``.
    Here ``delta`` and ``beta`` also start at exactly 0, so that training starts from `x` alone.

    Parameters
    ----------
    units : int, default=None
        Width that `x` is projected to first. None leaves it as it is: the merged features have its
        width.
    target : int, default=0
        Position of the input that is modulated, 0 for the first. A merge does not know the inputs'
        names: positions are in the order of the inputs, which is that of the columns, or of the
        router's ``inputs``.

    References
    ----------
    .. [1] E. Perez, F. Strub, H. de Vries, V. Dumoulin, A. Courville, "FiLM: Visual Reasoning with
       a General Conditioning Layer", AAAI 2018, arXiv:1709.07871.

    Examples
    --------
    >>> from skmerge.merges import FiLM
    >>> FiLM(target=1)
    FiLM(target=1)
    """

    _parameter_constraints = Merge._parameter_constraints | {
        "target": [Interval(Integral, 0, None, closed="left")]
    }

    needs_equal_widths = False
    maps_in_join = True

    def __init__(self, units: int | None = None, target: int = 0) -> None:
        self.units = units
        self.target = target

    def _join(self, features: list[Any], presence: list[Any]) -> Any:
        from keras import layers

        if self.target >= len(features):
            raise ValueError(
                f"The 'target' of FiLM must be the position of an input, 0 to {len(features) - 1}. "
                f"Got {self.target}."
            )
        x = features[self.target]
        if self.units is not None:
            x = layers.Dense(self.units, use_bias=False, name=f"project_{self.target}")(x)
        others = [*features[: self.target], *features[self.target + 1 :]]
        condition = others[0] if len(others) == 1 else layers.Concatenate(name="others")(others)
        delta, beta = (
            layers.Dense(x.shape[-1], kernel_initializer="zeros", name=name)(condition)
            for name in ("delta", "beta")
        )
        return (1 + delta) * x + beta
