"""The gradient of what a network says of a row, with respect to what it was given.

Enters: a routed row and a target. Leaves: for each input, how the score changes with each pixel,
word or column.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from skmerge._calls import Call, CallLog, replaced_calls, sublayers
from skmerge._errors import did_you_mean, short_repr
from skmerge.inspection._one_row import OneRow


@dataclass(frozen=True)
class Score:
    """What is explained.

    Parameters
    ----------
    column : int
        Column of the network's output.
    factor : float
        What the column is multiplied by: -1 for the first of two classes.
    is_logit : bool
        Whether it is the output before the activation.
    label : object
        The class, or the number of the output; None where there is only one output.
    offset : float, default=0.0
        What is added to the column then.
    """

    column: int
    factor: float
    is_logit: bool
    label: Any
    offset: float = 0.0


def score_of(row: OneRow, target: Any) -> Score:
    """Find what is to be explained.

    Parameters
    ----------
    row : OneRow
        The row.
    target : object
        A class; the number of a column where there are several labels or outputs; None for the
        class predicted, the most probable label, the first output.

    Returns
    -------
    Score
        The score.

    Raises
    ------
    ValueError
        If there is no such class or column.
    """
    network = row.network
    targets = network.targets_
    n_outputs = targets.spec.n_outputs
    if not is_classifier(network):
        column = _column(0 if target is None else target, n_outputs, "output")
        factor, offset = float(targets.scale[column]), float(targets.mean[column])
        return Score(column, factor, False, column if n_outputs > 1 else None, offset)
    outputs = network._outputs(row.rows)
    if targets.spec.kind == "multilabel":
        column = _column(int(outputs[0].argmax()) if target is None else target, n_outputs, "label")
        return Score(column, 1.0, True, column)
    classes = network.classes_.tolist()
    label = targets.labels(outputs).tolist()[0] if target is None else target
    if label not in classes:
        raise ValueError(
            f"'target' must be one of the classes {short_repr(classes)}. "
            f"Got {target!r}.{did_you_mean(target, classes)}"
        )
    position = classes.index(label)
    if targets.spec.kind == "binary":
        return Score(0, 1.0 if position else -1.0, True, label)
    return Score(position, 1.0, True, label)


def _column(target: Any, n_outputs: int, what: str) -> int:
    if isinstance(target, (int, np.integer)) and 0 <= target < n_outputs:
        return int(target)
    raise ValueError(
        f"'target' must be the number of one {what}, from 0 to {n_outputs - 1}. Got {target!r}."
    )


@dataclass
class Gradient:
    """Values of an input, and the derivative of the score by each of them.

    Parameters
    ----------
    values : ndarray of shape (...)
        The row's pixels or numbers; for ids their embeddings, of shape ``(length, units)``.
    derivatives : ndarray of the same shape
        The derivative of the score by each.
    embedded : mapping of int to (ndarray, ndarray), default=None
        For category codes of a table, by column: the embedding, and the derivatives by it.
    """

    values: np.ndarray
    derivatives: np.ndarray
    embedded: Mapping[int, tuple[np.ndarray, np.ndarray]] | None = None


def gradients(row: OneRow, score: Score, names: list[str]) -> tuple[float, dict[str, Gradient]]:
    """Differentiate the score of a row.

    Each branch runs on its own, with its input or embeddings watched; then the whole network, in
    which the features of these branches stand in for those that it would make again. A branch
    that several inputs share is so told apart by input.

    Parameters
    ----------
    row : OneRow
        The row.
    score : Score
        What to differentiate.
    names : list of str
        Inputs that the row has.

    Returns
    -------
    value : float
        The score itself.
    by_input : dict of str to Gradient
        The gradients; without the inputs whose branch does not tell what it reads, as one that
        looks ids up by other means than an embedding layer.
    """
    import tensorflow as tf

    from skmerge.network import network_inputs, wire_names

    model, wires = row.network._trainer.model_, wire_names(row.specs)
    arrays = {name: _dense(array) for name, array in network_inputs(row.rows).items()}
    output = CallLog()
    with tf.GradientTape(persistent=True) as tape, ExitStack() as stack:
        sources = {name: _Source(row, name, tape) for name in names}
        stand_ins = {
            model.get_layer(f"{wires[name]}-features"): _returning(source.features)
            for name, source in sources.items()
        }
        last = model.get_layer("output")
        stack.enter_context(replaced_calls({**stand_ins, last: output.keeping}))
        predicted = model(arrays, training=False)
        scores = _logits(last, output.inputs[0]) if score.is_logit else predicted
        value = score.factor * tf.cast(scores[0, score.column], tf.float32) + score.offset
    found = {name: source.gradient(tape, value) for name, source in sources.items()}
    return float(value), {name: each for name, each in found.items() if each is not None}


def _logits(last: Any, inputs: Any) -> Any:
    """Return the output before its activation; a layer that only activates has it as input."""
    from keras import ops

    if not hasattr(last, "kernel"):
        return inputs
    return ops.add(ops.matmul(inputs, last.kernel), last.bias)


def _dense(array: Any) -> Any:
    return array.toarray() if hasattr(array, "toarray") else np.asarray(array[:])


def _returning(value: Any) -> Callable[[Call], Call]:
    return lambda call: lambda *args, **kwargs: value


class _Source:
    """An input that the tape watches, and the features that its branch makes of it.

    Parameters
    ----------
    row : OneRow
        The row.
    name : str
        The input.
    tape : tf.GradientTape
        The tape, recording.
    """

    def __init__(self, row: OneRow, name: str, tape: Any) -> None:
        import tensorflow as tf

        from skmerge._layers import TabularFeatures

        self.spec = row.specs[name]
        branch, array = row.branch(name), row.array(name)
        self.array = array
        self.embeddings: list[tuple[Any, CallLog]] = []
        self.tables: list[tuple[Any, CallLog]] = []
        replacements: dict[Any, Callable[[Call], Call]] = {}
        self.floats = tf.constant(array, tf.float32) if array.dtype.kind in "fbui" else None
        if self.spec.vocabulary_size is not None:
            self.embeddings = _logs(branch, "Embedding")
        else:
            tape.watch(self.floats)
            if array.dtype.kind != "f":
                # whole numbers have no derivative: their first layer gets them as floats
                for layer in _readers(branch):
                    replacements[layer] = _reading(self.floats)
            if self.spec.code_columns:
                layers = [
                    each for _, each in sublayers(branch) if isinstance(each, TabularFeatures)
                ]
                self.tables = [(layer, CallLog()) for layer in layers]
        for layer, log in [*self.embeddings, *self.tables]:
            replacements[layer] = _watching(log, tape)
        with replaced_calls(replacements):
            reads_floats = self.floats is not None and array.dtype.kind == "f"
            features = branch(self.floats if reads_floats else array, training=False)
        self.features = row.normalized(name, features)

    def gradient(self, tape: Any, value: Any) -> Gradient | None:
        """Read the derivatives off the tape."""
        if self.spec.vocabulary_size is not None:
            return self._of_words(tape, value)
        derivatives = _derivative(tape, value, self.floats)[0]
        embedded = {}
        for layer, log in self.tables:
            embedded.update(_of_codes(layer, log, tape, value))
        return Gradient(self.array[0].astype(np.float32), derivatives, embedded or None)

    def _of_words(self, tape: Any, value: Any) -> Gradient | None:
        ids = self.array
        for _, log in self.embeddings:
            for read, vectors in zip(log.inputs, log.outputs, strict=True):
                given = np.asarray(read)
                # an embedding of something else than the ids has other inputs
                if given.ndim == 2 and np.array_equal(given, ids[:, : given.shape[1]]):
                    derivatives = _derivative(tape, value, vectors)[0]
                    return Gradient(np.asarray(vectors)[0], derivatives)
        return None


def _logs(branch: Any, kind: str) -> list[tuple[Any, CallLog]]:
    import keras

    layers = [layer for _, layer in sublayers(branch)]
    return [(each, CallLog()) for each in layers if isinstance(each, getattr(keras.layers, kind))]


def _readers(branch: Any) -> list[Any]:
    """Return the operations that read the branch's input."""
    return [each for each in branch.operations if _input_of(each) is branch.inputs[0]]


def _input_of(operation: Any) -> Any:
    try:
        return operation.input
    except (AttributeError, ValueError):
        return None


def _reading(tensor: Any) -> Callable[[Call], Call]:
    def replace(call: Call) -> Call:
        return lambda _, *args, **kwargs: call(tensor, *args, **kwargs)

    return replace


def _watching(log: CallLog, tape: Any) -> Callable[[Call], Call]:
    """Keep a layer's calls, and make the tape start from what they return."""

    def replace(call: Call) -> Call:
        kept = log.keeping(call)

        def watched(*args: Any, **kwargs: Any) -> Any:
            output = kept(*args, **kwargs)
            tape.watch(output)
            return output

        return watched

    return replace


def _derivative(tape: Any, value: Any, source: Any) -> np.ndarray:
    import tensorflow as tf

    derivative = tape.gradient(value, source, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return np.asarray(tf.convert_to_tensor(derivative), np.float32)


def _of_codes(layer: Any, log: CallLog, tape: Any, value: Any) -> dict[int, Any]:
    """Cut the output of a table's layer, ``[numbers, embeddings by width]``, into its columns."""
    features = log.outputs[0]
    derivatives = _derivative(tape, value, features)[0]
    values = np.asarray(features)[0]
    start = len(layer.number_columns)
    found = {}
    for position in np.argsort(layer.embedding_dims, kind="stable"):
        part = slice(start, start + layer.embedding_dims[position])
        found[layer.code_columns[position]] = (values[part], derivatives[part])
        start = part.stop
    return found
