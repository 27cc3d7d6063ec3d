"""When training ends and with which weights."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmerge.training import _stopping
from skmerge.training._stopping import Epoch, PatientStopping, average_epochs

RNG = np.random.default_rng(0)


@pytest.fixture
def model():
    """Two variables that are floats, and the states of a dropout layer, which are not."""
    network = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(3), keras.layers.Dropout(0.1)]
    )
    assert any(np.issubdtype(variable.numpy().dtype, np.integer) for variable in network.variables)
    return network


def values_of(model):
    return [variable.numpy() for variable in model.variables]


def trained(model, losses, baseline=None, patience=100, min_delta=0.0):
    """Go through epochs of these losses, with other weights after each; weights by epoch."""
    stopping = PatientStopping(baseline, patience=patience, min_delta=min_delta)
    stopping.set_model(model)
    stopping.set_params({"epochs": len(losses)})
    model.stop_training = False
    stopping.on_train_begin()
    weights = []
    for epoch, loss in enumerate(losses):
        model.set_weights([RNG.normal(size=weight.shape) for weight in model.get_weights()])
        weights.append(model.get_weights())
        stopping.on_epoch_end(epoch, {"loss": 0.0, "val_loss": loss})
        if model.stop_training:
            break
    stopping.on_train_end()
    return stopping, weights


class TestKeptEpochs:
    LOSSES = (0.9, 0.4, 0.7, 0.4, 0.6, 0.8, 0.5, 0.3, 0.95, 1.1, 1.2, 1.0, 1.3)

    def test_they_are_the_ten_of_the_lowest_loss_the_earlier_of_equals(self, model):
        stopping, _ = trained(model, self.LOSSES)
        assert [epoch.number for epoch in stopping.kept] == [7, 1, 3, 6, 4, 2, 5, 0, 8, 11]
        assert [epoch.loss for epoch in stopping.kept][:4] == [0.3, 0.4, 0.4, 0.5]

    @pytest.mark.parametrize(("most_bytes", "n_kept"), [(36 * 4, 4), (36 * 3 - 1, 2), (10, 1)])
    def test_there_are_fewer_of_large_networks(self, most_bytes, n_kept, model, monkeypatch):
        monkeypatch.setattr(_stopping, "_MOST_BYTES", most_bytes)  # 9 weights of 4 bytes
        stopping, _ = trained(model, self.LOSSES)
        assert [epoch.number for epoch in stopping.kept] == [7, 1, 3, 6][:n_kept]

    def test_their_weights_are_those_after_the_epoch(self, model):
        stopping, weights = trained(model, self.LOSSES)
        for _, number, values in stopping.kept:
            assert len(values) == 2
            for value, weight in zip(values, weights[number], strict=True):
                assert_array_equal(value, weight)

    def test_fewer_epochs_are_all_kept(self, model):
        stopping, _ = trained(model, (0.2, 0.1))
        assert [epoch.number for epoch in stopping.kept] == [1, 0]

    def test_those_whose_loss_is_no_number_are_not(self, model):
        stopping, _ = trained(model, (np.nan, 0.3, np.inf, 0.2, np.nan))
        assert [epoch.number for epoch in stopping.kept] == [3, 1]

    def test_another_training_begins_with_none(self, model):
        stopping, _ = trained(model, self.LOSSES)
        stopping.on_train_begin()
        assert stopping.kept == []


class TestPatience:
    def test_it_stops_after_as_many_epochs_without_improvement(self, model):
        _, weights = trained(model, (0.5, 0.4, 0.45, 0.45, 0.1), patience=2)
        assert len(weights) == 4

    def test_it_does_not_count_before_the_network_is_better_than_a_constant(self, model):
        losses = (0.7, 0.71, 0.72, 0.73, 0.695, 0.5, 0.6, 0.6, 0.1)
        _, weights = trained(model, losses, baseline=0.7, patience=2)
        assert len(weights) == 8

    def test_the_best_weights_are_restored(self, model):
        stopping, weights = trained(model, (0.5, 0.4, 0.45))
        average_epochs(model, stopping.kept, lambda: 0.4)
        for weight, best in zip(model.get_weights(), weights[1], strict=True):
            assert_array_equal(weight, best)


class TestAverage:
    """Epochs of drawn weights; the loss is the distance from their mean, or is told."""

    def epochs(self, model, n=5, rng=RNG):
        shapes = [weight.shape for weight in model.get_weights()]
        return [
            Epoch(0.0, number, [rng.normal(size=shape).astype("float32") for shape in shapes])
            for number in range(n)
        ]

    @pytest.mark.parametrize("seed", range(5))
    def test_it_is_the_greedy_soup(self, seed, model):
        rng = np.random.default_rng(seed)
        goal = [0.1 * rng.normal(size=weight.shape) for weight in model.get_weights()]

        def distance(weights):
            return sum(np.sum((a - b) ** 2) for a, b in zip(weights, goal, strict=True))

        kept = [
            epoch._replace(loss=distance(epoch.values)) for epoch in self.epochs(model, rng=rng)
        ]
        kept.sort(key=lambda epoch: epoch.loss)
        chosen = [kept[0]]
        for epoch in kept[1:]:
            both = [*chosen, epoch]
            mean = [np.mean(parts, axis=0) for parts in zip(*(e.values for e in both), strict=True)]
            before = [
                np.mean(parts, axis=0) for parts in zip(*(e.values for e in chosen), strict=True)
            ]
            if distance(mean) < distance(before):
                chosen = both
        found = average_epochs(model, kept, lambda: distance(model.get_weights()))
        assert found == [epoch.number for epoch in chosen]
        assert len(found) > 1
        for at, weight in enumerate(model.get_weights()):
            assert_allclose(weight, np.mean([e.values[at] for e in chosen], axis=0), atol=1e-6)

    def test_what_makes_it_worse_stays_out(self, model):
        kept = [epoch._replace(loss=0.5) for epoch in self.epochs(model, 4)]
        told = iter([0.6, 0.4, 0.4])
        assert average_epochs(model, kept, lambda: next(told)) == [0, 2]
        for at, weight in enumerate(model.get_weights()):
            assert_allclose(weight, (kept[0].values[at] + kept[2].values[at]) / 2, atol=1e-6)

    def test_a_loss_that_is_not_a_number_stays_out(self, model):
        kept = [epoch._replace(loss=0.5) for epoch in self.epochs(model, 2)]
        assert average_epochs(model, kept, lambda: np.nan) == [0]

    def test_equal_values_and_states_of_generators_stay_what_they_are(self, model):
        before = values_of(model)
        floats = [value for value in before if np.issubdtype(value.dtype, np.floating)]
        kept = [Epoch(1.0, number, floats) for number in range(3)]
        told = iter([0.9, 0.8])
        assert average_epochs(model, kept, lambda: next(told)) == [0, 1, 2]
        for value, former in zip(values_of(model), before, strict=True):
            assert_array_equal(value, former)

    def test_one_epoch_needs_no_loss(self, model):
        kept = self.epochs(model, 1)
        assert average_epochs(model, kept, None) == [0]
        for weight, value in zip(model.get_weights(), kept[0].values, strict=True):
            assert_array_equal(weight, value)

    def test_no_epochs_leave_the_weights(self, model):
        before = model.get_weights()
        assert average_epochs(model, [], None) == []
        for weight, former in zip(model.get_weights(), before, strict=True):
            assert_array_equal(weight, former)
