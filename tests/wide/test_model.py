"""The wide model: features of several inputs, scaled, and the linear model on them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.linear_model import Ridge

from skmerge import MultiInput
from skmerge._spec import WideSpec
from skmerge._wide import TargetRows, WideModel, _model, _solver, mean_loss
from skmerge._wide._features import N_BINS, features_of
from skmerge._wide._model import joined_rows, side_by_side
from skmerge._wide._solver import fit_linear

from ._rows import LABELS, N_FITTED, N_ROWS, PARTS, SPECS, X, target_rows

RNG = np.random.default_rng(0)
SCALES = {"note": 4.0, "table": 0.5}
ROWS = target_rows(LABELS, "binary")
HAS_NOTE = RNG.random(N_ROWS) < 0.7
MASKED = MultiInput(
    {name: X[name] for name in SPECS}, SPECS, {"note": HAS_NOTE, "photo": ~HAS_NOTE}
)
NUMBERS = TargetRows(
    np.stack([X["table"][:, 0], LABELS + RNG.normal(size=N_ROWS)], axis=1).astype("float32"),
    RNG.uniform(0.5, 2, N_ROWS),
    "regression",
)


def fitted_features(X=X):
    features = {name: features_of(SPECS[name], pairs=False) for name in SCALES}
    for name, part in features.items():
        part.fit(X[name])
    return features


FEATURES = fitted_features()


def made(rows=ROWS, X=X, scales=SCALES, **settings):
    given = dict.fromkeys(FEATURES, 1.0) if scales is None else scales
    matrix = side_by_side(FEATURES, X, given)
    return WideModel(FEATURES, matrix, rows, penalty=1.0, scales=scales, **settings)


def read(X):
    """Return the features of the note and of the table, not scaled and not masked."""
    return [part.transform(X[name]).toarray() for name, part in FEATURES.items()]


@pytest.fixture
def tight(monkeypatch):
    monkeypatch.setattr(_solver, "_LEAST_IMPROVEMENT", 1e-13)
    monkeypatch.setattr(_solver, "_MAX_STEPS", 2000)


class TestSideBySide:
    def test_it_is_each_inputs_features_times_its_scale(self):
        note, table = read(X)
        found = side_by_side(FEATURES, X, SCALES)
        assert_array_equal(found.toarray(), np.concatenate([4 * note, table / 2], axis=1))
        assert found.dtype == np.float32
        assert found.format == "csr"

    def test_an_input_that_a_row_lacks_says_nothing(self):
        note, table = read(X)
        note[~HAS_NOTE] = 0
        found = side_by_side(FEATURES, MASKED, SCALES).toarray()
        assert_array_equal(found, np.concatenate([4 * note, table / 2], axis=1))
        assert np.abs(note[HAS_NOTE]).sum(axis=1).min() > 0


@pytest.mark.parametrize("rows", [X, MASKED], ids=["all there", "masked"])
@pytest.mark.parametrize("targets", [ROWS, NUMBERS], ids=["binary", "regression"])
class TestScales:
    def test_predictions_are_sums_of_scaled_features(self, rows, targets):
        model = made(targets, rows)
        assert model.scales == SCALES
        note, table = read(rows)
        if rows is MASKED:
            note = note * HAS_NOTE[:, None]
        of_note, of_table = np.split(model.weights[:-1], [note.shape[1]])
        expected = 4 * note @ of_note + 0.5 * table @ of_table + model.weights[-1]
        assert_allclose(model.logits(rows), expected, atol=1e-4)

    def test_what_the_layers_hold_gives_the_same_predictions(self, rows, targets):
        model = made(targets, rows)
        factor = 0.6
        values = model.values(factor, SPECS)
        (words,) = values["note"]
        in_row = words[rows["note"]].sum(axis=1)
        of_note = in_row[:, :-1] / np.sqrt(in_row[:, -1:])
        center, scale, slopes, lower, inverse, pieces, of_codes = values["table"]
        numbers, codes = rows["table"][:, :2], rows["table"][:, 2].astype(int)
        between = np.clip((numbers[:, :, None] - lower) * inverse, 0, 1).reshape(N_ROWS, -1)
        of_table = (numbers - center) * scale @ slopes + between @ pieces + of_codes[codes]
        if rows is MASKED:
            of_note = of_note * HAS_NOTE[:, None]
        expected = factor * (model.logits(rows) - model.weights[-1])
        assert np.abs(of_note).max() > 0.2
        assert np.abs(of_table).max() > 0.2
        assert_allclose(of_note + of_table, expected, atol=1e-4)

    def test_they_are_kept_with_more_rows(self, rows, targets):
        fitted, _ = PARTS
        model = made(targets.taken(fitted), rows[fitted])
        final = model.fitted_on([(rows[part], targets.taken(part)) for part in PARTS])
        assert final.scales == SCALES
        assert_allclose(final.logits(rows), made(targets, rows).logits(rows), atol=0.05)


class TestWideModel:
    def test_a_larger_scale_is_a_weaker_penalty(self, tight):
        model = made(NUMBERS)
        note, table = read(X)
        # of weights on features not scaled, w**2 is penalised as (w / scale)**2
        penalties = np.repeat([1 / 4.0**2, 1 / 0.5**2], [note.shape[1], table.shape[1]])
        features = np.concatenate([note, table], axis=1)
        center = np.average(features, axis=0, weights=NUMBERS.weights)
        mean = np.average(NUMBERS.Y, axis=0, weights=NUMBERS.weights)
        products = (features - center).T * NUMBERS.weights @ (features - center)
        to_targets = (features - center).T * NUMBERS.weights @ (NUMBERS.Y - mean)
        slopes = np.linalg.solve(products + np.diag(penalties), to_targets)
        assert_allclose(model.logits(X), (features - center) @ slopes + mean, atol=5e-3)

    def test_without_scales_all_are_one(self, tight):
        model = made(NUMBERS, scales=None)
        assert model.scales == {"note": 1.0, "table": 1.0}
        features = np.concatenate(read(X), axis=1)
        peer = Ridge(alpha=1.0).fit(features, NUMBERS.Y, NUMBERS.weights)
        assert_allclose(model.logits(X), peer.predict(features), atol=5e-3)
        assert np.abs(model.logits(X) - made(NUMBERS).logits(X)).max() > 0.05

    def test_features_that_never_occur_have_no_weight(self):
        model = made()
        never = np.flatnonzero(side_by_side(FEATURES, X, SCALES).getnnz(axis=0) == 0)
        assert len(never)
        assert_array_equal(model.weights[never], 0)
        assert len(model.weights) == 1 + sum(part.n_features for part in FEATURES.values())

    def test_its_weights_are_made_of_its_parameters(self):
        n_features = sum(part.n_features for part in FEATURES.values())
        shared = sparse.random_array(
            (n_features, 5), density=0.5, random_state=np.random.default_rng(1), dtype="float32"
        )
        basis = sparse.csr_matrix(sparse.hstack([sparse.identity(n_features), shared]))
        model = made(basis=basis)
        assert model.parameters.shape == (n_features + 6, 1)
        assert np.abs(model.parameters[n_features:-1]).max() > 0.01
        assert_allclose(model.weights[:-1], basis @ model.parameters[:-1], rtol=1e-6)
        again = model.fitted_on([(X, ROWS)])
        assert again.basis is basis
        assert_allclose(again.weights[:-1], basis @ again.parameters[:-1], rtol=1e-6)

    def test_its_specs_are_those_of_its_features(self):
        assert made().specs == {"note": WideSpec(), "table": WideSpec(n_bins=N_BINS)}


class TestFittedOn:
    def test_it_is_another_model_of_all_the_rows(self):
        fitted, _ = PARTS
        model = made(ROWS.taken(fitted), X[fitted])
        before = model.weights.copy()
        final = model.fitted_on([(X[part], ROWS.taken(part)) for part in PARTS])
        assert_array_equal(model.weights, before)
        assert final.penalty == model.penalty
        losses = [
            mean_loss("binary", m.logits(X[N_FITTED:]), ROWS.Y[N_FITTED:], ROWS.weights[N_FITTED:])
            for m in (final, model)
        ]
        assert losses[0] < losses[1]

    def test_it_begins_where_the_model_is(self, monkeypatch):
        model, starts = made(), []

        def fit_linear_noting(*args, start, **named):
            starts.append(start)
            return fit_linear(*args, start=start, **named)

        monkeypatch.setattr(_model, "fit_linear", fit_linear_noting)
        model.fitted_on([(X, ROWS)])
        occurs = side_by_side(FEATURES, X, SCALES).getnnz(axis=0) > 0
        assert_array_equal(starts, [model.parameters[np.append(occurs, True)]])


def test_joined_rows_are_one_part_after_the_other():
    joined = joined_rows([NUMBERS.taken(part) for part in PARTS])
    assert_array_equal(joined.Y, NUMBERS.Y)
    assert_array_equal(joined.weights, NUMBERS.weights)
    assert joined.kind == "regression"
