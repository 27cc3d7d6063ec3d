"""DenseBranch: embeddings of codes against NumPy, sparse rows against dense ones."""

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal

from skmerge import DenseBranch, InputSpec, MultiInput, build_network
from skmerge.network import TargetSpec, network_inputs

REGRESSION = TargetSpec("regression", 1)


def branch_network(spec, branch):
    return build_network([spec], {spec.name: branch}, head=(), target=REGRESSION).get_layer("x")


@pytest.mark.parametrize(
    ("cardinality", "width"), [(2, 2), (3, 3), (10, 6), (100, 21), (1100, 50), (100_000, 50)]
)
def test_auto_embedding_width_is_the_rule_of_fastai(cardinality, width):
    spec = InputSpec("x", "tabular", (1,), code_columns=(0,), cardinalities=(cardinality,))
    assert branch_network(spec, DenseBranch(())).output_shape == (None, width)


@pytest.mark.parametrize("embedding_dim", ["auto", 3])
def test_each_code_column_has_rows_of_its_own(embedding_dim):
    cardinalities = {0: 4, 2: 30, 3: 4, 5: 3}
    spec = InputSpec(
        "x",
        "tabular",
        (6,),
        code_columns=tuple(cardinalities),
        cardinalities=tuple(cardinalities.values()),
    )
    network = branch_network(spec, DenseBranch((), embedding_dim=embedding_dim))
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(5, 6)).astype("float32")
    for column, cardinality in cardinalities.items():
        rows[:, column] = rng.integers(0, cardinality, 5)
    rows[0, list(cardinalities)] = [size - 1 for size in cardinalities.values()]

    tables = {table.shape[1]: np.asarray(table) for table in network.weights}
    used = dict.fromkeys(tables, 0)
    widths = {
        column: 3 if embedding_dim == 3 else min(50, round(1.6 * size**0.56))
        for column, size in cardinalities.items()
    }
    expected = [rows[:, [1, 4]]]
    for column in sorted(cardinalities, key=widths.get):
        width = widths[column]
        own = tables[width][used[width] : used[width] + cardinalities[column]]
        used[width] += cardinalities[column]
        expected.append(own[rows[:, column].astype(int)])
    assert used == {width: len(table) for width, table in tables.items()}
    assert_allclose(network(rows), np.concatenate(expected, axis=1), rtol=1e-6)


def test_many_code_columns_make_one_layer():
    columns = tuple(range(40))
    spec = InputSpec("x", "tabular", (40,), code_columns=columns, cardinalities=(5,) * 40)
    network = branch_network(spec, DenseBranch(()))
    assert len(network.layers) == 2
    assert len(network.weights) == 1


def test_codes_are_read_exactly_under_mixed_precision():
    import keras

    spec = InputSpec("x", "tabular", (1,), code_columns=(0,), cardinalities=(5000,))
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        network = branch_network(spec, DenseBranch((), embedding_dim=1))
    finally:
        keras.mixed_precision.set_global_policy("float32")
    table = np.asarray(network.weights[0])
    codes = np.array([[2049], [4095], [4999]], dtype="float32")
    assert_allclose(network(codes), table[[2049, 4095, 4999]].astype("float16"))


def sparse_rows(dtype):
    rng = np.random.default_rng(0)
    rows = 3 * rng.random((9, 6)) * (rng.random((9, 6)) < 0.4)
    return scipy.sparse.csr_matrix(rows.astype(dtype))


def test_sparse_rows_train_and_predict_as_dense_rows_do():
    import keras

    other = np.random.default_rng(1).normal(size=(9, 2)).astype("float32")
    y = np.arange(9) % 2
    predictions = []
    for array in (sparse_rows("float32"), sparse_rows("float32").toarray()):
        X = MultiInput({"words": array, "other": other})
        keras.utils.set_random_seed(0)
        network = build_network(X.specs)
        network.compile("sgd", "binary_crossentropy")
        network.fit(network_inputs(X), y, batch_size=4, epochs=2, shuffle=False, verbose=0)
        predictions.append(network.predict(network_inputs(X), batch_size=4, verbose=0))
        assert network.get_layer("words").input.sparse is scipy.sparse.issparse(array)
    assert_allclose(predictions[0], predictions[1], rtol=1e-4)


@pytest.mark.parametrize("dtype", ["float64", "int64", "bool"])
def test_sparse_rows_may_be_of_any_type(dtype):
    import tensorflow as tf

    rows = sparse_rows(dtype)
    rows.eliminate_zeros()
    spec = InputSpec("x", "tags", (6,), dtype, sparse=True)
    network = branch_network(spec, DenseBranch((2,), activation=None))
    weights, bias = (np.asarray(weight) for weight in network.weights)
    positions = np.stack(rows.nonzero(), axis=1)
    tensor = tf.SparseTensor(positions, rows.data, rows.shape)
    assert_allclose(network(tensor), rows.toarray() @ weights + bias, rtol=1e-5, atol=1e-6)


def test_integers_are_read_as_they_are():
    spec = InputSpec("x", "array", (2, 2), "uint8")
    rows = np.array([[[0, 255], [7, 8]]], dtype="uint8")
    assert_array_equal(branch_network(spec, DenseBranch(()))(rows), [[0, 255, 7, 8]])


@pytest.mark.parametrize(
    ("spec", "branch", "problem"),
    [
        (InputSpec("x", "tags", (4,), sparse=True), DenseBranch(()), r"no dense layer"),
        (
            InputSpec("x", "tags", (4,), sparse=True, code_columns=(0,), cardinalities=(3,)),
            DenseBranch(),
            "code columns",
        ),
    ],
)
def test_sparse_rows_need_a_dense_layer_and_no_codes(spec, branch, problem):
    with pytest.raises(ValueError, match=f"sparse numbers.*Got {problem}"):
        branch_network(spec, branch)
