"""Lookups of a training step: the same predictions and gradients as by Keras's own layers."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose
from sklearn.base import clone

from skmerge import EmbeddingBranch, InputSpec, build_network
from skmerge.training import _updates
from skmerge.training._lookups import Lookups
from skmerge.training._updates import RowsGradient

SPEC = InputSpec("note", "text", (6,), "int32", "embedding", vocabulary_size=30)
WITHOUT_CHANCE = EmbeddingBranch(spatial_dropout=0.0)


@pytest.fixture(params=[0, 2**16], ids=["by rows", "whole table"])
def limit(request, monkeypatch):
    """Whether tables are looked up row by row."""
    monkeypatch.setattr(_updates, "WHOLE_TABLE", request.param)
    return request.param


def ids_of(n_rows=9, length=6):
    ids = np.random.default_rng(0).integers(1, 30, (n_rows, length)).astype(np.int32)
    ids[np.arange(length) >= np.arange(n_rows)[:, None]] = 0  # the first row has no word at all
    return ids


def gradients_by_lookups(network, inputs):
    """Return outputs, dense gradients, and which of them came row by row, traced as in training."""
    variables = network.trainable_variables
    seen = []

    @tf.function(autograph=False)
    def step(inputs):
        with tf.GradientTape() as tape:
            lookups = Lookups(network, tape)
            with lookups:
                outputs = network(inputs, training=True)
            loss = tf.reduce_sum(tf.square(outputs - 0.3))
        own, by_rows = tape.gradient(loss, (variables, lookups.watched))
        gradients = lookups.gathered(variables, own, by_rows)
        seen[:] = [isinstance(gradient, RowsGradient) for gradient in gradients]
        return outputs, [dense(g, v) for g, v in zip(gradients, variables, strict=True)]

    outputs, gradients = step(inputs)
    return outputs, gradients, seen


def dense(gradient, variable):
    if isinstance(gradient, RowsGradient):
        return tf.scatter_nd(gradient.rows[:, None], gradient.values, variable.shape)
    return tf.convert_to_tensor(gradient)


def plain_gradients(network, inputs):
    with tf.GradientTape() as tape:
        outputs = network(inputs, training=True)
        loss = tf.reduce_sum(tf.square(outputs - 0.3))
    gradients = tape.gradient(loss, network.trainable_variables)
    return outputs, [tf.convert_to_tensor(gradient) for gradient in gradients]


def check_same(network, inputs):
    outputs, gradients, by_rows = gradients_by_lookups(network, inputs)
    expected_outputs, expected = plain_gradients(network, inputs)
    assert_allclose(outputs, expected_outputs, rtol=1e-5, atol=1e-7)
    for actual, wanted in zip(gradients, expected, strict=True):
        assert_allclose(actual, wanted, rtol=1e-4, atol=1e-6)
    return by_rows


@pytest.mark.parametrize("pooling", ["average", "sum", "max", "average_max"])
def test_pooled_words_have_the_gradients_of_keras(pooling, limit):
    branch = clone(WITHOUT_CHANCE).set_params(pooling=pooling)
    network = build_network([SPEC], {"note": branch})
    by_rows = check_same(network, {"note": tf.constant(ids_of())})
    assert by_rows[0] == (limit == 0)
    assert not any(by_rows[1:])


@pytest.mark.parametrize("branch", ["recurrent", "conv1d", "attention"])
def test_sequences_have_the_gradients_of_keras(branch, limit):
    network = build_network([SPEC], {"note": branch})
    by_rows = check_same(network, {"note": tf.constant(ids_of())})
    assert sum(by_rows) == (limit == 0)


def test_a_branch_shared_by_two_inputs_adds_up_what_both_looked_up(limit):
    specs = dict.fromkeys(("left", "right"), SPEC)
    network = build_network(specs, {"left": WITHOUT_CHANCE, "right": "left"})
    ids = ids_of()
    check_same(network, {"left": tf.constant(ids), "right": tf.constant(ids[::-1].copy())})


@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_ids_may_be_of_any_integer_type(dtype, limit):
    spec = InputSpec("note", "text", (6,), dtype, "embedding", vocabulary_size=30)
    check_same(
        build_network([spec], {"note": WITHOUT_CHANCE}),
        {"note": tf.constant(ids_of().astype(dtype))},
    )


def test_a_table_with_another_use_gets_both_gradients(limit):
    ids = keras.Input((6,), dtype="int32", name="note")
    embedding = keras.layers.Embedding(30, 4, embeddings_regularizer="l2")

    class Tied(keras.layers.Layer):
        def call(self, vectors):
            return tf.reduce_sum(vectors, 1) @ tf.transpose(embedding.embeddings[:5])

    network = keras.Model({"note": ids}, Tied()(embedding(ids)))
    check_same(network, {"note": tf.constant(ids_of())})


def test_no_vector_is_made_for_each_word_of_a_mean(monkeypatch):
    monkeypatch.setattr(_updates, "WHOLE_TABLE", 0)
    network = build_network([SPEC])
    words = tf.TensorSpec([None, 6], tf.int32)

    @tf.function(autograph=False)
    def step(ids):
        with tf.GradientTape() as tape:
            lookups = Lookups(network, tape)
            with lookups:
                loss = tf.reduce_sum(network({"note": ids}, training=True))
        return tape.gradient(loss, lookups.watched)

    graph = step.get_concrete_function(words).graph
    width = network.get_layer("note").get_layer("embedding").output_dim
    tables = [op for op in graph.get_operations() if op.type == "ReadVariableOp"]
    assert all(op.outputs[0].shape != (30, width) for op in tables)  # no copy of the table
    (rows,) = [op for op in graph.get_operations() if op.type == "ResourceGather"]
    assert rows.outputs[0].shape.as_list() == [None, width]


def test_layers_have_their_own_calls_back_afterwards():
    network = build_network([SPEC])
    layer = network.get_layer("note").get_layer("embedding")
    with tf.GradientTape() as tape, Lookups(network, tape):
        assert "call" in vars(layer)
    assert "call" not in vars(layer)


def test_embeddings_in_half_precision_are_left_to_keras():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        network = build_network([SPEC])
    finally:
        keras.config.set_dtype_policy(policy)
    with tf.GradientTape() as tape, Lookups(network, tape):
        assert "call" not in vars(network.get_layer("note").get_layer("embedding"))
