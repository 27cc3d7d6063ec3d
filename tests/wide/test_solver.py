"""The solver against scikit-learn's: the same objective, so the same optimum."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.optimize import check_grad
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss

from skmerge._wide import _solver
from skmerge._wide._solver import fit_linear, mean_loss, row_losses, weights_of

RNG = np.random.default_rng(0)
N_ROWS, N_FEATURES = 150, 12
DENSE = (RNG.normal(size=(N_ROWS, N_FEATURES)) * (RNG.random((N_ROWS, N_FEATURES)) < 0.4)).astype(
    "float32"
)
X = sparse.csr_matrix(DENSE)
SCORES = DENSE @ RNG.normal(size=(N_FEATURES, 3)) + RNG.normal(size=(N_ROWS, 3)) + [1, 0, -1]
CODES = SCORES.argmax(axis=1)
WEIGHTS = {"alike": np.ones(N_ROWS), "unlike": RNG.uniform(0.1, 3, N_ROWS)}
TARGETS = {
    "regression": SCORES,
    "binary": SCORES[:, :1] > 0,
    "multilabel": SCORES > 0,
    "multiclass": np.eye(3)[CODES],
}
TARGETS = {kind: Y.astype("float32") for kind, Y in TARGETS.items()}


def objective(W, kind, weights, penalty):
    loss = mean_loss(kind, DENSE @ W[:-1] + W[-1], TARGETS[kind], weights)
    return N_ROWS * loss + penalty / 2 * np.sum(W[:-1] ** 2)


def peer(kind, weights, penalty):
    """Return the weights of scikit-learn's model, intercepts last."""
    Y = TARGETS[kind]
    if kind == "regression":
        models = [Ridge(alpha=penalty).fit(DENSE, Y, weights)]
    else:
        columns = [CODES] if kind == "multiclass" else list(Y.T)
        settings = {"C": 1 / penalty, "tol": 1e-8, "max_iter": 5000}
        models = [LogisticRegression(**settings).fit(DENSE, column, weights) for column in columns]
    slopes = np.concatenate([model.coef_ for model in models]).T
    return np.concatenate([slopes, np.concatenate([m.intercept_ for m in models])[None]])


@pytest.mark.parametrize("weighing", WEIGHTS)
@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("penalty", [0.3, 10.0])
class TestAgainstScikitLearn:
    def test_the_optimum_is_that_of_scikit_learn(self, kind, weighing, penalty, monkeypatch):
        monkeypatch.setattr(_solver, "_LEAST_IMPROVEMENT", 1e-12)
        monkeypatch.setattr(_solver, "_MAX_STEPS", 1000)
        weights = WEIGHTS[weighing]
        found = fit_linear(X, TARGETS[kind], weights, kind=kind, penalty=penalty)
        expected = peer(kind, weights, penalty)
        if kind == "multiclass":  # adding one number to all intercepts changes nothing
            found[-1] -= found[-1].mean()
            expected[-1] -= expected[-1].mean()
        assert_allclose(found, expected, atol=3e-3)

    def test_an_early_end_comes_close_to_the_optimum(self, kind, weighing, penalty):
        weights = WEIGHTS[weighing]
        found = fit_linear(X, TARGETS[kind], weights, kind=kind, penalty=penalty)
        best = objective(peer(kind, weights, penalty), kind, weights, penalty)
        reached = objective(found, kind, weights, penalty)
        assert best - 1e-6 * abs(best) <= reached <= 1.001 * best

    def test_a_warm_start_comes_to_the_same_optimum(self, kind, weighing, penalty, monkeypatch):
        monkeypatch.setattr(_solver, "_LEAST_IMPROVEMENT", 1e-12)
        monkeypatch.setattr(_solver, "_MAX_STEPS", 1000)
        Y, weights = TARGETS[kind], WEIGHTS[weighing]
        before = fit_linear(X, Y, weights, kind=kind, penalty=10 * penalty)
        given = before.copy()
        warm = fit_linear(X, Y, weights, kind=kind, penalty=penalty, start=before)
        cold = fit_linear(X, Y, weights, kind=kind, penalty=penalty)
        assert_array_equal(before, given)
        assert np.abs(before - cold).max() > 0.05
        assert_allclose(DENSE @ warm[:-1], DENSE @ cold[:-1], atol=5e-3)


@pytest.mark.parametrize("kind", TARGETS)
class TestLoss:
    def test_its_slopes_are_those_of_finite_differences(self, kind):
        Y, weights = TARGETS[kind][:7], WEIGHTS["unlike"][:7]

        def loss(flat):
            losses = _solver._losses_and_slopes(kind, flat.reshape(Y.shape), Y)[0]
            return losses @ weights / len(Y)

        def slopes(flat):
            by_row = _solver._losses_and_slopes(kind, flat.reshape(Y.shape), Y)[1]
            return (by_row * weights[:, None] / len(Y)).ravel()

        assert check_grad(loss, slopes, RNG.normal(size=Y.size)) < 1e-6

    def test_that_of_a_row_is_no_matter_of_other_rows(self, kind):
        Y = TARGETS[kind]
        logits = RNG.normal(size=Y.shape)
        losses = row_losses(kind, logits, Y)
        assert losses.shape == (N_ROWS,)
        assert np.ptp(losses) > 0.5
        for row in (0, 7, N_ROWS - 1):
            by_itself = mean_loss(kind, logits[[row]], Y[[row]], np.ones(1))
            assert losses[row] == pytest.approx(by_itself)

    def test_the_mean_is_of_the_rows_losses_times_their_weights(self, kind):
        Y, weights = TARGETS[kind], WEIGHTS["unlike"]
        logits = RNG.normal(size=Y.shape)
        expected = np.mean(weights * row_losses(kind, logits, Y))
        assert mean_loss(kind, logits, Y, weights) == pytest.approx(expected)

    def test_a_row_of_weight_two_is_that_row_twice(self, kind, monkeypatch):
        monkeypatch.setattr(_solver, "_LEAST_IMPROVEMENT", 1e-12)
        monkeypatch.setattr(_solver, "_MAX_STEPS", 1000)
        Y, rows = TARGETS[kind], np.r_[0:N_ROWS, 0:50]
        weights = np.ones(N_ROWS)
        weights[:50] = 2
        weighted = fit_linear(X, Y, weights, kind=kind, penalty=1.0)
        twice = fit_linear(X[rows], Y[rows], np.ones(len(rows)), kind=kind, penalty=1.0)
        once = fit_linear(X, Y, np.ones(N_ROWS), kind=kind, penalty=1.0)
        assert_allclose(weighted, twice, atol=5e-3)
        assert np.abs(weighted - once).max() > 0.05

    def test_intercepts_are_not_penalised(self, kind):
        weights = WEIGHTS["alike"]
        found = fit_linear(X, TARGETS[kind], weights, kind=kind, penalty=1e6)
        assert np.abs(found[:-1]).max() < 1e-3
        mean = TARGETS[kind].mean(axis=0)
        inverse = {"regression": lambda z: z, "multiclass": softmax}.get(kind, expit)
        assert_allclose(inverse(found[-1]), mean, atol=0.01)


class TestMeanLoss:
    def test_cross_entropies_are_scikit_learns(self):
        weights, logits = WEIGHTS["unlike"], RNG.normal(size=(N_ROWS, 3))
        share = weights.mean()  # scikit-learn divides by the sum of the weights
        expected = log_loss(CODES, softmax(logits, axis=1), sample_weight=weights) * share
        assert mean_loss("multiclass", logits, TARGETS["multiclass"], weights) == pytest.approx(
            expected
        )
        columns = [
            log_loss(column, expit(z), sample_weight=weights) * share
            for column, z in zip(TARGETS["multilabel"].T, logits.T, strict=True)
        ]
        reached = mean_loss("multilabel", logits, TARGETS["multilabel"], weights)
        assert reached == pytest.approx(sum(columns))

    def test_regression_is_half_the_squared_error_summed_over_outputs(self):
        Y, logits = TARGETS["regression"], np.zeros((N_ROWS, 3))
        expected = 0.5 * np.mean(np.sum(Y**2, axis=1))
        assert mean_loss("regression", logits, Y, np.ones(N_ROWS)) == pytest.approx(expected)

    @pytest.mark.parametrize("kind", ["binary", "multilabel", "multiclass"])
    def test_sure_and_wrong_predictions_have_a_finite_loss(self, kind):
        Y = TARGETS[kind]
        assert mean_loss(kind, np.where(Y > 0, -1e4, 1e4), Y, np.ones(N_ROWS)) > 1e3


@pytest.mark.parametrize("kind", TARGETS)
class TestBasis:
    BASIS = sparse.random_array((N_FEATURES, 20), density=0.3, rng=1, dtype="float32").tocsr()

    def test_it_is_a_model_of_the_features_times_the_basis(self, kind, monkeypatch):
        monkeypatch.setattr(_solver, "_LEAST_IMPROVEMENT", 1e-12)
        monkeypatch.setattr(_solver, "_MAX_STEPS", 1000)
        settings = {"kind": kind, "penalty": 1.0}
        weights = WEIGHTS["unlike"]
        V = fit_linear(X, TARGETS[kind], weights, basis=self.BASIS, **settings)
        expected = fit_linear((X @ self.BASIS).tocsr(), TARGETS[kind], weights, **settings)
        assert V.shape == (21, TARGETS[kind].shape[1])
        assert_allclose(V, expected, atol=2e-3)
        W = weights_of(V, self.BASIS)
        assert_allclose(W[:-1], self.BASIS.toarray() @ V[:-1], rtol=1e-6)
        assert_array_equal(W[-1], V[-1])

    def test_without_one_the_parameters_are_the_weights(self, kind):
        V = fit_linear(X, TARGETS[kind], WEIGHTS["alike"], kind=kind, penalty=1.0)
        assert weights_of(V, None) is V
