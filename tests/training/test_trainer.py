import pickle

import keras
import numpy as np
import pytest
from scikeras.wrappers import BaseWrapper
from scipy.sparse import csr_matrix

from skmerge import InputSpec, TargetSpec
from skmerge.training import EncodedRows, NetworkPlan, NetworkTrainer, TrainingOptions

N_ROWS = 60
SPECS = (
    InputSpec("numbers", "array", (4,)),
    InputSpec("words", "text", (5,), "int32", "embedding", vocabulary_size=20),
    InputSpec("counts", "array", (9,), sparse=True),
)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    inputs = {
        "numbers": rng.normal(size=(N_ROWS, 4)).astype(np.float32),
        "words": rng.integers(0, 20, (N_ROWS, 5)).astype(np.int32),
        "counts": csr_matrix(rng.poisson(0.4, (N_ROWS, 9)).astype(np.float32)),
    }
    targets = (inputs["numbers"][:, :1] > 0).astype(np.float32)
    return EncodedRows(inputs, targets, np.ones(N_ROWS, np.float32))


def make_options(**changes):
    options = {
        "optimizer": "adam",
        "learning_rate": None,
        "loss": "binary_crossentropy",
        "metrics": ["accuracy"],
        "callbacks": None,
        "n_targets": 1,
        "batch_size": 16,
        "shuffle": True,
        "patience": None,
        "min_delta": 0.0,
        "baseline": None,
        "verbose": 0,
        "seed": 3,
    }
    return TrainingOptions(**(options | changes))


def trained(rows, epochs=2, validation=None, **changes):
    plan = NetworkPlan(SPECS, None, "concat", (8,), TargetSpec("binary", 1), 0.1)
    options = make_options(**changes)
    trainer = NetworkTrainer.new(plan, options)
    trainer.train(rows, validation, epochs, options)
    return trainer


@pytest.fixture(scope="module")
def fitted(rows):
    return trained(rows)


def test_the_same_seed_gives_the_same_outputs_bit_for_bit(rows, fitted):
    again = trained(rows)
    other = trained(rows, seed=4)
    outputs = fitted.outputs(rows.inputs, N_ROWS)
    np.testing.assert_array_equal(again.outputs(rows.inputs, N_ROWS), outputs)
    assert not np.array_equal(other.outputs(rows.inputs, N_ROWS), outputs)


def test_outputs_do_not_depend_on_the_rows_beside(rows, fitted):
    outputs = fitted.outputs(rows.inputs, N_ROWS)
    for chosen in ([5], [59, 0, 30], list(range(0, 60, 2))):
        few = {name: array[chosen] for name, array in rows.inputs.items()}
        np.testing.assert_array_equal(fitted.outputs(few, len(chosen)), outputs[chosen])


def test_no_rows_give_no_outputs(rows, fitted):
    nothing = {name: array[:0] for name, array in rows.inputs.items()}
    assert fitted.outputs(nothing, 0).shape == (0, 1)


def test_pickled_trainer_gives_the_same_outputs_and_trains_on_alike(rows):
    trainer = trained(rows)
    copy = pickle.loads(pickle.dumps(trainer))
    assert "model_" not in vars(copy)
    outputs = trainer.outputs(rows.inputs, N_ROWS)
    np.testing.assert_array_equal(copy.outputs(rows.inputs, N_ROWS), outputs)
    for each in (trainer, copy):
        each.train(rows, None, 1, make_options())
    np.testing.assert_array_equal(
        copy.outputs(rows.inputs, N_ROWS), trainer.outputs(rows.inputs, N_ROWS)
    )
    assert copy.history_ == trainer.history_


def test_pickling_twice_without_use_keeps_the_network(rows, fitted):
    copy = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(fitted))))
    np.testing.assert_array_equal(
        copy.outputs(rows.inputs, N_ROWS), fitted.outputs(rows.inputs, N_ROWS)
    )


def test_training_goes_on_where_it_stopped(rows):
    trainer = trained(rows)
    trainer.train(rows, None, 3, make_options())
    assert len(trainer.history_["loss"]) == 5
    assert trainer.history_["loss"][-1] < trainer.history_["loss"][0]


def test_a_failure_puts_the_trained_network_back(rows):
    trainer = trained(rows)
    before = trainer.outputs(rows.inputs, N_ROWS)
    broken = EncodedRows(rows.inputs, np.full_like(rows.targets, np.nan), rows.weights)
    with pytest.raises(ValueError, match="must stay finite"):
        trainer.train(broken, None, 1, make_options(learning_rate=0.5))
    np.testing.assert_array_equal(trainer.outputs(rows.inputs, N_ROWS), before)
    assert len(trainer.history_["loss"]) == 2


def test_training_goes_on_with_new_options(rows):
    trainer = trained(rows)
    seen = []

    class Watching(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append((epoch, float(self.model.optimizer.learning_rate)))

    changed = make_options(callbacks=Watching, learning_rate=0.125, optimizer="sgd")
    trainer.train(rows, None, 2, changed)
    assert seen == [(2, 0.125), (3, 0.125)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizer": "adm"}, r"'optimizer' parameter .*Got 'adm'. Did you mean 'adam'\?"),
        ({"loss": "mean_square_error"}, r"'loss' parameter .*Did you mean 'mean_squared_error'\?"),
        ({"metrics": ["acuracy"]}, r"'metrics' parameter .*Got 'acuracy'"),
    ],
)
def test_names_that_Keras_does_not_know_are_refused_with_the_nearest(rows, changes, message):
    with pytest.raises(ValueError, match=message):
        trained(rows, **changes)


def test_weights_that_burst_in_the_last_step_are_noticed(rows):
    heavy = EncodedRows(rows.inputs, rows.targets, np.full(N_ROWS, 1e30, np.float32))
    with pytest.raises(ValueError, match=r"In epoch 1 the weights became NaN or infinite"):
        trained(heavy, 1, optimizer="sgd", learning_rate=1e30, batch_size=N_ROWS)


class Keeping(keras.callbacks.Callback):
    """Keeps the weights after each epoch."""

    weights: list = []

    def on_train_begin(self, logs=None):
        self.weights.clear()

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append(self.model.get_weights())


def greedy_soup(losses, loss_of):
    """Return the epochs that Wortsman et al. 2022 would average, of the best ten."""
    first, *others = np.argsort(losses, kind="stable")[:10]
    chosen, least = [first], losses[first]
    for epoch in others:
        if loss_of([*chosen, epoch]) < least:
            chosen.append(epoch)
            least = loss_of(chosen)
    return chosen


@pytest.mark.parametrize("learning_rate", [0.1, 0.05])
def test_early_stopping_keeps_the_best_weights_averaged_where_that_helps(rows, learning_rate):
    wrong = np.random.default_rng(1).random((N_ROWS, 1)) < 0.2
    noisy = EncodedRows(rows.inputs, np.abs(rows.targets - wrong), rows.weights)
    y = rows.targets
    trainer = trained(
        noisy,
        40,
        validation=rows,
        patience=6,
        learning_rate=learning_rate,
        callbacks=Keeping,
    )
    losses, weights = trainer.history_["val_loss"], Keeping.weights
    assert len(losses) == len(weights) < 40
    kept = trainer.model_.get_weights()

    def loss_of(epochs):
        mean = [np.mean(each, axis=0) for each in zip(*(weights[e] for e in epochs), strict=True)]
        trainer.model_.set_weights(mean)
        p = trainer.outputs(rows.inputs, N_ROWS).astype(float)
        return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))

    chosen = greedy_soup(losses, loss_of)
    assert len(chosen) > 1
    for at, weight in enumerate(kept):
        mean = np.mean([weights[epoch][at] for epoch in chosen], axis=0)
        np.testing.assert_allclose(weight, mean, atol=1e-6)


class Counting(keras.callbacks.Callback):
    """Counts the epochs that it has seen."""

    def __init__(self):
        super().__init__()
        self.epochs = 0

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1


@pytest.mark.parametrize("given", [Counting, [Counting], [Counting()], Counting(), [[Counting()]]])
def test_callbacks_are_classes_or_instances_alone_or_in_lists(rows, given):
    trainer = trained(rows, callbacks=given)
    (callback,) = trainer.callbacks_
    assert callback.epochs == 2


def test_a_callback_instance_is_not_shared_between_fits(rows):
    callback = Counting()
    for _ in range(2):
        trained(rows, callbacks=[callback])
    assert callback.epochs == 0


@pytest.mark.parametrize(
    ("optimizer", "rate", "expected"),
    [
        ("sgd", None, 0.01),
        ("sgd", 0.25, 0.25),
        (keras.optimizers.SGD, 0.25, 0.25),
        (keras.optimizers.SGD(0.5), None, 0.5),
        (keras.optimizers.SGD(0.5), 0.25, 0.25),
    ],
)
def test_learning_rate_is_that_of_the_user_or_of_the_optimizer(rows, optimizer, rate, expected):
    trainer = trained(rows, 1, optimizer=optimizer, learning_rate=rate)
    assert float(trainer.model_.optimizer.learning_rate) == pytest.approx(expected)


def test_an_optimizer_instance_is_copied(rows):
    optimizer = keras.optimizers.SGD(0.5, momentum=0.9, clipnorm=1.0)
    trainer = trained(rows, 1, optimizer=optimizer)
    assert not optimizer.built
    assert trainer.model_.optimizer.clipnorm == 1.0
    assert trainer.model_.optimizer is not optimizer


def test_a_metric_instance_is_copied(rows):
    metric = keras.metrics.AUC(name="auc")
    trainer = trained(rows, metrics=[metric])
    assert "auc" in trainer.history_
    assert float(metric.result()) == 0


# What of scikeras is built on; each line fails when a new version changes it.
@pytest.mark.parametrize(
    "hook",
    [
        "_fit",
        "_fit_keras_model",
        "_initialize_callbacks",
        "_validate_data",
        "_build_keras_model",
        "_ensure_compiled_model",
        "current_epoch",
        "feature_encoder",
        "target_encoder",
    ],
)
def test_scikeras_has_the_hook(hook):
    assert hasattr(BaseWrapper, hook)
