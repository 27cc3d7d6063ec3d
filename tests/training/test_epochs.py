import keras
import numpy as np
import pytest
import tensorflow as tf

from skmerge.training._epochs import TracedSteps, run_epochs
from skmerge.training._rows import Rows
from skmerge.training._step import TrainingStep

N_ROWS = 25


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(N_ROWS, 3)).astype(np.float32)
    targets = (features @ [[1.0], [-2.0], [0.5]]).astype(np.float32)
    return Rows({"x": tf.constant(features)}, tf.constant(targets), tf.ones(N_ROWS))


def make_model(learning_rate=0.1):
    inputs = {"x": keras.Input((3,), name="x")}
    outputs = keras.layers.Dense(1, kernel_initializer="ones")(inputs["x"])
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.SGD(learning_rate), "mean_squared_error", jit_compile=False)
    return model


def train(model, rows, **changes):
    steps = TracedSteps(model, 1, TrainingStep(model))
    steps.build(rows)
    settings = {
        "epochs": range(3),
        "batch_size": 10,
        "generator": np.random.default_rng(5),
        "shuffle": True,
        "callbacks": [],
        "verbose": 0,
    }
    return run_epochs(steps, rows, changes.pop("validation", None), **(settings | changes))


def test_an_epoch_in_the_graph_equals_a_plain_loop_over_the_same_batches(rows):
    model, plain = make_model(), make_model()
    train(model, rows)
    generator = np.random.default_rng(5)
    for _ in range(3):
        order = generator.permutation(N_ROWS)
        for first in range(0, N_ROWS, 10):
            batch = order[first : first + 10]
            plain.train_on_batch(
                {"x": rows.inputs["x"].numpy()[batch]}, rows.targets.numpy()[batch]
            )
    for actual, expected in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


def test_batches_seen_by_a_callback_train_as_those_that_are_not(rows):
    batches = []

    class Batches(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            batches.append((batch, logs["loss"]))

    by_epoch, by_batch = make_model(), make_model()
    train(by_epoch, rows)
    train(by_batch, rows, callbacks=[Batches()])
    assert [batch for batch, _ in batches] == [0, 1, 2] * 3
    for actual, expected in zip(by_batch.get_weights(), by_epoch.get_weights(), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5)


def test_history_holds_each_epoch_and_the_validation(rows):
    history = train(make_model(), rows, validation=rows)
    assert set(history) == {"loss", "val_loss"}
    assert len(history["loss"]) == 3
    assert history["val_loss"][-1] < history["val_loss"][0]


def test_validation_loss_is_that_of_the_weights_after_the_epoch(rows):
    model = make_model()
    history = train(model, rows, validation=rows)
    predicted = model(rows.inputs)
    expected = np.mean((predicted.numpy() - rows.targets.numpy()) ** 2)
    np.testing.assert_allclose(history["val_loss"][-1], expected, rtol=1e-5)


def test_weights_of_rows_count(rows):
    only_first = Rows(rows.inputs, rows.targets, tf.one_hot(0, N_ROWS) * N_ROWS)
    model = make_model(learning_rate=0.05)
    train(model, only_first, epochs=range(100), batch_size=N_ROWS)
    errors = np.abs(model(rows.inputs).numpy() - rows.targets.numpy())[:, 0]
    assert errors[0] < 0.01 < np.median(errors)


def test_a_callback_stops_the_training(rows):
    class StopAtOnce(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    assert len(train(make_model(), rows, callbacks=[StopAtOnce()])["loss"]) == 1


def test_rows_keep_their_order_without_shuffling(rows):
    models = [make_model(), make_model()]
    for seed, model in enumerate(models):
        train(model, rows, shuffle=False, generator=np.random.default_rng(seed))
    np.testing.assert_array_equal(models[0].get_weights()[0], models[1].get_weights()[0])


def test_one_line_is_printed_per_epoch(rows, capsys):
    train(make_model(), rows, validation=rows, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("Epoch 1/3 - ")
    assert " - loss: " in lines[0]
    assert " - val_loss: " in lines[0]


def test_nothing_is_printed_when_silent(rows, capsys):
    train(make_model(), rows)
    assert capsys.readouterr().out == ""


def test_a_loss_that_is_not_finite_stops_and_says_what_to_try(rows):
    with pytest.raises(
        ValueError, match=r"must stay finite. In epoch \d+ the loss.*lower learning_rate"
    ):
        train(make_model(learning_rate=1e20), rows, epochs=range(10))
