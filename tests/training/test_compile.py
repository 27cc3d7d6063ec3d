"""What networks are compiled with: checked, described, and made only when asked for."""

from fractions import Fraction

import keras
import numpy as np
import pytest

from skmerge.training._compile import Recipe, TrainingOptions, compilation


def compiled(**changes):
    options = {
        "optimizer": "adam",
        "learning_rate": None,
        "loss": "mse",
        "metrics": [],
        "callbacks": None,
        "n_targets": 1,
        "batch_size": 8,
        "shuffle": True,
        "patience": None,
        "min_delta": 0.0,
        "baseline": None,
        "verbose": 0,
        "seed": 0,
    }
    return compilation(TrainingOptions(**(options | changes)))


@pytest.mark.parametrize(
    "optimizer",
    ["sgd", keras.optimizers.SGD, keras.optimizers.SGD()],
    ids=["name", "class", "instance"],
)
def test_optimizers_are_made_anew_each_time(optimizer):
    arguments = [compiled(optimizer=optimizer, learning_rate=0.5).arguments() for _ in range(2)]
    made = [argument["optimizer"] for argument in arguments]
    assert [type(optimizer) for optimizer in made] == [keras.optimizers.SGD] * 2
    assert made[0] is not made[1]
    assert float(made[0].learning_rate) == 0.5


def test_an_instance_of_the_users_is_described_and_not_used():
    own = keras.optimizers.Adam(0.3, beta_1=0.7)
    made = compiled(optimizer=own).arguments()["optimizer"]
    assert made is not own
    assert (made.beta_1, float(made.learning_rate)) == (0.7, pytest.approx(0.3))


@pytest.mark.parametrize("rate", [2, np.int64(2), np.float32(2), Fraction(2)])
def test_learning_rates_may_be_numbers_of_any_type(rate):
    assert float(compiled(learning_rate=rate).arguments()["optimizer"].learning_rate) == 2


@pytest.mark.parametrize("as_parameter", [True, False])
def test_schedules_are_kept(as_parameter):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    settings = (
        {"learning_rate": schedule}
        if as_parameter
        else {"optimizer": keras.optimizers.SGD(schedule)}
    )
    made = compiled(**settings).arguments()["optimizer"]
    made.build([])
    made.iterations.assign(10)
    assert float(made.learning_rate) == pytest.approx(0.05)


def test_nothing_that_holds_variables_is_made_for_a_known_name(monkeypatch):
    compiled(optimizer="nadam", metrics=["AUC", keras.metrics.Precision])

    def fail(*args, **named):
        raise AssertionError

    for made_class in (keras.optimizers.Nadam, keras.metrics.AUC, keras.metrics.Precision):
        monkeypatch.setattr(made_class, "__init__", fail)
    again = compiled(optimizer="nadam", metrics=["AUC", keras.metrics.Precision])
    assert again.optimizer.made_class is keras.optimizers.Nadam


def test_names_of_metrics_are_the_same_in_each_fit():
    metrics = ["AUC", keras.metrics.Precision, "mse", keras.metrics.Recall(name="mine_2")]
    for _ in range(2):
        made = compiled(metrics=metrics).arguments()["metrics"]
        assert [metric.name for metric in made] == [
            "auc",
            "precision",
            "mean_squared_error",
            "mine_2",
        ]


def test_words_and_functions_are_left_to_keras():
    def own(y_true, y_pred):
        return y_pred

    assert compiled(metrics=["accuracy", own], loss=own).arguments()["metrics"] == ["accuracy", own]
    assert callable(compiled(learning_rate=lambda: 0.1).optimizer.config["learning_rate"])


def test_a_class_of_a_loss_is_made():
    assert isinstance(compiled(loss=keras.losses.Huber).loss, keras.losses.Huber)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizer": "adm"}, r"'optimizer' parameter .*Got 'adm'\. Did you mean 'adam'\?"),
        ({"optimizer": 3}, r"'optimizer' parameter must be .*Got 3\."),
        ({"learning_rate": ""}, r"'learning_rate' parameter must be .*Got ''\."),
        ({"learning_rate": float("nan")}, r"'learning_rate' parameter must be .*Got nan\."),
        ({"learning_rate": 10**400}, r"'learning_rate' parameter must be .*Got 1000"),
        ({"learning_rate": -0.1}, r"'learning_rate' parameter must be .*Got -0.1\."),
        ({"metrics": [int]}, r"'metrics' parameter must be .*Got <class 'int'>\."),
        ({"metrics": ["sum"]}, r"'metrics' parameter must be .*Got 'sum', which is"),
        ({"metrics": [keras.metrics.Mean()]}, r"'metrics' parameter must be .*, which is one of"),
        ({"metrics": [1j]}, r"'metrics' parameter must be .*Got 1j\."),
        ({"loss": False}, r"'loss' parameter must be .*Got False\."),
        ({"loss": "hubber"}, r"'loss' parameter .*Got 'hubber'\. Did you mean 'huber'\?"),
        ({"metrics": ["aucc"]}, r"'metrics' parameter .*Got 'aucc'\. Did you mean 'auc'\?"),
        ({"loss": len}, r"'loss' parameter must be .*called with \(y_true, y_pred\)\. Got"),
        ({"metrics": [len]}, r"'metrics' parameter must be .*\(y_true, y_pred\)\. Got <built-in"),
        ({"learning_rate": len}, r"'learning_rate' parameter must be .*with \(\)\. Got <built-in"),
    ],
)
def test_what_keras_does_not_know_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        compiled(**changes)


def test_a_recipe_can_be_followed_again_and_again():
    recipe = Recipe(keras.metrics.AUC, {"name": "area", "num_thresholds": 5})
    first, second = recipe.make(), recipe.make()
    assert first is not second
    assert first.name == second.name == "area"
