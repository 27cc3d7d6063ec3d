"""The blend of the wide part and the deep part, and what a constant prediction loses."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, log_softmax

from skmerge._wide import blend_weights, constant_loss, mean_loss

from ._rows import target_rows

RNG = np.random.default_rng(0)


class TestBlendWeights:
    N_ROWS = 20_000  # so many that the pulls are weak
    LOGITS = RNG.normal(size=(N_ROWS, 1)) * 2
    LABELS = RNG.random((N_ROWS, 1)) < expit(LOGITS)
    ROWS = target_rows(LABELS, "binary")

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize(("factor", "shift"), [(3.0, 0.0), (0.7, 0.5)])
    def test_a_known_temperature_and_bias_are_found(self, factor, shift, dtype):
        deep = (factor * self.LOGITS + shift).astype(dtype)
        a, b, c = blend_weights([deep], None, self.ROWS)
        assert a == 0
        assert b == pytest.approx(1 / factor, rel=0.1)
        assert c == pytest.approx(-shift / factor, abs=0.15)

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize("better", [0, 1, 2])
    def test_the_best_part_gets_the_largest_share(self, better, dtype):
        parts = [RNG.normal(size=(self.N_ROWS, 1)) for _ in range(3)]
        parts[better] = self.LOGITS
        wide, *deep = parts
        found = blend_weights([each.astype(dtype) for each in deep], wide, self.ROWS)
        assert found.shape == (4,)
        assert found[better] == pytest.approx(1, abs=0.15)
        assert np.delete(found[:-1], better).max() < 0.15

    def test_two_halves_of_the_truth_are_added_up(self):
        first = RNG.normal(size=(self.N_ROWS, 1))
        found = blend_weights([(self.LOGITS - first) / 2], first / 0.7, self.ROWS)
        assert_allclose(found, [0.7, 2, 0], atol=0.2)

    def test_three_parts_of_the_truth_are_added_up_without_a_wide_part(self):
        first, second = RNG.normal(size=(2, self.N_ROWS, 1))
        deep = [first / 0.6, self.LOGITS - first - second, second / 0.8]
        assert_allclose(blend_weights(deep, None, self.ROWS), [0, 0.6, 1, 0.8, 0], atol=0.2)

    def test_shares_are_never_negative(self):
        wrong = [-self.LOGITS, -3 * self.LOGITS]
        found = blend_weights(wrong, self.LOGITS, self.ROWS)
        assert_array_equal(found[1:-1], 0)
        assert found[0] > 0.8
        assert blend_weights(wrong, None, self.ROWS)[:-1].min() >= 0

    def test_few_rows_leave_the_shares_where_they_start(self):
        few = target_rows(self.LABELS[:4], "binary")
        merged, wide = 2 * self.LOGITS[:4], 0.1 * self.LOGITS[:4]
        alone = [2 * self.LOGITS[:4]] * 2
        assert_allclose(blend_weights([merged], wide, few), [0.5, 0.5, 0], atol=0.25)
        assert_allclose(blend_weights([merged, *alone], wide, few), [0.5, 0.5, 0, 0, 0], atol=0.25)
        assert_allclose(blend_weights([wide, *alone], None, few), [0, 1, 0, 0, 0], atol=0.25)

    def test_no_rows_but_the_pulls_leave_them_exactly_there(self):
        nothing = np.zeros((30, 1))
        deep, rows = [nothing] * 3, target_rows(np.arange(30) % 2, "binary")
        assert_allclose(blend_weights(deep, nothing, rows), [0.5, 0.5, 0, 0, 0], atol=1e-6)
        assert_allclose(blend_weights(deep, None, rows), [0, 1, 0, 0, 0], atol=1e-6)

    @pytest.mark.parametrize("kind", ["multiclass", "multilabel", "regression"])
    def test_only_binary_targets_have_a_bias(self, kind):
        logits = RNG.normal(size=(8000, 3)) * 2
        noise = RNG.gumbel(size=logits.shape)
        Y = {
            "multiclass": np.eye(3)[(logits + noise).argmax(axis=1)],
            "multilabel": RNG.random(logits.shape) < expit(logits),
            "regression": logits + RNG.normal(size=logits.shape),
        }[kind]
        deep = [2 * logits.astype("float32"), RNG.normal(size=logits.shape)]
        found = blend_weights(deep, None, target_rows(Y, kind))
        assert_allclose(found, [0, 0.5, 0, 0], atol=0.1)
        assert found[-1] == 0

    @pytest.mark.parametrize("has_wide", [True, False], ids=["wide", "no wide"])
    @pytest.mark.parametrize("n_alone", [0, 2])
    def test_it_is_a_minimum_of_the_loss_with_its_pulls(self, n_alone, has_wide):
        wide = RNG.normal(size=(200, 1)) if has_wide else None
        deep = [2 * self.LOGITS[:200] + RNG.normal(size=(200, 1)), RNG.normal(size=(200, 1))]
        deep = [*deep, self.LOGITS[:200]][: 1 + n_alone]
        parts = [np.zeros((200, 1)) if wide is None else wide, *deep]
        usual = np.array([0.5, 0.5, 0, 0] if has_wide else [0, 1, 0, 0])[: 2 + n_alone]
        rows = target_rows(self.LABELS[:200], "binary")

        def objective(v):
            shares, bias = v[:-1], v[-1]
            pulls = 50 * (shares.sum() - 1) ** 2 + 50 * bias**2
            pulls += np.sum(np.array([2, 2, 15, 15])[: len(usual)] * (shares - usual) ** 2)
            blended = sum(a * part for a, part in zip(shares, parts, strict=True)) + bias
            return mean_loss("binary", blended, rows.Y, rows.weights) + pulls / 200

        found = blend_weights(deep, wide, rows)
        n_moved = 0
        for step in 0.02 * np.concatenate([np.eye(len(found)), -np.eye(len(found))]):
            moved = found + step
            if moved[:-1].min() >= 0 and (has_wide or moved[0] == 0):
                assert objective(moved) > objective(found)
                n_moved += 1
        assert n_moved > len(found)

    def test_weights_of_rows_count(self):
        wrong = self.LABELS.copy()
        wrong[::2] = ~wrong[::2]
        weights = np.where(np.arange(self.N_ROWS) % 2, 2.0, 0.0)
        found = blend_weights([self.LOGITS], None, target_rows(wrong, "binary", weights))
        assert found[1] == pytest.approx(1, abs=0.1)


class TestConstantLoss:
    def test_it_is_the_loss_of_the_mean(self):
        Y = RNG.normal(3, 2, (80, 2))
        weights = RNG.uniform(0.5, 2, 80)
        rows = target_rows(Y, "regression", weights)
        mean = np.average(Y[:50], axis=0, weights=weights[:50])
        errors = 0.5 * np.sum((Y[50:] - mean) ** 2, axis=1)
        reached = constant_loss(rows.taken(np.arange(50)), rows.taken(np.arange(50, 80)))
        assert reached == pytest.approx(np.mean(errors * weights[50:]), rel=1e-5)

    def test_it_is_the_entropy_of_the_shares_of_classes(self):
        codes = np.repeat([0, 1, 2], [50, 30, 20])
        rows = target_rows(np.eye(3)[codes], "multiclass")
        shares = np.array([0.5, 0.3, 0.2])
        assert constant_loss(rows, rows) == pytest.approx(-np.sum(shares * np.log(shares)))
        labels = target_rows(codes == 2, "binary")
        expected = -(0.2 * np.log(0.2) + 0.8 * np.log(0.8))
        assert constant_loss(labels, labels) == pytest.approx(expected)

    def test_a_class_that_no_training_row_has_costs_much_but_not_infinitely(self):
        rows = target_rows(np.eye(3)[[0, 1]], "multiclass")
        other = target_rows(np.eye(3)[[2]], "multiclass")
        floor = -log_softmax(np.log([0.5, 0.5, 1e-6]))[2]
        assert constant_loss(rows, other) == pytest.approx(floor, rel=1e-6)
