"""Late fusion: the weights of the predictions, absent inputs, and the heads in the network."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmerge import InputSpec, TargetSpec, build_network
from skmerge.merges import Late, MergeList, Sum

SPECS = [InputSpec("photo", "array", (3,)), InputSpec("note", "array", (5,))]


def joining(merge, n_inputs=2, n_outputs=4):
    """Return a model of nothing but the merge, of inputs that all can be absent."""
    import keras

    logits = [keras.Input((n_outputs,)) for _ in range(n_inputs)]
    presence = [keras.Input((1,)) for _ in range(n_inputs)]
    return keras.Model([logits, presence], merge.join(logits, presence=presence))


def rows_of(n_inputs=2, n_rows=6):
    rng = np.random.default_rng(0)
    logits = [rng.normal(size=(n_rows, 4)).astype("float32") for _ in range(n_inputs)]
    present = (rng.random((n_inputs, n_rows, 1)) < 0.6).astype("float32")
    present[:, 0], present[:, 1] = 1, 0
    return logits, list(present)


def weighted_mean(logits, presence, weights):
    """Return the mean of the predictions present, zero where there is none."""
    shares = np.stack(presence) * np.reshape(weights, (-1, 1, 1))
    total = shares.sum(axis=0)
    shares = np.divide(shares, total, out=np.zeros_like(shares), where=total > 0)
    return (shares * np.stack(logits)).sum(axis=0)


@pytest.mark.parametrize(
    ("merge", "weights"), [(Late(), (1, 1, 1)), (Late((1, 0.5, 3)), (1, 0.5, 3))]
)
def test_fixed_weights_are_shared_out_among_the_inputs_present(merge, weights):
    logits, presence = rows_of(3)
    model = joining(merge, 3)
    assert model.weights == []
    expected = weighted_mean(logits, presence, np.asarray(weights, "float32"))
    assert_allclose(model([logits, presence]), expected, rtol=1e-5, atol=1e-6)


def test_inputs_never_absent_are_averaged():
    import keras

    logits = [keras.Input((4,)), keras.Input((4,))]
    model = keras.Model(logits, Late().join(logits))
    rows, _ = rows_of()
    assert_allclose(model(rows), np.mean(rows, axis=0), rtol=1e-5, atol=1e-6)


def test_learned_weights_are_a_softmax_that_starts_even():
    logits, presence = rows_of(3)
    model = joining(Late("learned"), 3)
    (numbers,) = model.trainable_weights
    assert_allclose(
        model([logits, presence]), weighted_mean(logits, presence, [1, 1, 1]), atol=1e-6
    )
    numbers.assign([0.3, -1.0, 2.0])
    expected = weighted_mean(logits, presence, np.exp([0.3, -1.0, 2.0]))
    assert_allclose(model([logits, presence]), expected, rtol=1e-5, atol=1e-6)


def test_stacking_is_a_linear_layer_that_starts_as_the_average():
    logits, presence = rows_of()
    model = joining(Late("stacked"))
    kept = [x * present for x, present in zip(logits, presence, strict=True)]
    assert_allclose(model([logits, presence]), np.mean(kept, axis=0), rtol=1e-5, atol=1e-6)
    kernel, bias = model.trainable_weights
    rng = np.random.default_rng(1)
    kernel.assign(rng.normal(size=(8, 4)))
    bias.assign([1.0, 2.0, 3.0, 4.0])
    expected = np.mean(kept, axis=0) + np.concatenate(kept, axis=1) @ np.asarray(kernel) + bias
    assert_allclose(model([logits, presence]), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("weights", [(1,), (1, 2, 3), (1, -1), (0, 0), (1, "2"), (1, float("inf"))])
def test_weights_are_one_share_for_each_input(weights):
    with pytest.raises(ValueError, match=r"'weights' of Late must be .* 2 numbers.*Got \("):
        joining(Late(weights))


@pytest.mark.parametrize(
    ("merge", "message"),
    [
        (Late("mean"), "'weights' parameter of Late must be.*Got 'mean'"),
        (Late(auxiliary=-0.1), "'auxiliary' parameter of Late must be.*Got -0.1"),
        (MergeList([Sum(), Late()]), r"Late\(\) joins predictions\. Use it alone"),
    ],
)
def test_what_cannot_be_is_an_error(merge, message):
    with pytest.raises(ValueError, match=message):
        joining(merge)


@pytest.mark.parametrize(
    "target", [TargetSpec("multiclass", 3), TargetSpec("binary", 1), TargetSpec("regression", 2)]
)
def test_network_is_the_activated_mean_of_networks_with_a_head_each(target):
    import keras

    network = build_network(SPECS, merge="late", head=(4,), target=target, dropout=0.1)
    names = {layer.name for layer in network.layers}
    assert {"photo-head", "note-head", "photo-logits", "note-logits", "merge"} <= names
    assert "head" not in names
    rng = np.random.default_rng(0)
    rows = {"photo": rng.normal(size=(5, 3)), "note": rng.normal(size=(5, 5))}
    own = keras.Model(
        network.input,
        [network.get_layer(f"{name}-logits").output for name in ("photo", "note")],
    )
    logits = np.mean(own(rows), axis=0)
    activation = keras.activations.get(target.activation)
    assert_allclose(network(rows), activation(logits), rtol=1e-4, atol=1e-6)


def test_predictions_do_not_depend_on_inputs_together():
    """What an input adds to the logits is the same, whatever the other input is."""
    network = build_network(SPECS, merge="late", target=TargetSpec("regression", 1))
    rng = np.random.default_rng(0)
    photo, note = rng.normal(size=(4, 3)), rng.normal(size=(4, 5))
    both = network({"photo": photo, "note": note})
    change = network({"photo": photo[::-1], "note": note}) - both
    elsewhere = network({"photo": photo[::-1], "note": note[::-1]}) - network(
        {"photo": photo, "note": note[::-1]}
    )
    assert_allclose(change, elsewhere, rtol=1e-4, atol=1e-5)


def test_inputs_that_share_a_branch_have_a_head_each():
    specs = [InputSpec("front", "array", (3,)), InputSpec("back", "array", (3,))]
    network = build_network(specs, {"back": "front"}, merge="late", head=(2,))
    heads = [network.get_layer(f"{name}-head") for name in ("front", "back")]
    assert heads[0] is not heads[1]
    assert len(network.trainable_weights) == 2 + 2 * 4


def test_one_input_is_a_plain_network():
    late = build_network(SPECS[:1], merge="late")
    plain = build_network(SPECS[:1], merge="concat")
    assert [layer.name for layer in late.layers] == [layer.name for layer in plain.layers]


def test_network_survives_saving(tmp_path):
    import keras

    network = build_network(SPECS, merge=Late("learned"), input_dropout=0.3)
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    rows = {"photo": np.ones((2, 3)), "note": np.ones((2, 5))}
    rows |= {"photo_present": np.array([[1.0], [0.0]]), "note_present": np.ones((2, 1))}
    assert_array_equal(loaded(rows), network(rows))
