"""Looking up embeddings in a training step, without a copy of the table and row by row.

Enters: the layers of a network. Leaves: for the length of one traced step, other calls of its
embeddings and poolings, which give the same values. Each distinct row is looked up once, its
gradient is one row, and a mean over words is taken without a vector for each word.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from typing import Any, Self

import keras
import tensorflow as tf

from skmerge._calls import replaced_calls, sublayers
from skmerge._layers import MaskedPooling
from skmerge.training._updates import RowsGradient, is_small


class Lookups(AbstractContextManager["Lookups"]):
    """The lookups of one training step, as long as the context is open.

    Parameters
    ----------
    model : keras.Model
        The network.
    tape : tf.GradientTape
        The tape of the step, already recording.
    """

    def __init__(self, model: keras.Model, tape: tf.GradientTape) -> None:
        self._tape = tape
        self._layers = [layer for _, layer in sublayers(model)]
        self._closing = ExitStack()
        #: by id of a table: the rows looked up, and their values, which the tape watches
        self._rows: dict[int, list[tuple[Any, Any]]] = {}
        #: by id of what an embedding returned: the vectors, and where they came from
        self._found: dict[int, tuple[Any, _Found]] = {}

    def __enter__(self) -> Self:
        replacements = {
            layer: self._embedding(layer) for layer in self._layers if is_plain_embedding(layer)
        }
        replacements |= {
            layer: self._pooling(layer)
            for layer in self._layers
            if type(layer) is MaskedPooling and layer.pooling in {"average", "sum"}
        }
        self._closing.enter_context(replaced_calls(replacements))
        return self

    def __exit__(self, *error: Any) -> None:
        self._closing.close()

    @property
    def watched(self) -> list[Any]:
        """The looked up rows of all tables, to take the gradient by."""
        return [values for rows in self._rows.values() for _, values in rows]

    def gathered(self, variables: list[Any], gradients: list[Any], by_rows: list[Any]) -> list[Any]:
        """Put the gradients of looked up rows in the places of their tables.

        Parameters
        ----------
        variables : list of keras.Variable
            The trainable variables.
        gradients : list of Tensor, IndexedSlices or None
            Their gradients, lookups left out.
        by_rows : list of Tensor or None
            The gradients of what is `watched`.

        Returns
        -------
        list of Tensor, IndexedSlices, RowsGradient or None
            The gradients, lookups included.
        """
        left = iter(by_rows)
        own = {
            table: [(rows, next(left)) for rows, _ in looked_up]
            for table, looked_up in self._rows.items()
        }
        return [
            _joined(variable, gradient, own.get(id(variable), []))
            for variable, gradient in zip(variables, gradients, strict=True)
        ]

    def _embedding(self, layer: Any) -> Any:
        """Look up each distinct id once."""

        def replace(_: Any) -> Any:
            def call(ids: Any) -> Any:
                found = self._look_up(layer, ids)
                vectors = tf.gather(found.values, found.positions)
                self._found[id(vectors)] = vectors, found
                return vectors

            return call

        return replace

    def _look_up(self, layer: Any, ids: Any) -> _Found:
        table = layer.embeddings
        positions = ids if ids.dtype in {tf.int32, tf.int64} else tf.cast(ids, tf.int32)
        if is_small(table):
            return _Found(ids, positions, tf.convert_to_tensor(table.value))
        rows, positions = tf.unique(tf.reshape(positions, [-1]))
        # a gather of the variable itself copies no more than the rows; the shape, which changes
        # nothing, keeps the graph optimizer from undoing it: it would read the whole table
        values = tf.ensure_shape(tf.gather(table.value, rows), [None, table.shape[1]])
        values = tf.stop_gradient(values)
        self._tape.watch(values)
        self._rows.setdefault(id(table), []).append((rows, values))
        return _Found(ids, tf.reshape(positions, tf.shape(ids)), values)

    def _pooling(self, layer: Any) -> Any:
        """Add up the rows of the words of each text, where the vectors are an embedding's."""

        def replace(pool: Any) -> Any:
            def call(inputs: Any) -> Any:
                vectors, ids = inputs
                _, found = self._found.get(id(vectors), (None, None))
                if found is None or found.ids is not ids:
                    return pool(inputs)
                words = tf.where(tf.not_equal(ids, 0))
                positions = tf.cast(tf.gather_nd(found.positions, words), tf.int32)
                text = tf.cast(words[:, 0], tf.int32)
                total = _summed(found.values, positions, text, tf.shape(ids)[0])
                if layer.pooling == "sum":
                    return total
                count = tf.math.count_nonzero(ids, axis=1, keepdims=True, dtype=tf.float32)
                return total / tf.maximum(count, 1.0)

            return call

        return replace


class _Found:
    """What an embedding looked up: ``values[positions]`` are the vectors of the `ids`."""

    def __init__(self, ids: Any, positions: Any, values: Any) -> None:
        self.ids = ids
        self.positions = positions
        self.values = values


def _summed(values: Any, positions: Any, segments: Any, n_segments: Any) -> Any:
    """Add up ``values[positions]`` by segment, these in order; differentiable once."""

    @tf.custom_gradient
    def summed(values: Any) -> Any:
        def gradient(upstream: Any) -> Any:
            # sorting what is added up first is quicker than TensorFlow's own gradient
            order = tf.argsort(positions)
            return tf.raw_ops.SparseSegmentSumWithNumSegments(
                data=upstream,
                indices=tf.gather(segments, order),
                segment_ids=tf.gather(positions, order),
                num_segments=tf.shape(values)[0],
            )

        total = tf.raw_ops.SparseSegmentSumWithNumSegments(
            data=values, indices=positions, segment_ids=segments, num_segments=n_segments
        )
        return total, gradient

    return summed(values)


def is_plain_embedding(layer: Any) -> bool:
    """Say whether a layer is an embedding that does nothing but look up.

    Parameters
    ----------
    layer : keras.Layer
        The layer.

    Returns
    -------
    bool
        True for Keras's own class of float32 that is neither quantised nor adapted.
    """
    return (
        type(layer) is keras.layers.Embedding
        and layer.compute_dtype == layer.variable_dtype == "float32"
        and getattr(layer, "quantization_mode", None) is None
        and not getattr(layer, "lora_enabled", False)
    )


def _joined(variable: Any, gradient: Any, looked_up: list[Any]) -> Any:
    """Join the gradient of a table's lookups with that of its other uses."""
    looked_up = [(rows, values) for rows, values in looked_up if values is not None]
    if not looked_up:
        return gradient
    if gradient is None and len(looked_up) == 1:
        return RowsGradient(*looked_up[0])
    rows = tf.concat([rows for rows, _ in looked_up], axis=0)
    values = tf.concat([values for _, values in looked_up], axis=0)
    if gradient is None:
        return tf.IndexedSlices(values, rows, tf.constant(list(variable.shape)))
    return tf.convert_to_tensor(gradient) + tf.math.unsorted_segment_sum(
        values, rows, variable.shape[0]
    )
