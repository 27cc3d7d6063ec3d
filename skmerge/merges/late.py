"""Late fusion: every branch predicts for itself, and the predictions are weighed together."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

from sklearn.utils._param_validation import Interval, StrOptions

from skmerge._errors import short_repr
from skmerge.merges._base import Merge


class Late(Merge):
    """Predictions of a head on each branch, weighed together: an ensemble trained as one.

    Each branch has a head of its own, of the same layers, which predicts the target. What is
    joined are these predictions before the activation (logits; standardised values for numbers):
    their weighted mean, or a linear layer on all of them. Inputs that a row lacks have no part in
    the mean: the weights of the others are scaled up to a sum of 1.

    No layer sees two inputs together, so what only a combination of inputs tells cannot be
    learned. All else being equal, that is what to compare the other modes with.

    Parameters
    ----------
    weights : {"average", "learned", "stacked"} or sequence of float, default="average"
        ``"average"`` weighs all inputs alike; a sequence gives the weight of each input, in the
        order of the inputs; ``"learned"`` learns one weight for each input, at least 0;
        ``"stacked"`` learns a linear layer on all predictions side by side, which starts as their
        average (Wolpert 1992 [1]_, but trained with the branches, on the same rows).
    auxiliary : float, default=0.0
        Weight of the loss of each branch's own prediction, added in training to the loss of the
        joined one. Keeps a branch learning that the others have made unnecessary. The losses and
        metrics reported are those of the joined prediction.

    References
    ----------
    .. [1] D. H. Wolpert, "Stacked generalization", Neural Networks 5(2), 1992.

    Examples
    --------
    >>> from skmerge.merges import Late
    >>> Late("learned", auxiliary=0.3)
    Late(auxiliary=0.3, weights='learned')
    """

    _parameter_constraints = {
        "weights": [StrOptions({"average", "learned", "stacked"}), tuple, list],
        "auxiliary": [Interval(Real, 0, None, closed="left")],
    }

    needs_equal_widths = False
    joins_predictions = True
    units = None

    def __init__(
        self, weights: str | Sequence[float] = "average", *, auxiliary: float = 0.0
    ) -> None:
        self.weights = weights
        self.auxiliary = auxiliary

    def _join(self, features: list[Any], presence: list[Any]) -> Any:
        if self.weights == "stacked":
            return self._stacked(features, presence)
        from keras import layers, ops

        from skmerge._layers.late import InputWeights

        present = [
            ops.ones_like(logits[:, :1]) if given is None else given
            for logits, given in zip(features, presence, strict=True)
        ]
        weights = InputWeights(self._fixed(len(features)), dtype="float32", name="gates")(present)
        stacked = ops.stack(features, axis=1)
        weighted = layers.Multiply(dtype="float32", name="weighted")([stacked, weights])
        return ops.sum(weighted, axis=1)

    def _stacked(self, features: list[Any], presence: list[Any]) -> Any:
        from keras import layers

        kept = [
            logits if present is None else layers.Multiply(dtype="float32")([logits, present])
            for logits, present in zip(features, presence, strict=True)
        ]
        correction = layers.Dense(
            features[0].shape[-1], kernel_initializer="zeros", dtype="float32", name="stack"
        )
        average = layers.Average(dtype="float32", name="average")(kept)
        side_by_side = layers.Concatenate(dtype="float32", name="logits")(kept)
        return layers.Add(dtype="float32", name="stacked")([average, correction(side_by_side)])

    def _fixed(self, n_inputs: int) -> list[float] | None:
        if self.weights == "learned":
            return None
        if self.weights == "average":
            return [1.0] * n_inputs
        weights = [weight for weight in self.weights if isinstance(weight, Real)]
        fixed = [float(weight) for weight in weights]
        if len(fixed) != len(self.weights) or len(fixed) != n_inputs or not _are_shares(fixed):
            raise ValueError(
                f"The 'weights' of Late must be 'average', 'learned', 'stacked' or {n_inputs} "
                "numbers, one for each input, none below 0 and not all 0. Got "
                f"{short_repr(self.weights)}."
            )
        return fixed


def _are_shares(weights: list[float]) -> bool:
    return all(0 <= weight < float("inf") for weight in weights) and sum(weights) > 0
