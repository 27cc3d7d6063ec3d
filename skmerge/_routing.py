"""From what the user gives to rows that can be trained on: routed, weighted, parted.

Enters: X in any form, targets and weights. Leaves: a fitted router, and `RoutedRows`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone, is_classifier
from sklearn.model_selection import train_test_split
from sklearn.utils import check_consistent_length
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import _check_sample_weight

from skmerge._blocks import spooled
from skmerge._chunks import Chunks
from skmerge._errors import counting_from, short_repr
from skmerge._row_sample import RowSample
from skmerge._spec import InputSpec
from skmerge._tables import name_inputs
from skmerge._targets import check_targets
from skmerge._wide_part import RoutedRows
from skmerge.branches._rebuild import is_keras_layer
from skmerge.branches.keras_branch import KerasBranch
from skmerge.multi_input import MultiInput
from skmerge.router import ColumnRouter


class RoutesRows:
    """Mixin: the rows of an estimator, as its router makes them."""

    router: Any
    branches: Any
    input_dropout: float
    validation_fraction: float
    router_: ColumnRouter | None
    specs_: dict[str, InputSpec]

    def _split(
        self, y: np.ndarray, weights: np.ndarray, seed: int, most: int | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Hold out rows for early stopping, by class where every class has enough of them."""
        n_held_out = max(1, round(self.validation_fraction * len(y)))
        n_held_out = n_held_out if most is None else min(n_held_out, most)
        n_training = len(y) - n_held_out
        if n_training < 1:
            raise ValueError(
                f"early_stopping must hold out rows for validation. Got {len(y)} row, too few."
            )
        labels = y if is_classifier(self) and y.ndim == 1 else None
        if labels is not None:
            counts = np.unique(labels, return_counts=True)[1]
            if counts.min() < 2 or min(n_held_out, n_training) < len(counts):
                labels = None
        training, held_out = train_test_split(
            np.arange(len(y)), test_size=n_held_out, stratify=labels, random_state=seed
        )
        if not weights[training].any() or not weights[held_out].any():
            raise ValueError(
                "Both the rows trained on and the rows held out for early stopping must contain a "
                "non-zero sample weight. Got all zeros in one part; try another random_state."
            )
        return training, held_out

    def _routed_parts(
        self,
        X: Any,
        y: np.ndarray,
        weights: np.ndarray,
        parts: Any,
        *,
        targets: Any,
        continued: bool,
        router: ColumnRouter | None = None,
    ) -> tuple[ColumnRouter | None, RoutedRows, RoutedRows | None]:
        """Route all rows, and part those trained on from those held out.

        The router learns of all of them, so that no category or word is lost that only rows held
        out have.
        """
        router, routed = (router, X) if router else self._routed(X, continued)
        rows = RoutedRows(routed, targets.encode(y), weights)
        training, held_out = parts
        if held_out is None:
            return router, rows, None
        return router, rows.taken(training), rows.taken(held_out)

    def _routed(self, X: Any, continued: bool) -> tuple[ColumnRouter | None, MultiInput]:
        if continued:
            return self.router_, self._encode(self.router_, X, self.specs_)
        if isinstance(X, MultiInput):
            return None, _with_presence(X) if self.input_dropout else X
        router = self._new_router(X)
        return router, router.fit_transform(X)

    def _routed_chunks(
        self, chunks: Chunks, folder: Path, *, continued: bool
    ) -> tuple[ColumnRouter | None, MultiInput, np.ndarray, np.ndarray | None]:
        """Fit the router on a sample of chunks, and encode all of them into files."""
        subsample = 1 if continued else self._new_router().subsample
        survey = chunks.survey(RowSample(subsample))
        check_targets(survey.y, self)
        if continued:
            router, specs = self.router_, self.specs_
        else:
            with counting_from(survey.sample.numbers):
                router = self._new_router(survey.sample.rows).fit(survey.sample.rows)
            specs = router.specs_
        X = spooled(chunks, survey.y, partial(self._encode, router, specs=specs), specs, folder)
        return router, X, survey.y, survey.sample_weight

    def _new_router(self, X: Any = None) -> ColumnRouter:
        """Return a router for rows like these, not fitted."""
        router = ColumnRouter() if self.router is None else clone(self.router)
        raw = self._raw_inputs(X, router)
        if raw:
            router.set_params(inputs={**({} if router.inputs == "auto" else router.inputs), **raw})
        if self.input_dropout:
            router.set_params(missing_inputs="absent")
        return router

    def _raw_inputs(self, X: Any, router: ColumnRouter) -> dict[str, str]:
        """Name the arrays that go to a network of the user's own, which gets them as they are."""
        if not isinstance(X, Mapping) or issparse(X):
            return {}
        named = {} if isinstance(router.inputs, str) else router.inputs
        return {
            name: "array"
            for name, branch in (self.branches or {}).items()
            if name in X
            and name not in named
            and _is_of_keras(branch)
            and isinstance(X[name], np.ndarray)
            and X[name].dtype.kind in "biuf"
        }

    def _encode(
        self, router: ColumnRouter | None, X: Any, specs: Mapping[str, InputSpec]
    ) -> MultiInput:
        """Route rows with a fitted router, and see that they have the inputs of the fit."""
        if not isinstance(X, MultiInput):
            if router is None:
                raise ValueError(
                    f"{type(self).__name__} was fitted on a MultiInput and must get one again. "
                    f"Got {type(X).__name__}."
                )
            if router.takes_entries and isinstance(X, (list, tuple)):
                X = name_inputs(X, list(router.feature_names_in_))
            X = router.transform(X)
        may_be_missing = all(spec.optional for spec in specs.values()) and (
            router is None or router.missing_inputs == "absent"
        )
        return X.select_like(specs, missing_inputs="absent" if may_be_missing else "error")

    def _validation_rows(
        self, router: Any, validation_data: Any, targets: Any, training: MultiInput
    ) -> Any:
        if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
            raise ValueError(
                "validation_data must be a tuple (X, y) or (X, y, sample_weight). "
                f"Got {type(validation_data).__name__}."
            )
        X, y, *sample_weight = validation_data
        y = check_targets(y, self)
        # in a Pipeline, the router has made the training rows, but not these
        routed = self._encode(training.router if router is None else router, X, training.specs)
        check_consistent_length(routed, y)
        weights = self._weights(y, sample_weight[0] if sample_weight else None)
        return RoutedRows(routed, targets.encode(y), weights)

    def _weights(self, y: np.ndarray, sample_weight: Any) -> np.ndarray:
        try:
            with np.errstate(invalid="ignore"):  # infinite ones are summed up, then refused
                weights = _check_sample_weight(
                    sample_weight, y, dtype=np.float64, ensure_non_negative=True
                )
        except (OverflowError, TypeError, ValueError) as error:
            if "sample" in str(error).lower():
                raise
            raise ValueError(
                "sample_weight must be None, one number, or one finite number per row. Got "
                f"{short_repr(sample_weight)} of type {type(sample_weight).__name__}."
            ) from error
        class_weight = getattr(self, "class_weight", None)
        if class_weight is not None:
            weights = weights * compute_sample_weight(class_weight, y)
        if not weights.any():
            raise ValueError("Sample weights must contain at least one non-zero number.")
        return weights


def _with_presence(X: MultiInput) -> MultiInput:
    """Return the rows with inputs that a row can lack, be it that none does."""
    optional = X.select_like({name: replace(spec, optional=True) for name, spec in X.specs.items()})
    optional.router = X.router
    return optional


def _is_of_keras(branch: Any) -> bool:
    return is_keras_layer(branch) or isinstance(branch, KerasBranch)
