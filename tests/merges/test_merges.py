"""Every merge mode against its formula in NumPy, with branches of equal and unequal widths."""

from itertools import combinations

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skmerge.merges import (
    MERGES,
    MRNN,
    AttentionMerge,
    Average,
    Bilinear,
    Compare,
    Concat,
    Cosine,
    Dot,
    FiLM,
    Gated,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    Sum,
)


def linear(x, weights, name):
    return x @ weights[f"{name}/kernel"] + weights.get(f"{name}/bias", 0)


def projected(features, weights):
    """Return the features through the projections that the merge has, if any."""
    if "project_0/kernel" not in weights:
        return features
    return [linear(x, weights, f"project_{i}") for i, x in enumerate(features)]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x, axis):
    exponentials = np.exp(x - x.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def dot(features):
    return np.stack([(x * y).sum(axis=1) for x, y in combinations(features, 2)], axis=1)


def cosine(features):
    return dot([x / np.linalg.norm(x, axis=1, keepdims=True) for x in features])


def compare(features, weights, presence, merge):
    if "project/kernel" in weights:
        u, v = (linear(x, weights, "project") for x in features)
    else:
        u, v = projected(features, weights)
    selves = [u + v] if merge.symmetric else [u, v]
    return np.concatenate([*selves, np.abs(u - v), u * v], axis=1)


def gated(features, weights, presence, merge):
    values = [np.tanh(linear(x, weights, f"value_{i}")) for i, x in enumerate(features)]
    gates = sigmoid(linear(np.concatenate(features, axis=1), weights, "gate"))
    gates = np.split(gates, len(features), axis=1)
    return sum(presence[:, [i]] * gates[i] * value for i, value in enumerate(values))


def bilinear(features, weights, presence, merge):
    factors = [linear(x, weights, f"factor_{i}") for i, x in enumerate(features)]
    return sum(np.split(np.prod(factors, axis=0), merge.rank, axis=1))


def film(features, weights, presence, merge):
    x = features[merge.target]
    if merge.units:
        x = linear(x, weights, f"project_{merge.target}")
    others = np.concatenate([y for i, y in enumerate(features) if i != merge.target], axis=1)
    return (1 + linear(others, weights, "delta")) * x + linear(others, weights, "beta")


def mrnn(features, weights, presence, merge):
    mapped = [linear(x, weights, f"map_{i}") for i, x in enumerate(features)]
    return 1.7159 * np.tanh(2 / 3 * sum(mapped))


def attention(features, weights, presence, merge):
    tokens = [linear(x, weights, f"token_{i}") for i, x in enumerate(features)]
    first = np.broadcast_to(weights["class_token/token"], tokens[0].shape)
    tokens = np.stack([first, *tokens], axis=1)
    mask = np.concatenate([np.ones_like(presence[:, :1]), presence], axis=1)

    def norm(x, name):
        centered = x - x.mean(axis=-1, keepdims=True)
        scaled = centered / np.sqrt((centered**2).mean(axis=-1, keepdims=True) + 1e-3)
        return scaled * weights[f"{name}/gamma"] + weights[f"{name}/beta"]

    def fed_forward(x, name):
        hidden = np.maximum(linear(norm(x, f"{name}_feed_norm"), weights, f"{name}_hidden"), 0)
        return x + linear(hidden, weights, f"{name}_feed")

    def attended(queries, keys, values):
        """Shapes: (rows, tokens, heads, units of a head)."""
        scores = np.einsum("rqhu,rkhu->rhqk", queries, keys) / np.sqrt(keys.shape[-1])
        scores = np.where(mask[:, np.newaxis, np.newaxis] > 0, scores, -np.inf)
        return np.einsum("rhqk,rkhu->rqhu", softmax(scores, axis=-1), values)

    normed = tokens
    for position in range(merge.n_layers - 1):
        name = f"block_{position}"
        by_role = {
            role: np.einsum("rtu,uhv->rthv", normed, weights[f"{name}_attention/{role}/kernel"])
            for role in ("query", "key", "value")
        }
        heard = attended(by_role["query"], by_role["key"], by_role["value"])
        kernel = weights[f"{name}_attention/attention_output/kernel"]
        tokens = fed_forward(tokens + np.einsum("rthv,hvu->rtu", heard, kernel), name)
        normed = norm(tokens, f"block_{position + 1}_norm")

    name = f"block_{merge.n_layers - 1}"
    query, keys, values = (
        linear(x, weights, f"{name}_{role}").reshape(len(x), x.shape[1], merge.n_heads, -1)
        for x, role in ((normed[:, :1], "query"), (normed, "key"), (normed, "value"))
    )
    heard = attended(query, keys, values).reshape(len(tokens), -1)
    return norm(fed_forward(tokens[:, 0] + linear(heard, weights, f"{name}_output"), name), "norm")


def of_projected(formula):
    """Return the formula of a mode that has no weights but its projections."""
    return lambda features, weights, presence, merge: formula(projected(features, weights))


#: Each mode's output from the features, its weights by their paths, the presence of the inputs as
#: an array of shape (n_rows, n_inputs), and the merge itself.
FORMULAS = {
    Concat: of_projected(lambda features: np.concatenate(features, axis=1)),
    Sum: of_projected(sum),
    Subtract: of_projected(lambda features: features[0] - features[1]),
    Multiply: of_projected(lambda features: np.prod(features, axis=0)),
    Average: of_projected(lambda features: np.mean(features, axis=0)),
    Maximum: of_projected(lambda features: np.max(features, axis=0)),
    Minimum: of_projected(lambda features: np.min(features, axis=0)),
    Dot: of_projected(dot),
    Cosine: of_projected(cosine),
    Compare: compare,
    Gated: gated,
    Bilinear: bilinear,
    FiLM: film,
    AttentionMerge: attention,
    MRNN: mrnn,
}
WITH_WEIGHTS = [Gated, Bilinear, FiLM, AttentionMerge, MRNN]
OF_PAIRS = [Subtract, Compare]
VARIANTS = [
    Compare(symmetric=True),
    Compare(units=2, symmetric=True),
    Bilinear(rank=1),
    Bilinear(units=7, rank=3),
    FiLM(target=1),
    FiLM(units=4, target=1),
    AttentionMerge(n_heads=1),
    AttentionMerge(n_layers=3, n_heads=2),
    AttentionMerge(units=6, n_layers=2),
]
#: a merge of each mode, and the variants, with the number of inputs
MERGES_OF_INPUTS = [
    *((mode(), 2) for mode in FORMULAS),
    *((mode(), 4) for mode in FORMULAS if mode not in OF_PAIRS),
    *((merge, 2) for merge in VARIANTS),
    *((merge, 3) for merge in VARIANTS if type(merge) not in OF_PAIRS),
]


def rows_of(widths, n_rows=6):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(n_rows, width)).astype("float32") for width in widths]


def joining(merge, widths, optional=()):
    """Return a model of nothing but the merge; rows can lack the inputs at `optional`.

    All weights are drawn, since some start as zeros or ones.
    """
    features = [keras.Input((width,)) for width in widths]
    given = {position: keras.Input((1,)) for position in optional}
    presence = [given.get(position) for position in range(len(widths))] if given else None
    output = merge.join(features, presence=presence)
    for present in given.values():
        output = output + 0 * present  # Keras 3.11 to 3.13 refuse an input that nothing reads
    model = keras.Model([*features, *given.values()], output)
    rng = np.random.default_rng(2)
    for weight in model.weights:
        weight.assign(0.5 * rng.normal(size=weight.shape))
    return model


def expected(merge, model, rows, presence=None):
    weights = {weight.path: np.asarray(weight, dtype="float64") for weight in model.weights}
    presence = np.ones((len(rows[0]), len(rows))) if presence is None else presence
    return FORMULAS[type(merge)](rows, weights, presence, merge)


def test_table_has_every_mode():
    modes = {mode for mode in MERGES.values() if not mode.joins_predictions}
    assert set(FORMULAS) == modes, "late fusion has a file of its own"


@pytest.mark.parametrize(("merge", "n_inputs"), MERGES_OF_INPUTS, ids=str)
class TestFormula:
    def test_of_equal_widths(self, merge, n_inputs):
        rows = rows_of([3] * n_inputs)
        model = joining(merge, [3] * n_inputs)
        if type(merge) not in WITH_WEIGHTS and merge.units is None:
            assert model.weights == []
        assert_allclose(model(rows), expected(merge, model, rows), rtol=1e-5, atol=1e-5)

    def test_of_unequal_widths(self, merge, n_inputs):
        widths = [3, 5, 2, 4][:n_inputs]
        if getattr(merge, "symmetric", False):
            with pytest.raises(ValueError, match="only for branches of one width"):
                joining(merge, widths)
            return
        rows = rows_of(widths)
        model = joining(merge, widths)
        if merge.needs_equal_widths and merge.units is None:
            kernels = {weight.path: weight.shape for weight in model.trainable_weights}
            assert kernels == {f"project_{i}/kernel": (width, 5) for i, width in enumerate(widths)}
        assert_allclose(model(rows), expected(merge, model, rows), rtol=1e-5, atol=1e-5)

    def test_of_given_units(self, merge, n_inputs):
        rows = rows_of([3] * n_inputs)
        merge = clone(merge).set_params(units=4)
        model = joining(merge, [3] * n_inputs)
        if type(merge) not in (Dot, Cosine):
            assert model.output_shape[1] % 4 == 0
        assert_allclose(model(rows), expected(merge, model, rows), rtol=1e-5, atol=1e-5)

    def test_of_rows_that_lack_inputs(self, merge, n_inputs):
        rows = rows_of([3] * n_inputs, n_rows=8)
        model = joining(merge, [3] * n_inputs, optional=range(n_inputs))
        presence = np.random.default_rng(1).integers(0, 2, (8, n_inputs)).astype("float32")
        presence[:2] = [[0] * n_inputs, [1] * n_inputs]
        output = model([*rows, *np.split(presence, n_inputs, axis=1)])
        assert_allclose(output, expected(merge, model, rows, presence), rtol=1e-5, atol=1e-5)

    def test_of_one_input_that_rows_can_lack(self, merge, n_inputs):
        rows = rows_of([3] * n_inputs)
        model = joining(merge, [3] * n_inputs, optional=[1])
        presence = np.ones((6, n_inputs), dtype="float32")
        presence[::2, 1] = 0
        output = model([*rows, presence[:, [1]]])
        assert_allclose(output, expected(merge, model, rows, presence), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("merge", [*(mode() for mode in FORMULAS), *VARIANTS], ids=str)
def test_saved_merge_gives_the_same(merge, tmp_path):
    rows = rows_of([4, 4])
    model = joining(merge, [4, 4], optional=[0])
    present = np.array([[0], [1]] * 3, dtype="float32")
    model.save(tmp_path / "merge.keras")
    loaded = keras.saving.load_model(tmp_path / "merge.keras")
    assert_array_equal(loaded([*rows, present]), model([*rows, present]))


@pytest.mark.parametrize("mode", WITH_WEIGHTS)
def test_merged_features_are_as_wide_as_the_widest_branch_or_as_told(mode):
    width = 3 if mode is FiLM else 5
    assert joining(mode(), [3, 5, 2]).output_shape == (None, width)
    assert joining(mode(units=4), [3, 5, 2]).output_shape == (None, 4)


@pytest.mark.parametrize("mode", FORMULAS)
def test_weights_of_a_merge_are_built_once(mode):
    widths = [3, 4]
    rows = rows_of(widths)
    model = joining(mode(units=2), widths)
    n_weights = len(model.weights)
    assert_array_equal(model(rows), model(rows))
    assert len(model.weights) == n_weights


@pytest.mark.parametrize("merge", [*(mode(units=4) for mode in FORMULAS), *VARIANTS], ids=str)
def test_every_weight_learns(merge):
    import tensorflow as tf

    rows = rows_of([4, 4])
    model = joining(merge, [4, 4])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum((model(rows) - 0.5) ** 3)
    for gradient in tape.gradient(loss, model.trainable_variables):
        assert np.isfinite(gradient).all()
        assert np.abs(gradient).max() > 1e-5


@pytest.mark.parametrize("merge", [*(mode() for mode in WITH_WEIGHTS), *VARIANTS], ids=str)
def test_mixed_precision_stays_finite(merge):
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = joining(merge, [4, 4], optional=[0, 1])
    finally:
        keras.mixed_precision.set_global_policy("float32")
    rows = [x * 20 for x in rows_of([4, 4])]
    presence = [np.zeros((6, 1), "float32"), np.array([[0], [1]] * 3, "float32")]
    assert np.isfinite(model([*rows, *presence])).all()


@pytest.mark.parametrize("mode", FORMULAS)
def test_one_branch_is_nothing_to_merge(mode):
    with pytest.raises(ValueError, match=r"at least two branches\. Got 1"):
        joining(mode(), [2])


@pytest.mark.parametrize("mode", OF_PAIRS)
@pytest.mark.parametrize("n_inputs", [3, 5])
def test_merge_of_a_pair_is_for_two(mode, n_inputs):
    with pytest.raises(ValueError, match=rf"exactly two inputs\. Got {n_inputs}\. Use 'concat' or"):
        joining(mode(), [2] * n_inputs)


@pytest.mark.parametrize("units", [0, -1, 2.5, "8"])
def test_units_are_a_width(units):
    with pytest.raises(ValueError, match="'units' parameter of Multiply"):
        joining(Multiply(units=units), [2, 2])


@pytest.mark.parametrize(
    ("merge", "message"),
    [
        (Bilinear(rank=0), "'rank' parameter of Bilinear"),
        (FiLM(target=-1), "'target' parameter of FiLM"),
        (FiLM(target=2), r"'target' of FiLM must be the position of an input, 0 to 1\. Got 2\."),
        (AttentionMerge(n_layers=0), "'n_layers' parameter of AttentionMerge"),
        (AttentionMerge(n_heads=2.0), "'n_heads' parameter of AttentionMerge"),
        (AttentionMerge(dropout=1), "'dropout' parameter of AttentionMerge"),
        (Compare(symmetric="yes"), "'symmetric' parameter of Compare"),
    ],
)
def test_parameters_are_checked(merge, message):
    with pytest.raises(ValueError, match=message):
        joining(merge, [2, 2])


def test_cosine_with_a_zero_vector_is_zero_and_learns_nothing():
    import tensorflow as tf

    x = tf.constant([[0.0, 0.0], [3.0, 4.0]])
    y = tf.constant([[1.0, 2.0], [6.0, 8.0]])
    model = joining(Cosine(), [2, 2])
    with tf.GradientTape() as tape:
        tape.watch([x, y])
        cosines = model([x, y])
    assert_allclose(cosines, [[0], [1]], atol=1e-6)
    for gradient in tape.gradient(cosines, [x, y]):
        assert_allclose(gradient, np.zeros((2, 2)), atol=1e-6)


def test_cosine_of_small_vectors_survives_mixed_precision():
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = joining(Cosine(), [2, 2])
    finally:
        keras.mixed_precision.set_global_policy("float32")
    small = np.array([[3e-4, 4e-4]], dtype="float32")
    assert_allclose(model([small, small]), [[1]], rtol=1e-3)
