import numpy as np
import pytest
import tensorflow as tf
from scipy.sparse import csr_matrix

from skmerge.training._rows import as_rows, as_tensor_chunk, gather

POSITIONS = np.array([3, 0, 3, 5])


def test_rows_of_an_array_are_gathered():
    array = np.arange(24, dtype=np.uint8).reshape(6, 4)
    np.testing.assert_array_equal(gather(as_rows(array), POSITIONS), array[POSITIONS])


@pytest.mark.parametrize("in_graph", [False, True])
def test_rows_of_a_sparse_matrix_are_gathered(in_graph):
    rng = np.random.default_rng(0)
    dense = (rng.normal(size=(6, 9)) * (rng.random((6, 9)) < 0.3)).astype(np.float32)
    dense[5] = 0
    matrix = csr_matrix(dense)
    take = tf.function(gather) if in_graph else gather
    taken = take(as_rows(matrix), tf.constant(POSITIONS), 9)
    assert tuple(taken.shape) == (4, 9)
    np.testing.assert_array_equal(tf.sparse.to_dense(taken), matrix[POSITIONS].toarray())


def test_columns_of_a_sparse_matrix_may_be_unsorted():
    matrix = csr_matrix(([1.0, 2.0], [4, 1], [0, 2]), shape=(1, 5))
    taken = gather(as_rows(matrix), np.array([0]), 5)
    np.testing.assert_array_equal(tf.sparse.to_dense(taken), [[0, 2, 0, 0, 1]])


@pytest.mark.parametrize("sparse", [False, True])
def test_chunks_are_filled_up_with_zero_rows(sparse):
    array = np.arange(1, 13, dtype=np.float32).reshape(4, 3)
    chunk = as_tensor_chunk(csr_matrix(array) if sparse else array, 1, 3, 5)
    dense = tf.sparse.to_dense(chunk) if sparse else chunk
    np.testing.assert_array_equal(dense, [*array[1:3], *np.zeros((3, 3))])
