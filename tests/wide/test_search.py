"""The search for a wide model: rows not fitted on decide what it reads and how it is penalised."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmerge import InputSpec, MultiInput
from skmerge._spec import WideSpec
from skmerge._wide import _search, fit_wide, mean_loss
from skmerge._wide._features import N_BINS, N_CROSSED, N_PAIRS, features_of
from skmerge._wide._model import WideModel, side_by_side
from skmerge._wide._search import PENALTIES, _Candidate, _Folds, _scaled, _splits
from skmerge._wide._solver import fit_linear

from ._rows import LABELS, N_FITTED, N_ROWS, N_WORDS, OF_WORD, PARTS, X, noisy, target_rows

RNG = np.random.default_rng(0)
ROWS = target_rows(LABELS, "binary")
SPLITS = _splits(*(ROWS.taken(part) for part in PARTS), 0)


def fit(rows, X=X, parts=PARTS, seed=0):
    fitted, held_out = parts
    return fit_wide(X[fitted], rows.taken(fitted), X[held_out], rows.taken(held_out), seed=seed)


def loss_of(model, X, rows):
    return mean_loss(rows.kind, model.logits(X), rows.Y, rows.weights)


def optimum(matrix, rows, penalty):
    """Return the predictions of a model fitted without a search."""
    W = fit_linear(matrix, rows.Y, rows.weights, kind=rows.kind, penalty=penalty)
    return matrix @ W[:-1] + W[-1]


@pytest.fixture(scope="module")
def model():
    return fit(ROWS)


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
        rows = ROWS.taken(np.arange(N_FITTED))
        matrix = side_by_side(model.features, X[:N_FITTED], model.scales)
        expected = optimum(matrix, rows, model.penalty)
        assert_allclose(model.logits(X[:N_FITTED]), expected, atol=0.05)

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

        monkeypatch.setattr(_search, "fit_linear", fit_linear_noting)
        rows = target_rows(noisy(X["table"][:, 0] > 0, 0.2), "binary")
        matrix = side_by_side(fit(rows, X.select(["table"])).features, X, {"table": 1.0})
        tried.clear()
        loss, best = _Folds(matrix, rows, [PARTS]).best_on_path(PENALTIES)
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


class TestSplits:
    @staticmethod
    def splits(n_training, n_held_out, n_outputs=1, kind="binary"):
        parts = [target_rows(np.zeros((n, n_outputs)), kind) for n in (n_training, n_held_out)]
        return _splits(*parts, 0)

    def test_few_held_out_rows_decide_by_folds_of_all_rows(self):
        splits = self.splits(300, 100)
        assert len(splits) == 5
        assert_array_equal(np.sort(np.concatenate([other for _, other in splits])), np.arange(400))
        for fitted, other in splits:
            assert not set(fitted) & set(other)
        assert any((other[:-1] > other[1:]).any() or np.ptp(other) > 100 for _, other in splits)

    @pytest.mark.parametrize(
        ("n_training", "n_held_out", "settings"),
        [
            (4000, 1500, {}),
            (3, 1, {}),
            (4000, 500, {"n_outputs": 3, "kind": "multilabel"}),
            (40, 10, {"n_outputs": 21, "kind": "multiclass"}),
        ],
        ids=["many", "too few", "many labels", "many classes"],
    )
    def test_many_held_out_rows_or_too_few_in_all_are_one_split(
        self, n_training, n_held_out, settings
    ):
        ((fitted, other),) = self.splits(n_training, n_held_out, **settings)
        assert_array_equal(fitted, np.arange(n_training))
        assert_array_equal(other, n_training + np.arange(n_held_out))

    def test_a_row_of_several_classes_has_one_label(self):
        assert len(self.splits(4000, 500, 3, "multiclass")) == 5
        assert len(self.splits(4000, 499, 3, "multilabel")) == 5


class TestScales:
    """A word decides; the numbers, which are many, say nothing, or it is the other way round."""

    N_NUMBERS = 12
    NAMES = ("note", "table")
    SPECS = {
        "note": InputSpec("note", "text", (8,), "int32", vocabulary_size=200),
        "table": InputSpec("table", "tabular", (N_NUMBERS,)),
    }
    N_OTHER = 2000  # rows that the search never sees

    def rows(self, telling, has_note=None):
        rng = np.random.default_rng(7)
        n_rows = N_ROWS + self.N_OTHER
        ids = rng.integers(2, 200, (n_rows, 8)).astype("int32")
        ids[:, 0] = rng.integers(2, 10, n_rows)
        numbers = rng.normal(size=(n_rows, self.N_NUMBERS)).astype("float32")
        truth = {"note": ids[:, 0] < 6, "table": numbers @ rng.normal(size=self.N_NUMBERS) > 0}
        labels = truth[telling] if has_note is None else np.where(has_note, truth[telling], False)
        masks = None if has_note is None else {"note": has_note}
        rows = MultiInput({"note": ids, "table": numbers}, self.SPECS, masks)
        return rows, target_rows(noisy(labels, 0.05), "binary")

    @pytest.mark.parametrize("telling", NAMES)
    def test_what_tells_more_is_penalised_less(self, telling):
        inputs, rows = self.rows(telling)
        model = fit(rows, inputs)
        (other,) = set(self.NAMES) - {telling}
        assert model.scales[telling] >= 2 * model.scales[other]
        fitted, unseen = np.arange(N_FITTED), np.arange(N_ROWS, N_ROWS + self.N_OTHER)
        alike = dict.fromkeys(self.NAMES, 1.0)
        plain = WideModel(
            model.features,
            side_by_side(model.features, inputs[fitted], alike),
            rows.taken(fitted),
            penalty=model.penalty,
        )
        assert plain.scales == alike
        losses = [loss_of(each, inputs[unseen], rows.taken(unseen)) for each in (model, plain)]
        assert losses[0] < losses[1]

    def candidate(self, inputs, rows, penalty=1.0):
        features = _search._fitted_features(inputs, pairs=False)
        scales = dict.fromkeys(features, 1.0)
        matrix = side_by_side(features, inputs, scales)
        losses = _Folds(matrix, rows, SPLITS).losses(penalty)
        return _Candidate(losses, penalty, features, matrix, scales, {})

    @pytest.mark.parametrize("is_masked", [False, True], ids=["all there", "masked"])
    def test_the_matrix_and_the_losses_are_those_of_the_scales(self, is_masked):
        has_note = np.random.default_rng(1).random(N_ROWS + self.N_OTHER) < 0.6
        inputs, rows = self.rows("note", has_note if is_masked else None)
        inputs, rows = inputs[:N_ROWS], rows.taken(np.arange(N_ROWS))
        before = self.candidate(inputs, rows)
        given = before.matrix.copy()
        found = _scaled(before, rows, SPLITS)
        assert found.scales["note"] > found.scales["table"]
        assert all(2**-4 <= scale <= 2**4 for scale in found.scales.values())
        assert all(np.log2(scale).is_integer() for scale in found.scales.values())
        expected = side_by_side(found.features, inputs, found.scales)
        assert_array_equal(found.matrix.toarray(), expected.toarray())
        assert found.matrix.dtype == np.float32
        assert_allclose(
            found.losses, _Folds(expected, rows, SPLITS).losses(found.penalty), rtol=0.01
        )
        assert found.losses.mean() < before.losses.mean()
        assert before.scales == {"note": 1.0, "table": 1.0}
        assert_array_equal(before.matrix.toarray(), given.toarray())

    def test_each_input_goes_on_until_the_loss_rises(self, monkeypatch):
        inputs, rows = self.rows("note")
        inputs, rows = inputs[:N_ROWS], rows.taken(np.arange(N_ROWS))
        tried = []
        multiply = _Folds.multiply

        def multiply_noting(self, features, factor):
            tried.append((features.start, factor))
            multiply(self, features, factor)

        monkeypatch.setattr(_Folds, "multiply", multiply_noting)
        found = _scaled(self.candidate(inputs, rows), rows, SPLITS)
        n_words = found.features["note"].n_features
        assert {start for start, _ in tried} == {0, n_words}
        for name, start in {"note": 0, "table": n_words}.items():
            # what was undone is in here as well
            assert np.prod([each for at, each in tried if at == start]) == found.scales[name]
        monkeypatch.undo()
        losses = []
        for scale in 2.0 ** np.arange(6):
            matrix = side_by_side(found.features, inputs, {"note": scale, "table": 1.0})
            losses.append(_Folds(matrix, rows, SPLITS).losses(1.0).mean())
        best = int(np.argmin(losses))
        assert 0 < best < 4
        assert found.scales["note"] == 2.0**best

    @pytest.mark.parametrize(
        ("best", "expected"), [((3, -2), (8, 0.25)), ((-9, 9), (0.0625, 16)), ((0, 0), (1, 1))]
    )
    def test_both_ways_and_not_further_than_sixteen_times(self, best, expected, monkeypatch):
        inputs, rows = self.rows("note")
        inputs, rows = inputs[:N_ROWS], rows.taken(np.arange(N_ROWS))
        candidate = self.candidate(inputs, rows)
        reached = dict.fromkeys((0, candidate.features["note"].n_features), 1.0)

        def multiply(self, features, factor):
            reached[features.start] *= factor

        def losses(self, penalty):
            return np.full(len(self.parts), np.abs(np.log2([*reached.values()]) - best).sum())

        monkeypatch.setattr(_Folds, "multiply", multiply)
        monkeypatch.setattr(_Folds, "losses", losses)
        found = _scaled(candidate, rows, SPLITS)
        assert tuple(found.scales.values()) == tuple(reached.values()) == expected
        assert (found is candidate) == (expected == (1, 1))

    def test_with_one_input_nothing_is_searched(self, monkeypatch):
        inputs, rows = self.rows("note")
        monkeypatch.setattr(_Folds, "multiply", None)  # not to be called
        for name in self.NAMES:
            assert fit(rows, inputs.select([name])).scales == {name: 1.0}

    def test_an_input_that_rows_lack_says_nothing_of_them(self):
        has_note = np.random.default_rng(1).random(N_ROWS + self.N_OTHER) < 0.6
        inputs, rows = self.rows("note", has_note)
        lacking = np.flatnonzero(~has_note[:N_FITTED])
        ids = inputs["note"].copy()
        ids[lacking] = ids[lacking[::-1]]
        others = MultiInput({"note": ids, "table": inputs["table"]}, self.SPECS, inputs.masks)
        models = [fit(rows, each) for each in (inputs, others)]
        assert models[0].scales == models[1].scales
        assert models[0].scales["note"] > models[0].scales["table"]
        assert_array_equal(models[0].weights, models[1].weights)
        assert_array_equal(models[0].logits(inputs), models[1].logits(others))

    def test_pairs_are_read_with_the_same_scales(self):
        inputs, rows = self.rows("note")
        ids = inputs["note"].copy()
        ids[:, 0] = np.where(rows.Y[:, 0], 20, 30)
        ids[:, 1] = np.where(rows.Y[:, 0], 30, 20)  # the same words in another order
        inputs = MultiInput({"note": ids, "table": inputs["table"]}, self.SPECS)
        rows = target_rows(noisy(rows.Y[:, 0] > 0, 0.1), "binary")
        model = fit(rows, inputs)
        assert model.specs["note"] == WideSpec(n_pairs=N_PAIRS)
        matrix = side_by_side(model.features, inputs[:N_FITTED], model.scales)
        expected = optimum(matrix, rows.taken(np.arange(N_FITTED)), model.penalty)
        assert_allclose(model.logits(inputs[:N_FITTED]), expected, atol=0.05)


class TestFolds:
    MATRIX = side_by_side(_search._fitted_features(X, pairs=False), X, {"note": 1.0, "table": 1.0})
    COLUMNS = range(N_WORDS, MATRIX.shape[1])  # the table's

    def folds(self, matrix=MATRIX):
        folds = _Folds(matrix, ROWS, SPLITS)
        folds.losses(1.0)
        return folds

    def matrices(self, folds):
        return [part[position].toarray() for part in folds.parts for position in (0, 2)]

    def predictions(self, folds):
        return [part[2] @ V[:-1] + V[-1] for part, V in zip(folds.parts, folds.starts, strict=True)]

    def multiplied(self, factor):
        matrix = self.MATRIX.toarray()
        matrix[:, self.COLUMNS] *= factor
        return matrix

    def test_some_features_never_occur_and_are_left_out(self):
        folds = self.folds()
        assert 0 < len(folds.used) < self.MATRIX.shape[1]
        for (fitted, other), part in zip(SPLITS, folds.parts, strict=True):
            for rows, matrix in ((fitted, part[0]), (other, part[2])):
                assert_array_equal(matrix.toarray(), self.MATRIX.toarray()[rows][:, folds.used])

    @pytest.mark.parametrize("factor", [2.0, 0.5, 16.0])
    def test_only_the_features_given_are_multiplied(self, factor):
        folds, given = self.folds(), self.MATRIX.toarray()
        folds.multiply(self.COLUMNS, factor)
        expected = self.multiplied(factor)[:, folds.used]
        for (fitted, other), part in zip(SPLITS, folds.parts, strict=True):
            assert_array_equal(part[0].toarray(), expected[fitted])
            assert_array_equal(part[2].toarray(), expected[other])
        assert_array_equal(self.MATRIX.toarray(), given)

    @pytest.mark.parametrize("factor", [2.0, 0.5, 16.0])
    def test_there_and_back_is_where_it_was_to_the_last_bit(self, factor):
        folds = self.folds()
        matrices, starts = self.matrices(folds), [V.copy() for V in folds.starts]
        predictions = self.predictions(folds)
        folds.multiply(self.COLUMNS, factor)
        assert all(
            not np.array_equal(V, start) for start, V in zip(starts, folds.starts, strict=True)
        )
        folds.multiply(self.COLUMNS, 1 / factor)
        for expected, found in zip(matrices, self.matrices(folds), strict=True):
            assert_array_equal(found, expected)
        assert_array_equal(folds.starts, starts)
        assert_array_equal(self.predictions(folds), predictions)

    @pytest.mark.parametrize("factor", [2.0, 0.5, 16.0])
    def test_the_next_fit_begins_with_the_same_predictions(self, factor, monkeypatch):
        folds, begun = self.folds(), []
        predictions = self.predictions(folds)

        def fit_linear_noting(X, *args, start, **named):
            other = folds.parts[len(begun)][2]
            begun.append(other @ start[:-1] + start[-1])
            return fit_linear(X, *args, start=start, **named)

        monkeypatch.setattr(_search, "fit_linear", fit_linear_noting)
        folds.multiply(self.COLUMNS, factor)
        losses = folds.losses(1.0)
        monkeypatch.undo()
        assert len(begun) == len(predictions) == 5
        for found, expected in zip(begun, predictions, strict=True):
            assert_allclose(found, expected, atol=1e-6)
        matrix = self.MATRIX.copy()
        matrix.data[np.isin(matrix.indices, self.COLUMNS)] *= factor
        cold = _Folds(matrix, ROWS, SPLITS).losses(1.0)
        assert_allclose(losses, cold, rtol=2e-3)

    def test_before_any_fit_there_is_nothing_to_begin_with(self):
        folds = _Folds(self.MATRIX, ROWS, SPLITS)
        folds.multiply(self.COLUMNS, 2.0)
        assert folds.starts == [None] * 5


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

    def test_spelling_that_says_nothing_is_not_read(self):
        words = [f"{left}{right}" for left in "abcdefghijklmnop" for right in "qrstu"]
        tokens = tuple(f"{word}thing" for word in words[: len(STEMS)])
        told = self.IDS % 7 == 3
        model, _ = self.fitted(told.any(axis=1), tokens)
        assert model.basis is None


class TestSpellingOfCategories:
    """Codes of two regions, told by their first digits; the target is the region."""

    N_EACH = 30
    NAMES = tuple(f"{region}{n:03}" for region in ("92", "93") for n in range(30))
    CODES = np.random.default_rng(4).integers(2, 2 + len(NAMES), (150, 1)).astype("float32")
    IN_FIRST = CODES[:, 0] < 2 + N_EACH

    def fitted(self, tokens, n_names=None):
        n_names = len(self.NAMES) if n_names is None else n_names
        spec = InputSpec(
            "table", "tabular", (1,), code_columns=(0,), cardinalities=(2 + n_names,), tokens=tokens
        )
        rows = MultiInput({"table": np.minimum(self.CODES, n_names + 1)}, {"table": spec})
        parts = np.arange(100), np.arange(100, 150)
        return fit(target_rows(self.IN_FIRST, "binary"), rows, parts), rows

    def test_a_category_that_no_row_has_learns_from_its_like(self):
        knowing, _ = self.fitted(self.NAMES)
        ignorant, _ = self.fitted(())
        seen = np.unique(self.CODES[:100].astype(int))
        unseen = np.setdiff1d(np.arange(2, 2 + len(self.NAMES)), seen)
        assert len(unseen) > 5
        is_first = unseen < 2 + self.N_EACH
        assert_array_equal(knowing.weights[unseen, 0] > 0, is_first)
        assert_array_equal(ignorant.weights[unseen, 0], 0)

    def test_a_few_categories_are_not_spelled(self):
        names = tuple(f"9{n:03}" for n in range(19))
        assert self.fitted(names, len(names))[0].basis is None

    def test_each_column_has_its_own_runs(self):
        spec = InputSpec(
            "table", "tabular", (4,), code_columns=(1, 2, 3), cardinalities=(4, 62, 32),
            tokens=("a", "b", *self.NAMES, *self.NAMES[:30]),
        )  # fmt: skip
        part = features_of(spec, pairs=False)
        (first, of_all), (second, of_some) = part.spelled()
        n_numbers = 1 + N_BINS
        assert (first, second) == (n_numbers + 4 + 2, n_numbers + 4 + 62 + 2)
        assert (of_all.shape[0], of_some.shape[0]) == (60, 30)
        assert part.n_features == second + 30
        basis = _search._basis({"table": part}).toarray()
        assert_array_equal(basis[:, : part.n_features], np.eye(part.n_features))
        assert_array_equal(
            basis[first : first + 60, part.n_features :][:, : of_all.shape[1]], of_all.toarray()
        )
        assert_array_equal(basis[second:, -of_some.shape[1] :], of_some.toarray())
        assert not basis[:first, part.n_features :].any()


class TestCrossed:
    """Numbers two by two, where what one says depends on the other."""

    NUMBERS = np.random.default_rng(5).normal(size=(400, 3)).astype("float32")
    SPEC = InputSpec("table", "tabular", (3,))
    ROWS = MultiInput({"table": NUMBERS}, {"table": SPEC})

    def test_they_are_read_where_that_helps(self):
        product = self.NUMBERS[:, 0] * self.NUMBERS[:, 1] > 0
        model = fit(target_rows(product, "binary"), self.ROWS)
        assert model.specs["table"] == WideSpec(n_bins=N_BINS, n_crossed=N_CROSSED)
        hits = (model.logits(self.ROWS)[N_FITTED:, 0] > 0) == product[N_FITTED:]
        assert np.mean(hits) > 0.85

    def test_they_are_not_where_each_number_tells_by_itself(self):
        labels = noisy(self.NUMBERS[:, 0] > 0, 0.1)
        model = fit(target_rows(labels, "binary"), self.ROWS)
        assert model.specs["table"] == WideSpec(n_bins=N_BINS)


class TestPairsAndSpelling:
    """The best is kept, whether pairs are read or not, and whether words share weights or not."""

    @pytest.mark.parametrize(
        "losses",
        [
            {"": 1.0, "pairs": 0.9, "spelled": 0.7, "pairs, spelled": 0.8},
            {"": 1.0, "pairs": 1.1, "spelled": 0.9, "pairs, spelled": 0.8},
            {"": 1.0, "pairs": 1.1, "spelled": 0.8, "pairs, spelled": 0.9},
            {"": 1.0, "pairs": 1.1, "spelled": 1.2, "pairs, spelled": 1.3},
            {"": 1.0, "pairs": 0.9, "spelled": 1.2, "pairs, spelled": 1.3},
            {"": 1.0, "spelled": 0.9},
            {"": 1.0, "pairs": 0.9},
        ],
    )
    @pytest.mark.parametrize("n_folds", [1, 2, 5])
    def test_the_best_is_kept(self, losses, n_folds, monkeypatch):
        # spelling is judged by two folds, so that the others must not count beside it
        def judged(name, n):
            return np.array([losses[name]] * min(n, 2) + [losses[name] + 5] * max(n - 2, 0))

        def candidate(*_, pairs=False, crossed=False):
            if crossed or (pairs and "pairs" not in losses):
                return None
            name = "pairs" if pairs else ""
            features = {"reads": name}
            return _Candidate(judged(name, n_folds), 1.0, features, np.ones((1, 1)), {}, {})

        def spelled(found, *_):
            name = "pairs, spelled" if found.features["reads"] else "spelled"
            if name not in losses:
                return None
            return found._replace(losses=judged(name, min(n_folds, 2)), basis=name)

        def kept(features, matrix, rows, *, basis, **_):
            return basis or features["reads"]

        monkeypatch.setattr(_search, "_candidate", candidate)
        monkeypatch.setattr(_search, "_scaled", lambda found, *_: found)
        monkeypatch.setattr(_search, "_spelled", spelled)
        monkeypatch.setattr(_search, "WideModel", kept)
        tried = losses if losses.get("pairs", 2.0) > losses[""] else losses.keys() - {"spelled"}
        best = min(tried, key=losses.get)
        assert fit(ROWS) == best
