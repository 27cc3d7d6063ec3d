"""The wide model: what rows not fitted on decide, and the blend with another prediction."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, log_softmax

from skmerge import InputSpec, MultiInput
from skmerge._spec import WideSpec
from skmerge._wide import TargetRows, _model, blend_weights, constant_loss, fit_wide, mean_loss
from skmerge._wide._features import N_BINS, N_PAIRS
from skmerge._wide._model import PENALTIES
from skmerge._wide._solver import fit_linear

RNG = np.random.default_rng(0)
N_ROWS, N_FITTED = 400, 300
N_WORDS = 12
SPECS = {
    "note": InputSpec("note", "text", (8,), "int32", vocabulary_size=N_WORDS),
    "table": InputSpec("table", "tabular", (3,), code_columns=(2,), cardinalities=(4,)),
    "photo": InputSpec("photo", "image", (2, 2, 3), "uint8"),
}
X = MultiInput(
    {
        "note": RNG.integers(2, N_WORDS, (N_ROWS, 8)).astype("int32"),
        "table": np.concatenate(
            [RNG.normal(size=(N_ROWS, 2)), RNG.integers(0, 4, (N_ROWS, 1))], axis=1
        ).astype("float32"),
        "photo": RNG.integers(0, 256, (N_ROWS, 2, 2, 3)).astype("uint8"),
    },
    SPECS,
)
PARTS = np.arange(N_FITTED), np.arange(N_FITTED, N_ROWS)
OF_WORD = (X["note"] == 5).any(axis=1)
OF_PAIR = ((X["note"][:, :-1] < 7) & (X["note"][:, 1:] >= 7)).sum(axis=1) >= 3


def target_rows(Y, kind, weights=None):
    Y = np.asarray(Y, dtype="float32").reshape(len(Y), -1)
    return TargetRows(Y, np.ones(len(Y)) if weights is None else weights, kind)


def fit(rows, X=X, parts=PARTS, seed=0):
    fitted, held_out = parts
    return fit_wide(X[fitted], rows.taken(fitted), X[held_out], rows.taken(held_out), seed=seed)


def noisy(labels, share, seed=0):
    flipped = np.random.default_rng(seed).random(len(labels)) < share
    return np.where(flipped, ~labels, labels)


@pytest.fixture(scope="module")
def model():
    return fit(target_rows(noisy(OF_WORD | (X["table"][:, 0] > 1), 0.1), "binary"))


class TestFit:
    def test_it_reads_words_and_tables_but_no_pictures(self, model):
        assert set(model.features) == {"note", "table"}
        assert model.specs["table"] == WideSpec(n_bins=N_BINS)
        assert len(model.weights) == 1 + sum(part.n_features for part in model.features.values())
        assert fit(target_rows(OF_WORD, "binary"), X.select(["photo"])) is None

    def test_it_finds_what_words_and_numbers_say(self, model):
        logits = model.logits(X)[N_FITTED:, 0]
        target = (OF_WORD | (X["table"][:, 0] > 1))[N_FITTED:]
        assert np.mean((logits > 0) == target) > 0.85

    def test_its_weights_are_the_optimum_of_its_penalty_on_the_training_rows(self, model):
        rows = target_rows(noisy(OF_WORD | (X["table"][:, 0] > 1), 0.1), "binary")
        matrix = _model._matrix(model.features, X[:N_FITTED])
        expected = fit_linear(
            matrix,
            rows.Y[:N_FITTED],
            rows.weights[:N_FITTED],
            kind="binary",
            penalty=model.penalty,
        )
        assert_allclose(
            model.logits(X[:N_FITTED]), matrix @ expected[:-1] + expected[-1], atol=0.05
        )

    def test_features_that_never_occur_have_no_weight(self, model):
        matrix = _model._matrix(model.features, X[:N_FITTED])
        never = np.flatnonzero(matrix.getnnz(axis=0) == 0)
        assert len(never)
        assert_array_equal(model.weights[never], 0)

    def test_one_seed_gives_one_model(self):
        rows = target_rows(noisy(X["table"][:, 0] > 0, 0.3), "binary")
        first, second = (fit(rows, X.select(["table"]), seed=3) for _ in range(2))
        assert_array_equal(first.weights, second.weights)

    def test_unlike_weights_of_rows_count(self):
        truth, table = X["table"][:, 0] > 0, X.select(["table"])
        labels = noisy(truth, 0.4)
        trust = np.where(labels == truth, 1.6, 0.1)
        models = [fit(target_rows(labels, "binary", w), table) for w in (None, trust)]
        correct = [np.mean((m.logits(table)[:, 0] > 0) == truth) for m in models]
        assert correct[1] > max(correct[0], 0.95)


class TestPairs:
    def test_pairs_are_read_where_they_help(self):
        words = RNG.choice([[2, 3, 4, 5], [3, 2, 5, 4]], N_ROWS)  # the same words in another order
        labels = words[:, 0] == 2
        spec = {"note": InputSpec("note", "text", (4,), "int32", vocabulary_size=N_WORDS)}
        ids = words.astype("int32")
        ids[RNG.random(ids.shape) < 0.1] = 8
        model = fit(target_rows(labels, "binary"), MultiInput({"note": ids}, spec))
        assert model.specs["note"] == WideSpec(n_pairs=N_PAIRS)
        assert np.mean((model.logits(MultiInput({"note": ids}, spec))[:, 0] > 0) == labels) > 0.9

    def test_pairs_are_left_out_where_they_are_noise(self):
        model = fit(target_rows(noisy(OF_WORD, 0.1), "binary"), X.select(["note"]))
        assert model.specs["note"] == WideSpec()


class TestPenalty:
    def test_noise_is_penalised_more_than_what_holds(self):
        table = X.select(["table"])
        sure = fit(target_rows(X["table"][:, 0] > 0, "binary"), table).penalty
        doubtful = fit(target_rows(noisy(X["table"][:, 0] > 0, 0.35), "binary"), table).penalty
        nothing = fit(target_rows(RNG.random(N_ROWS) < 0.5, "binary"), table).penalty
        assert sure < doubtful <= nothing
        assert nothing in PENALTIES[:2]

    def test_the_path_ends_where_the_loss_of_other_rows_rises(self, monkeypatch):
        tried = []

        def fit_linear_noting(*args, penalty, **named):
            tried.append(penalty)
            return fit_linear(*args, penalty=penalty, **named)

        monkeypatch.setattr(_model, "fit_linear", fit_linear_noting)
        rows = target_rows(noisy(X["table"][:, 0] > 0, 0.2), "binary")
        matrix = _model._matrix(fit(rows, X.select(["table"])).features, X)
        tried.clear()
        loss, best = _model._best_on_path(matrix, rows, [PARTS])
        assert tried == list(PENALTIES[: PENALTIES.index(best) + 2])
        monkeypatch.undo()
        losses = []
        for penalty in tried:
            first, other = matrix[:N_FITTED], matrix[N_FITTED:]
            W = fit_linear(
                first, rows.Y[:N_FITTED], np.ones(N_FITTED), kind="binary", penalty=penalty
            )
            logits = other @ W[:-1] + W[-1]
            losses.append(
                mean_loss("binary", logits, rows.Y[N_FITTED:], np.ones(N_ROWS - N_FITTED))
            )
        assert_allclose(loss, min(losses), rtol=0.01)
        assert tried[int(np.argmin(losses))] == best

    def test_few_held_out_rows_decide_by_folds_of_all_rows(self):
        splits = _model._splits(300, 100, 0)
        assert len(splits) == 5
        assert_array_equal(np.sort(np.concatenate([other for _, other in splits])), np.arange(400))
        for fitted, other in splits:
            assert not set(fitted) & set(other)
        assert any((other[:-1] > other[1:]).any() or np.ptp(other) > 100 for _, other in splits)

    @pytest.mark.parametrize(("n_training", "n_held_out"), [(4000, 500), (3, 1)])
    def test_many_held_out_rows_or_too_few_in_all_are_one_split(self, n_training, n_held_out):
        ((fitted, other),) = _model._splits(n_training, n_held_out, 0)
        assert_array_equal(fitted, np.arange(n_training))
        assert_array_equal(other, n_training + np.arange(n_held_out))


class TestFittedOn:
    def test_it_is_another_model_of_all_the_rows(self, model):
        rows = target_rows(noisy(OF_WORD | (X["table"][:, 0] > 1), 0.1), "binary")
        before = model.weights.copy()
        parts = [(X[part], rows.taken(part)) for part in PARTS]
        final = model.fitted_on(parts)
        assert_array_equal(model.weights, before)
        assert final.penalty == model.penalty
        matrix = _model._matrix(model.features, X)
        expected = fit_linear(matrix, rows.Y, rows.weights, kind="binary", penalty=model.penalty)
        assert_allclose(final.logits(X), matrix @ expected[:-1] + expected[-1], atol=0.05)
        losses = [
            mean_loss("binary", m.logits(X[N_FITTED:]), rows.Y[N_FITTED:], rows.weights[N_FITTED:])
            for m in (final, model)
        ]
        assert losses[0] < losses[1]


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
        logits = RNG.normal(size=(2000, 3)) * 2
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
            pulls += 5 * np.sum((shares - usual) ** 2)
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


ENDS = ["ly", "ness", "er", "est", "ish", "y", "ies", "ful", "some", "like", "ward", "hood", "let"]
ENDS += ["ling", "ette", "ism", "ist", "dom", "ship", "ry", "age", "al", "ous", "ive"]
STEMS = tuple(f"{start}{end}" for start in ("good", "x", "y") for end in ENDS)
N_GOOD = len(ENDS)


class TestSpelling:
    """A third of the words begin with "good"; what counts is whether a row has one of these."""

    IDS = np.random.default_rng(3).integers(2, 2 + len(STEMS), (240, 3)).astype("int32")
    GOOD = np.any(IDS - 2 < N_GOOD, axis=1)

    def fitted(self, labels, tokens):
        spec = InputSpec(
            "note", "text", (3,), "int32", vocabulary_size=2 + len(STEMS), tokens=tokens
        )
        rows = MultiInput({"note": self.IDS}, {"note": spec})
        parts = np.arange(160), np.arange(160, 240)
        return fit(target_rows(labels, "binary"), rows, parts), rows

    def test_words_learn_from_others_of_like_spelling(self):
        knowing, rows = self.fitted(self.GOOD, STEMS)
        ignorant, _ = self.fitted(self.GOOD, ())
        assert knowing.basis is not None
        assert ignorant.basis is None
        held_out = target_rows(self.GOOD[160:], "binary")
        losses = [
            mean_loss("binary", model.logits(rows)[160:], held_out.Y, held_out.weights)
            for model in (knowing, ignorant)
        ]
        assert losses[0] < 0.8 * losses[1]

    def test_its_weights_are_made_of_its_parameters(self):
        model, rows = self.fitted(self.GOOD, STEMS)
        made = model.basis @ model.parameters[:-1]
        assert_allclose(model.weights[:-1], made, rtol=1e-6)
        again = model.fitted_on([(rows, target_rows(self.GOOD, "binary"))])
        assert again.basis is model.basis
        assert_allclose(again.weights[:-1], again.basis @ again.parameters[:-1], rtol=1e-6)

    def test_spelling_that_says_nothing_is_not_read(self):
        words = [f"{left}{right}" for left in "abcdefghijklmnop" for right in "qrstu"]
        tokens = tuple(f"{word}thing" for word in words[: len(STEMS)])
        told = self.IDS % 7 == 3
        model, _ = self.fitted(told.any(axis=1), tokens)
        assert model.basis is None
