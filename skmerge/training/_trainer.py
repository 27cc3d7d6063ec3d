"""The Keras half of the estimators, composed from scikeras.

Enters: what to build (`NetworkPlan`), how to train it (`TrainingOptions`), and encoded rows.
Leaves: outputs of the trained network. Callbacks as classes or instances, the loop over ``fit``
and ``partial_fit`` and the count of epochs are scikeras's; the network and what it is compiled
with, the epochs, seeding, prediction and pickling are ours.

Importing scikeras replaces ``keras.Model.__reduce__`` for the whole process, so it happens here
alone.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from scikeras.wrappers import BaseWrapper

from skmerge.training._compile import TrainingOptions, compilation, compiled_alike
from skmerge.training._compiled import compiled_network
from skmerge.training._epochs import check_finite, evaluate, run_epochs
from skmerge.training._keeping import KeepsNetwork
from skmerge.training._plan import NetworkPlan
from skmerge.training._processes import claim_tensorflow
from skmerge.training._rows import Rows, as_rows, as_tensor_chunk
from skmerge.training._stopping import PatientStopping, average_epochs
from skmerge.training._streaming import StreamedRows, is_streamed
from skmerge.training._watch import EpochWatch

# Matrix products on a CPU work on as many rows at once as a register has floats: 8 with AVX2, and
# with half a register of AVX-512. Filled up to a multiple, a row's result does not depend on the
# rows beside it.
_ROW_BLOCK = 8
_VALUES_PER_CHUNK = 4_000_000

_SMALL_ROW = 4096


@dataclass
class EncodedRows:
    """Rows as the network reads them.

    Parameters
    ----------
    inputs : mapping of str to ndarray or CSR matrix
        As `skmerge.network.network_inputs` gives them.
    targets : ndarray of shape (n_samples, n_targets), dtype float32
        The targets.
    weights : ndarray of shape (n_samples,), dtype float32
        The weights of the rows.
    """

    inputs: Mapping[str, Any]
    targets: np.ndarray
    weights: np.ndarray

    def tensors(self) -> Rows | StreamedRows:
        """Return the rows as tensors, or as what is read a portion at a time.

        Returns
        -------
        Rows or StreamedRows
            The same rows; streamed where an input is in files, or so large that a copy of it
            as a tensor would be felt.
        """
        if any(is_streamed(array) for array in self.inputs.values()):
            return StreamedRows(self.inputs, self.targets, self.weights)
        inputs = {name: as_rows(array) for name, array in self.inputs.items()}
        return Rows(inputs, tf.constant(self.targets), tf.constant(self.weights))


class _Identity:
    """The encoder that scikeras asks for; rows arrive encoded."""

    def fit(self, rows: Any) -> _Identity:
        return self

    def transform(self, rows: Any) -> Any:
        return rows


class NetworkTrainer(KeepsNetwork, BaseWrapper):
    """One network and its training.

    Made by `new`; scikeras's own constructor stays as it is.
    """

    _plan: NetworkPlan
    _options: TrainingOptions
    _generator: np.random.Generator
    _fit_callbacks: list[Any]
    _predict_callbacks: list[Any]
    callbacks_: list[Any]

    @classmethod
    def new(cls, plan: NetworkPlan, options: TrainingOptions) -> NetworkTrainer:
        """Return a trainer whose network is not built yet.

        Parameters
        ----------
        plan : NetworkPlan
            What to build.
        options : TrainingOptions
            How to train it.

        Returns
        -------
        NetworkTrainer
            The trainer.
        """
        compilation(options)  # names are checked before anything is built
        trainer = cls(optimizer=None, callbacks=options.callbacks)
        trainer._plan = copy.deepcopy(plan)
        trainer._options = options
        trainer._generator = np.random.default_rng(options.seed)
        return trainer

    def train(
        self,
        rows: EncodedRows,
        validation: EncodedRows | None,
        epochs: int,
        options: TrainingOptions,
        watch: EpochWatch | None = None,
    ) -> None:
        """Train, from new weights the first time, from the present ones later.

        Parameters
        ----------
        rows : EncodedRows
            The training rows.
        validation : EncodedRows or None
            Rows to watch the loss on.
        epochs : int
            Number of epochs.
        options : TrainingOptions
            How to train. The seed is that of the first call.
        watch : EpochWatch, default=None
            Hears of every epoch, and may end the training.

        Raises
        ------
        ValueError
            If the loss does not stay finite. A network trained before is put back as it was.
        """
        before = self._values() if "history_" in self.__dict__ else None
        former = self._options
        try:
            self._renew(options)
            self._fit(
                rows,
                None,
                sample_weight=None,
                warm_start=True,
                epochs=epochs,
                initial_epoch=self.current_epoch,
                validation=validation,
                watch=watch,
            )
        except BaseException:
            if "_network" in self.__dict__:
                self._network.keep()
            if before is not None:
                self._renew(former)
                self._assign(before)
            raise

    def outputs(self, inputs: Mapping[str, Any], n_rows: int) -> np.ndarray:
        """Run the network.

        Parameters
        ----------
        inputs : mapping of str to ndarray or CSR matrix
            As `skmerge.network.network_inputs` gives them.
        n_rows : int
            Number of rows.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs), dtype float32
            The outputs.
        """
        return self._run(self.network.reader("output"), inputs, n_rows)

    def reading(self, part: str, inputs: Mapping[str, Any], n_rows: int) -> Any:
        """Run the network up to one of its parts.

        Parameters
        ----------
        part : {"deep", "merged", "branches", "gates"}
            The deep part's predictions before the activation, the merged features, the features of
            each branch, or the merge's weights.
        inputs : mapping of str to ndarray or CSR matrix
            As `skmerge.network.network_inputs` gives them.
        n_rows : int
            Number of rows.

        Returns
        -------
        ndarray of shape (n_samples, ...), list of those, dict of those by wire name, or None
            The values, for ``"deep"`` a list: the merged network's predictions, then those of each
            input alone, if any. None where the network has no such part.
        """
        reader = self.network.reader(part)
        if reader is None:
            return None
        values = self._run(reader, inputs, n_rows)
        # Keras takes a single output out of its list
        return [values] if part == "deep" and not isinstance(values, list) else values

    def set_wide(
        self, values: Mapping[str, list[np.ndarray]], factors: np.ndarray, bias: np.ndarray
    ) -> None:
        """Give the network's wide part its weights.

        Parameters
        ----------
        values : mapping of str to list of ndarray
            The weights of the wide layer of each input, by wire name.
        factors : ndarray of shape (n_deep,)
            What each prediction of the deep part is multiplied with.
        bias : ndarray of shape (n_outputs,)
            What is added to the prediction.
        """
        for wire, weights in values.items():
            self.model_.get_layer(f"{wire}-wide").set_weights(weights)
        blend = self.model_.get_layer("blend")
        blend.set_weights([*factors.astype(np.float32), np.asarray(bias, dtype=np.float32)])

    @property
    def built_specs(self) -> dict[str, Any]:
        """The inputs that the network is built for, which may have more ids and codes."""
        return {spec.name: spec for spec in self._plan.roomy_specs()}

    def _run(self, function: Any, inputs: Mapping[str, Any], n_rows: int) -> Any:
        """Run a traced function on all rows, block by block."""
        values = sum(int(np.prod(array.shape[1:])) for array in inputs.values())
        blocks = max(1, _VALUES_PER_CHUNK // (max(values, 1) * _ROW_BLOCK))
        size = _ROW_BLOCK * min(blocks, 100)
        chunks = []
        for first in range(0, max(n_rows, 1), size):
            last = min(first + size, n_rows)
            wanted = max(last - first, 1)
            if values <= _SMALL_ROW:
                wanted = -(-wanted // _ROW_BLOCK) * _ROW_BLOCK
            chunk = {
                name: as_tensor_chunk(array, first, last, wanted) for name, array in inputs.items()
            }
            kept = last - first
            chunks.append(tf.nest.map_structure(lambda x, n=kept: x.numpy()[:n], function(chunk)))
        return tf.nest.map_structure(lambda *parts: np.concatenate(parts), *chunks)

    def _keras_build_fn(self) -> keras.Model:
        claim_tensorflow()
        self._network = compiled_network(
            self._plan,
            compilation(self._options),
            n_targets=self._options.n_targets,
            seed=self._options.seed,
            owner=self,
        )
        return self._network.model

    def _fit_keras_model(  # noqa: PLR0917 (the signature is scikeras's)
        self,
        X: EncodedRows,
        y: None,
        sample_weight: None,
        warm_start: bool,
        epochs: int,
        initial_epoch: int,
        *,
        validation: EncodedRows | None = None,
        watch: EpochWatch | None = None,
    ) -> None:
        """Train in our own loop, in place of ``Model.fit``."""
        self._initialize_callbacks()
        if any(type(c).__module__.partition(".")[0] != "keras" for c in _flat(self._fit_callbacks)):
            self.network.keep()  # they are given the model, and may hold it
        steps = self.network.steps
        rows, others = X.tensors(), None if validation is None else validation.tensors()
        with self.network.scope():
            steps.build(rows)
        options, callbacks, stopping = self._options, _flat(self._fit_callbacks), None
        if options.patience is not None and others is not None:
            stopping = PatientStopping(
                options.baseline, patience=options.patience, min_delta=options.min_delta
            )
            callbacks.append(stopping)
        past = getattr(self, "history_", {})
        if watch is not None:
            watch.past = past
            callbacks.append(watch)
        try:
            with self.network.scope():
                history = run_epochs(
                    steps,
                    rows,
                    others,
                    epochs=range(initial_epoch, initial_epoch + epochs),
                    batch_size=options.batch_size,
                    generator=self._generator,
                    shuffle=options.shuffle,
                    callbacks=callbacks,
                    verbose=options.verbose,
                )
                if stopping is not None and others is not None:
                    average_epochs(
                        self.model_,
                        stopping.kept,
                        lambda: evaluate(steps, others, options.batch_size)["loss"],
                    )
        finally:
            self.callbacks_ = _flat(self._fit_callbacks)
            self._fit_callbacks, self._predict_callbacks = [], []
        for variable in self.model_.trainable_variables:
            check_finite(variable.numpy(), "the weights", initial_epoch + epochs)
        self.history_ = {name: [*past.get(name, []), *new] for name, new in history.items()}

    def _renew(self, options: TrainingOptions) -> None:
        """Take over options; compile again where a built network was compiled with others."""
        former, self._options = self._options, options
        self.callbacks = options.callbacks
        if not self.initialized_:
            return
        alike, rate = compiled_alike(former, options), options.learning_rate
        if alike and rate == former.learning_rate:
            return
        compiled = compilation(options)
        if alike and not any(callable(r) for r in (rate, former.learning_rate)):
            self.network.set_values(compiled.optimizer)
            return
        self.network.keep()
        self.network.compile(compiled)

    def _initialize_callbacks(self) -> None:
        given = self.callbacks
        self.callbacks = copy.deepcopy(given)
        try:
            super()._initialize_callbacks()
        except TypeError as error:
            raise ValueError(
                "The 'callbacks' parameter must be a Keras callback, a class of one, or a list of "
                f"those. Got {given!r}."
            ) from error
        finally:
            self.callbacks = given

    def _validate_data(self, X: Any = None, y: Any = None, **_: Any) -> tuple[Any, Any]:
        return X, y

    @property
    def feature_encoder(self) -> _Identity:
        """The encoder of the inputs, which changes nothing."""
        return _Identity()

    @property
    def target_encoder(self) -> _Identity:
        """The encoder of the targets, which changes nothing."""
        return _Identity()


def _flat(callbacks: list[Any]) -> list[keras.callbacks.Callback]:
    flat = []
    for callback in callbacks:
        flat.extend(callback if isinstance(callback, list) else [callback])
    return flat
