"""The wide part of an estimator's network: fitted before the deep part is trained, blended after.

Enters: routed training and validation rows. Leaves: what the network is built with, and the weights
of its wide layers.
"""

from __future__ import annotations

import warnings
from math import prod
from typing import Any, NamedTuple, Self

import numpy as np

from skmerge._spec import TargetSpec, WideSpec
from skmerge._stored_rows import StoredRows
from skmerge._wide import (
    TargetRows,
    WideModel,
    blend_weights,
    constant_loss,
    fit_wide,
    mean_loss,
    row_losses,
)
from skmerge.multi_input import MultiInput

#: bytes of a row of an input from which on it stays in its files
_LARGE_ROW = 4096
#: validation rows from which on chance does not make a useful network look useless
_ENOUGH_TO_WARN = 20


class RoutedRows(NamedTuple):
    """Rows on their way to the network.

    Parameters
    ----------
    X : MultiInput
        The inputs.
    targets : ndarray of shape (n_samples, n_columns)
        The encoded targets.
    weights : ndarray of shape (n_samples,)
        The weights of the rows.
    """

    X: MultiInput
    targets: np.ndarray
    weights: np.ndarray

    def weighted(self) -> RoutedRows:
        """Return the rows whose weight is not 0.

        Returns
        -------
        RoutedRows
            These rows.
        """
        kept = np.flatnonzero(self.weights)
        return self if len(kept) == len(self.weights) else self.taken(kept)

    def taken(self, positions: np.ndarray) -> RoutedRows:
        """Return some of the rows.

        Parameters
        ----------
        positions : ndarray of int
            Which rows.

        Returns
        -------
        RoutedRows
            These rows.
        """
        return RoutedRows(self.X[positions], self.targets[positions], self.weights[positions])

    def read(self, n_rows: int) -> RoutedRows:
        """Return rows in memory: numbers and ids, not pictures, which stay in their files.

        Parameters
        ----------
        n_rows : int
            How many rows are read at most, spread evenly, for files may be sorted.

        Returns
        -------
        RoutedRows
            These rows, where an input of small rows is in files; otherwise all, as they are.
        """
        small = [name for name, array in self.X.items() if _is_small_in_files(array)]
        if not small:
            return self
        n_all = len(self.targets)
        rows = self if n_all <= n_rows else self.taken(np.arange(n_rows) * n_all // n_rows)
        arrays = {name: array.read() if name in small else array for name, array in rows.X.items()}
        return rows._replace(X=MultiInput(arrays, rows.X.specs, rows.X.masks))


def _is_small_in_files(array: Any) -> bool:
    if not isinstance(array, StoredRows):
        return False
    return prod(array.shape[1:]) * array.dtype.itemsize < _LARGE_ROW


class WidePart:
    """A linear model beside the deep part, and how the two are blended.

    Parameters
    ----------
    model : WideModel or None
        The linear model; None where there is nothing to read for it.
    training : tuple of (MultiInput, TargetRows)
        The training rows.
    spec : TargetSpec
        What is predicted.
    """

    def __init__(
        self, model: WideModel | None, training: tuple[MultiInput, TargetRows], spec: TargetSpec
    ) -> None:
        self.model = model
        self.training = training
        self.spec = spec

    @classmethod
    def fitted(
        cls, estimator: Any, rows: RoutedRows, validation: RoutedRows, targets: Any, seed: int
    ) -> Self | None:
        """Fit the linear model, if the estimator is to have one.

        Parameters
        ----------
        estimator : MergedNet
            Whose parameters tell.
        rows : RoutedRows
            The training rows.
        validation : RoutedRows
            The rows that decide on the penalty.
        targets : ClassTargets or NumberTargets
            What is predicted.
        seed : int
            Seed of folds.

        Returns
        -------
        WidePart or None
            None with a loss that is not the one of the kind of target. Without a linear model
            there is only the deep part to be scaled.
        """
        spec = targets.spec
        if estimator.loss is not None or spec.output_activation is not None:
            return None
        training = rows.X, _target_rows(rows, spec)
        held_out = validation.X, _target_rows(validation, spec)
        reads = estimator.wide and not estimator.input_dropout  # it is not taught to do without
        model = fit_wide(*training, *held_out, seed=seed) if reads else None
        return cls(model, training, spec)

    @property
    def specs(self) -> dict[str, WideSpec]:
        """What the network's wide layers are built from, by input."""
        return {} if self.model is None else self.model.specs

    def baseline(self, validation: RoutedRows) -> float:
        """Return the loss, as Keras computes it, of a constant prediction of validation rows.

        Parameters
        ----------
        validation : RoutedRows
            The rows.

        Returns
        -------
        float
            Mean squared error or cross-entropy, averaged over outputs.
        """
        constant = constant_loss(self.training[1], _target_rows(validation, self.spec))
        if self.spec.kind == "regression":
            constant *= 2
        return constant if self.spec.kind == "multiclass" else constant / self.spec.n_outputs

    def blend_into(self, trainer: Any, validation: RoutedRows, *, refit: bool) -> None:
        """Find the shares of all predictions, and set the weights of the wide layers.

        Parameters
        ----------
        trainer : NetworkTrainer
            Whose deep part is trained.
        validation : RoutedRows
            The rows that decide on the shares.
        refit : bool
            Whether the linear model is fitted again then, on these rows as well.
        """
        from skmerge.network import network_inputs, wire_names

        held_out = _target_rows(validation, self.spec)
        deep = trainer.reading("deep", network_inputs(validation.X), len(validation.X))
        wide = None if self.model is None else self.model.logits(validation.X)
        of_wide, *of_deep, bias = blend_weights(deep, wide, held_out)
        values, biases = {}, np.full(self.spec.n_outputs, bias)
        if self.model is not None:
            parts = [self.training, (validation.X, held_out)]
            final = self.model.fitted_on(parts) if refit else self.model
            wires = wire_names(trainer.built_specs)
            by_name = final.values(of_wide, trainer.built_specs)
            values = {wires[name]: weights for name, weights in by_name.items()}
            biases = biases + of_wide * final.weights[-1]
        trainer.set_wide(values, np.array(of_deep), biases)
        blended = np.tensordot(of_deep, deep, axes=1) + bias
        self._warn_if_useless(blended if wide is None else blended + of_wide * wide, held_out)
        self._warn_if_dragged(deep, list(validation.X.specs), held_out)

    def _warn_if_useless(self, blended: np.ndarray, held_out: TargetRows) -> None:
        reached = mean_loss(self.spec.kind, blended, held_out.Y, held_out.weights)
        constant = constant_loss(self.training[1], held_out)
        if reached < constant or len(held_out.Y) < _ENOUGH_TO_WARN:
            return
        best = "mean" if self.spec.kind == "regression" else "frequency of the classes"
        warnings.warn(
            f"The network predicts {len(held_out.Y)} validation rows no better than the {best} of "
            f"the training rows does (loss {reached:.4g} against {constant:.4g}). Try more rows, "
            "other inputs or branches, or a lower learning_rate; or the inputs may say nothing of "
            "the target.",
            UserWarning,
            stacklevel=6,  # fit is called by what tears its callbacks down
        )

    def _warn_if_dragged(
        self, deep: list[np.ndarray], names: list[str], held_out: TargetRows
    ) -> None:
        """Warn if the merged network is worse than one of its inputs, beyond chance."""
        if len(deep) == 1 or len(held_out.Y) < _ENOUGH_TO_WARN:
            return
        merged, *alone = (self._scaled_losses(each, held_out) for each in deep)
        best = int(np.argmin([each.mean() for each in alone]))
        behind = merged - alone[best]
        if behind.mean() <= 2 * behind.std(ddof=1) / np.sqrt(len(behind)):
            return
        others = [name for name in names if name != names[best]]
        warnings.warn(
            f"Input {names[best]!r} alone predicts {len(behind)} validation rows better than the "
            f"merged network does (loss {alone[best].mean():.4g} against {merged.mean():.4g}): the "
            f"other inputs ({', '.join(map(repr, others))}) drag it down. Try another merge, such "
            "as 'gated' or 'late', smaller branches or more dropout, or leave an input out; "
            "compare_merges shows what each is worth.",
            UserWarning,
            stacklevel=6,  # fit is called by what tears its callbacks down
        )

    def _scaled_losses(self, logits: np.ndarray, held_out: TargetRows) -> np.ndarray:
        """Return the loss of each row, too much or too little confidence set right before."""
        _, factor, bias = blend_weights([logits], None, held_out)
        losses = row_losses(self.spec.kind, factor * logits + bias, held_out.Y)
        return losses * held_out.weights


def _target_rows(rows: RoutedRows, spec: TargetSpec) -> TargetRows:
    """Return the targets with a column for each output, the weights with a mean of 1."""
    Y = rows.targets
    if spec.kind == "multiclass" and Y.shape[1] == 1:
        Y = np.eye(spec.n_outputs, dtype=np.float32)[Y[:, 0].astype(np.intp)]
    return TargetRows(Y, rows.weights / rows.weights.mean(), spec.kind)
