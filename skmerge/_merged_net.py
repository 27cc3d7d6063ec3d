"""What classifier and regressor share: from rows and targets to a trained network.

Enters: X in any form, y and weights. Leaves: a fitted router, a trained network and its history.
Routing is the router's, the network that of `skmerge.network`, and training that of
`skmerge.training`, which is imported when it is first needed.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from functools import partial
from numbers import Integral, Real
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from skmerge._auto import batch_size_of, learning_rate_of, n_members_of, patience_of
from skmerge._blocks import encoded_blocks
from skmerge._callbacks import CallbackSupportMixin, FitTasks, with_callbacks
from skmerge._chunks import Chunks, as_chunks
from skmerge._errors import did_you_mean
from skmerge._inside import ReadsInside
from skmerge._routing import RoutesRows
from skmerge._saving import SavesItself
from skmerge._spec import NestedParams
from skmerge._tables import is_list_of_inputs, name_inputs
from skmerge._targets import check_targets
from skmerge._wide_part import RoutedRows, WidePart
from skmerge.branches import resolve_branch
from skmerge.branches._rebuild import is_keras_layer
from skmerge.branches.keras_branch import KerasBranch
from skmerge.merges import resolve_merge
from skmerge.multi_input import MultiInput
from skmerge.router import ColumnRouter

_ALL_ROWS: Any = slice(None)

#: Rows from which on ``early_stopping="auto"`` is True.
ENOUGH_TO_HOLD_OUT = 200
#: Rows in files that are read into memory: those held out, and those that the linear part reads.
_MOST_HELD_OUT = 50_000
_MOST_READ = 100_000


def _branch_of(value: Any, name: str | None) -> Any:
    return None if name is None else _or_none(resolve_branch, value)


def _merge_of(value: Any, name: str | None) -> Any:
    return _or_none(resolve_merge, value)


def _router_of(value: Any, name: str | None) -> Any:
    return ColumnRouter() if value is None else None


def _or_none(resolve: Any, value: Any) -> Any:
    try:
        return resolve(value)
    except ValueError:
        return None


class MergedNet(
    NestedParams, RoutesRows, ReadsInside, SavesItself, CallbackSupportMixin, BaseEstimator
):
    """What classifier and regressor share: routing, the training rows, the fitted network."""

    history_: dict[str, list[float]]
    loss_curve_: list[float]
    best_loss_: float
    n_iter_: int
    n_features_in_: int
    feature_names_in_: np.ndarray

    _families = {"router": _router_of, "branches": _branch_of, "merge": _merge_of}
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "merge": "no_validation",
        "router": [ColumnRouter, None],
        "branches": [dict, None],
        "head": "no_validation",
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "input_dropout": [Interval(Real, 0, 1, closed="left")],
        "optimizer": "no_validation",
        "learning_rate": "no_validation",
        "loss": "no_validation",
        "metrics": "no_validation",
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "shuffle": ["boolean"],
        "early_stopping": ["boolean", StrOptions({"auto"})],
        "wide": ["boolean"],
        "normalize_features": ["boolean"],
        "n_members": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "auxiliary": [Interval(Real, 0, None, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
        ],
        "tol": [Interval(Real, 0, None, closed="left")],
        "callbacks": "no_validation",
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    @property
    def model_(self) -> Any:
        """The trained ``keras.Model``; its inputs are a dict by input name."""
        if "_trainer" not in self.__dict__:
            raise AttributeError(f"This {type(self).__name__} is not fitted yet, it has no model_.")
        # whoever has it may hold it, so that no other fit may train it
        self._trainer.network.keep()
        return self._trainer.model_

    @property
    def callbacks_(self) -> list[Any]:
        """The Keras callbacks as the last fit used them; a pickle does not keep them."""
        if "_trainer" not in self.__dict__:
            raise AttributeError(f"This {type(self).__name__} is not fitted yet.")
        if self._trainer.callbacks_:
            self._trainer.network.keep()  # each holds the model
        return self._trainer.callbacks_

    @property
    def validation_scores_(self) -> list[float] | None:
        """Score of the validation rows after each epoch: accuracy, or R2 for numbers.

        None where nothing was validated, or `metrics` is set.
        """
        return self.history_.get(f"val_{self._score_metric}")

    @with_callbacks
    def fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, validation_data: Any = None
    ) -> Self:
        """Fit the router, build the network and train it.

        Parameters
        ----------
        X : DataFrame, MultiInput, matrix, sparse matrix, dict of arrays, list of inputs or Chunks
            The training rows. The inputs of a list take their names from `branches` in order if
            it has as many, otherwise they are ``input_1``, ``input_2``, ... For more rows than
            memory holds, `Chunks` of them, or a pyarrow dataset.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), or str, default=None
            The targets; of a pyarrow dataset the name of their column. None only for `Chunks`,
            which have them.
        sample_weight : array-like of shape (n_samples,) or str, default=None
            Weights of the rows, of a pyarrow dataset the name of their column; None weighs all
            alike. Rows of weight 0 are left out.
        validation_data : tuple of (X, y) or (X, y, sample_weight), default=None
            Rows not trained on, whose loss and metrics are computed after each epoch, and by
            which `early_stopping` decides, and with it the shares of linear model and deep network.
            Where `X` is what a `ColumnRouter` made in a Pipeline, these may be rows that it has not
            encoded: it does so here.

        Returns
        -------
        Self
            This estimator, fitted.

        Raises
        ------
        ValueError
            If a parameter, the rows or the targets cannot be used, or the loss does not stay
            finite. The estimator is then left as it was.
        """
        options: dict[str, Any] = {
            "epochs": self.epochs,
            "continued": self.warm_start and self.__sklearn_is_fitted__(),
            "early_stopping": self.early_stopping,
            "validation_data": validation_data,
            "tasks": FitTasks(self, X, y, sample_weight),
        }
        chunks = as_chunks(X, y, sample_weight)
        if chunks is None:
            return self._train(X, y, sample_weight, **options)
        return self._train_on_chunks(chunks, **options)

    def __sklearn_clone__(self) -> Any:
        """Clone with the user's Keras objects shared, which are only ever read."""
        plain = copy.copy(self)
        held = {name: getattr(self, name) for name in ("branches", "merge", "head")}
        plain.__dict__.update(dict.fromkeys(held))
        cloned = super(MergedNet, plain).__sklearn_clone__()
        for name, value in held.items():
            setattr(cloned, name, _cloned(value))
        return cloned

    def __sklearn_is_fitted__(self) -> bool:
        return "_trainer" in self.__dict__

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _train_on_chunks(self, chunks: Chunks, **options: Any) -> Any:
        """Encode chunks into files, and train on those."""
        self._validate_params()
        self._check_specs(None)
        with TemporaryDirectory(prefix="skmerge-", dir=chunks.folder) as folder:
            routed = self._routed_chunks(chunks, Path(folder), continued=options["continued"])
            router, X, y, weights = routed
            return self._train(X, y, weights, router=router, **options)

    def _train(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        epochs: int,
        continued: bool,
        early_stopping: bool | str = False,
        validation_data: Any = None,
        classes: Any = None,
        tasks: FitTasks | None = None,
        router: ColumnRouter | None = None,
    ) -> Self:
        """Do all of a fit in local variables, and only then keep the result."""
        self._validate_params()
        self._check_specs(X)
        if tasks is not None:
            tasks.begin(epochs)
        y = check_targets(y, self)
        if is_list_of_inputs(X, len(y)):
            X = name_inputs(X, list(self.branches or ()))
        entries = isinstance(X, Mapping) and not issparse(X)
        check_consistent_length(*X.values() if entries else [X], y)
        weights = self._weights(y, sample_weight)
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        stops = len(y) >= ENOUGH_TO_HOLD_OUT if early_stopping == "auto" else bool(early_stopping)
        held_out = stops and validation_data is None
        most = None if router is None else _MOST_HELD_OUT
        parts = self._split(y, weights, seed, most) if held_out else (_ALL_ROWS, None)
        targets = self.targets_ if continued else self._new_targets(y, parts[0], classes)
        router, rows, validation = self._routed_parts(
            X, y, weights, parts, targets=targets, continued=continued, router=router
        )
        if validation_data is not None:
            validation = self._validation_rows(router, validation_data, targets, rows.X)
        rows = rows.weighted()
        validation = None if validation is None else validation.weighted().read(_MOST_HELD_OUT)

        wide = None
        if stops and not continued and validation is not None:
            wide = WidePart.fitted(self, rows.read(_MOST_READ), validation, targets, seed)
        network_rows = _network_rows(rows)
        options = self._options(targets, len(network_rows.targets), seed)
        if stops:
            options.patience = patience_of(
                self.n_iter_no_change, len(network_rows.targets), options.batch_size
            )
        if wide is not None and validation is not None:
            options.baseline = wide.baseline(validation)
        trainer = self._trainer if continued else self._new_trainer(rows.X, targets, options, wide)
        validated = None if validation is None else _network_rows(validation)
        targets = self._widened(targets, y[weights != 0])
        attributes = partial(self._attributes, trainer, router, targets, rows.X)
        trainer.train(network_rows, validated, epochs, options, _watch(tasks, attributes))
        if wide is not None and validation is not None:
            wide.blend_into(trainer, validation, refit=held_out)
        self._keep(attributes(trainer.history_))
        if tasks is not None:
            tasks.end()
        return self

    def _widened(self, targets: Any, y: np.ndarray) -> Any:
        """Return targets that know of these as well."""
        return targets

    def _check_specs(self, X: Any) -> None:
        """Refuse a misspelt merge or branch before anything is encoded."""
        resolve_merge(self.merge)
        names = [
            *(self.branches or ()),
            *_names_in(X),
            *_names_in(getattr(self.router, "inputs", ())),
        ]
        for name, branch in (self.branches or {}).items():
            if isinstance(branch, str) and branch in names:
                continue
            try:
                resolve_branch(branch)
            except ValueError as error:
                hint = did_you_mean(branch, names)
                raise ValueError(f"Branch of input {name!r}: {error}{hint}") from None

    def _options(self, targets: Any, n_rows: int, seed: int) -> Any:
        from skmerge.training import TrainingOptions

        return TrainingOptions(
            optimizer=self.optimizer,
            learning_rate=learning_rate_of(self.learning_rate, self.optimizer),
            loss=targets.spec.loss if self.loss is None else self.loss,
            metrics=self._metrics(),
            callbacks=self.callbacks,
            n_targets=targets.n_columns,
            batch_size=batch_size_of(self.batch_size, n_rows),
            shuffle=self.shuffle,
            patience=None,
            min_delta=self.tol,
            baseline=None,
            verbose=int(self.verbose),
            seed=seed,
        )

    def _new_trainer(self, X: MultiInput, targets: Any, options: Any, wide: Any) -> Any:
        from skmerge.training import NetworkPlan, NetworkTrainer

        # Keras objects of the user's are held by specs from here on, which copy and pickle them.
        branches = {
            name: value if isinstance(value, str) else resolve_branch(value)
            for name, value in (self.branches or {}).items()
        }
        head = KerasBranch(self.head) if is_keras_layer(self.head) else self.head
        plan = NetworkPlan(
            tuple(X.specs.values()),
            branches,
            resolve_merge(self.merge),
            head,
            targets.spec,
            self.dropout,
            self.input_dropout,
            self.normalize_features,
            None if wide is None else wide.specs,
            0.0 if wide is None else float(self.auxiliary),
            1 if wide is None else n_members_of(self.n_members, len(X), _values_of(X)),
        )
        return NetworkTrainer.new(plan, options)

    def _metrics(self) -> list[Any]:
        if self.metrics is None:
            return [self._score_metric]
        return list(self.metrics) if isinstance(self.metrics, (list, tuple)) else [self.metrics]

    @staticmethod
    def _attributes(
        trainer: Any,
        router: Any,
        targets: Any,
        X: MultiInput,
        history: dict[str, list[float]],
    ) -> dict[str, Any]:
        """Return all that makes an estimator a fitted one."""
        attributes = {
            "_trainer": trainer,
            "router_": router,
            "targets_": targets,
            "specs_": dict(X.specs),
            "history_": history,
            "loss_curve_": history["loss"],
            "n_iter_": len(history["loss"]),
            "best_loss_": min(history["loss"]),
        }
        for name in ("n_features_in_", "feature_names_in_", "classes_"):
            for source in (router, targets):
                if hasattr(source, name):
                    attributes[name] = getattr(source, name)
        return attributes

    def _keep(self, attributes: dict[str, Any]) -> None:
        for name in ("n_features_in_", "feature_names_in_", "classes_"):
            self.__dict__.pop(name, None)
        self.__dict__.update(attributes)

    def _outputs(self, X: Any) -> np.ndarray:
        from skmerge.network import network_inputs

        if not self.__sklearn_is_fitted__():
            raise NotFittedError(
                f"This {type(self).__name__} instance is not fitted yet. Call 'fit' with "
                "appropriate arguments before using this estimator."
            )
        chunks = as_chunks(X)
        blocks = encoded_blocks(
            X if chunks is None else chunks,
            lambda rows: self._encode(self.router_, rows, self.specs_),
            self.specs_.values(),
        )
        outputs = [self._trainer.outputs(network_inputs(rows), len(rows)) for rows in blocks]
        return outputs[0] if len(outputs) == 1 else np.concatenate(outputs)


def _watch(tasks: FitTasks | None, attributes: Any) -> Any:
    """Return what tells scikit-learn's callbacks of epochs, or None where there are none."""
    if tasks is None or not tasks.are_heard:
        return None
    from skmerge.training import EpochWatch

    return EpochWatch(
        tasks.epoch_begins, lambda history: tasks.epoch_ends(lambda: attributes(history))
    )


def _names_in(X: Any) -> list[str]:
    """Return what the inputs may be called: the columns of a frame, the keys of a mapping."""
    if isinstance(X, (MultiInput, Mapping)) and not issparse(X):
        return [str(name) for name in X]
    return [str(name) for name in getattr(X, "columns", ())]


def _cloned(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _cloned(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_cloned(entry) for entry in value]
    return value if is_keras_layer(value) else clone(value, safe=False)


def _values_of(X: MultiInput) -> int:
    """Return how many numbers or ids a row has in all inputs."""
    return sum(math.prod(X[name].shape[1:]) for name in X)


def _network_rows(rows: RoutedRows) -> Any:
    """Return the rows as the network reads them, their weights with a mean of 1."""
    from skmerge.network import network_inputs
    from skmerge.training import EncodedRows

    X, targets, weights = rows
    weights = (weights / weights.mean()).astype(np.float32)
    return EncodedRows(network_inputs(X), targets, weights)
