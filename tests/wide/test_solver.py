"""The solver against scikit-learn's: the same objective, so the same optimum."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.optimize import check_grad, minimize
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss

from skmerge._wide import _solver
from skmerge._wide._solver import Curvature, fit_linear, mean_loss, row_losses, weights_of

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


def objective(W, kind, weights, penalty, features=DENSE):
    loss = mean_loss(kind, features @ W[:-1] + W[-1], TARGETS[kind], weights)
    return N_ROWS * loss + penalty / 2 * np.sum(W[:-1] ** 2)


def peer(kind, weights, penalty, features=DENSE, solver="lbfgs"):
    """Return the weights of scikit-learn's model, intercepts last."""
    Y = TARGETS[kind]
    if kind == "regression":
        models = [Ridge(alpha=penalty).fit(features, Y, weights)]
    else:
        columns = [CODES] if kind == "multiclass" else list(Y.T)
        settings = {"C": 1 / penalty, "tol": 1e-8, "max_iter": 5000, "solver": solver}
        models = [
            LogisticRegression(**settings).fit(features, column, weights) for column in columns
        ]
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
    BASIS = sparse.csr_matrix(
        sparse.random_array(
            (N_FEATURES, 20), density=0.3, random_state=np.random.default_rng(1), dtype="float32"
        )
    )

    def test_it_is_a_model_of_the_features_times_the_basis(self, kind, monkeypatch):
        monkeypatch.setattr(_solver, "_LEAST_IMPROVEMENT", 1e-12)
        monkeypatch.setattr(_solver, "_MAX_STEPS", 1000)
        settings = {"kind": kind, "penalty": 1.0}
        weights = WEIGHTS["unlike"]
        V = fit_linear(X, TARGETS[kind], weights, basis=self.BASIS, **settings)
        expected = fit_linear((X @ self.BASIS).tocsr(), TARGETS[kind], weights, **settings)
        assert V.shape == (21, TARGETS[kind].shape[1])
        assert_allclose(V, expected, atol=1e-2)
        W = weights_of(V, self.BASIS)
        assert_allclose(W[:-1], self.BASIS.toarray() @ V[:-1], rtol=1e-6)
        assert_array_equal(W[-1], V[-1])

    def test_without_one_the_parameters_are_the_weights(self, kind):
        V = fit_linear(X, TARGETS[kind], WEIGHTS["alike"], kind=kind, penalty=1.0)
        assert weights_of(V, None) is V


WORDS = sparse.csr_matrix(
    (RNG.uniform(0.5, 1, N_ROWS), (np.arange(N_ROWS), np.arange(N_ROWS) % 75)), dtype="float32"
)
COMMON = RNG.normal(size=(N_ROWS, 1))
CORRELATED = ((COMMON + 0.05 * RNG.normal(size=(N_ROWS, 20))) * np.logspace(-1, 1.5, 20)).astype(
    "float32"
)
CASES = {
    "all frequent": (X, None),
    "none frequent": (WORDS, None),
    "both": (sparse.hstack([WORDS, X]).tocsr(), None),
    "constant column": (sparse.hstack([X, np.full((N_ROWS, 1), 2, "f4")]).tocsr(), None),
    "zero column": (sparse.hstack([X, sparse.csr_matrix((N_ROWS, 1), dtype="f4")]).tocsr(), None),
    "columns twice": (sparse.hstack([X, X, WORDS, WORDS]).tocsr(), None),
    "correlated columns": (sparse.csr_matrix(np.hstack([CORRELATED, WORDS.toarray()])), None),
}
RUNS = sparse.random_array(
    (75, 30), density=0.2, random_state=np.random.default_rng(2), dtype="float32"
)
CASES["basis"] = (WORDS, sparse.csr_matrix(sparse.hstack([sparse.identity(75), RUNS])))
CASES["basis and frequent"] = (
    CASES["both"][0],
    sparse.csr_matrix(
        sparse.block_diag([CASES["basis"][1], sparse.identity(N_FEATURES)]), dtype="float32"
    ),
)


def coordinates(case, penalty=0.3):
    X, basis = CASES[case]
    return _solver._Coordinates(curvature(X, WEIGHTS["unlike"] / 5, basis), penalty)


def curvature(X, curvatures, basis=None):
    """Return that of squared errors, whose curvature is the weight of the row."""
    return Curvature(X, TARGETS["regression"], curvatures, "regression", basis)


def parameter_features(case):
    """Return what the parameters are multiplied with, the intercept's ones last."""
    X, basis = CASES[case]
    features = (X if basis is None else X @ basis).toarray().astype("float64")
    return np.column_stack([features, np.ones(N_ROWS)])


@pytest.mark.parametrize("case", CASES)
class TestCoordinates:
    def test_there_and_back_is_where_it_was(self, case):
        found, n_parameters = coordinates(case), parameter_features(case).shape[1]
        V = RNG.normal(size=(n_parameters, 3))
        given = V.copy()
        U = found.of_parameters(V)
        assert np.abs(U - V).max() > 0.1
        assert_allclose(found.parameters(U), V, atol=1e-8)
        assert_allclose(found.of_parameters(found.parameters(V)), V, atol=1e-8)
        assert_array_equal(V, given)

    def test_the_gradient_is_that_of_finite_differences(self, case):
        found, shape = coordinates(case), (parameter_features(case).shape[1], 2)
        slopes, curvatures = RNG.normal(size=(2, *shape))

        def loss(flat):
            V = found.parameters(flat.reshape(shape))
            return np.sum(slopes * V + curvatures * V**2 / 2)

        def gradient(flat):
            by_parameters = slopes + curvatures * found.parameters(flat.reshape(shape))
            return found.gradient(by_parameters).ravel()

        start = found.of_parameters(RNG.normal(size=shape)).ravel()
        size = np.linalg.norm(gradient(start))
        assert check_grad(loss, gradient, start, epsilon=1e-6) < 1e-4 * size

    def test_the_loss_is_curved_alike_where_features_are_frequent(self, case):
        found, features = coordinates(case), parameter_features(case)
        curvatures = WEIGHTS["unlike"] / 5
        root = found.of_parameters(np.eye(features.shape[1]))
        hessian = (features.T * curvatures @ features + 0.3 * np.eye(features.shape[1])) / N_ROWS
        made = root.T @ root
        frequent = np.ix_(found.frequent, found.frequent)
        ridge = 2e-6 * np.trace(hessian[frequent]) / len(found.frequent)
        assert_allclose(made[frequent], hessian[frequent], rtol=1e-5, atol=ridge)
        # exact even with a basis, because no row has two words
        assert_allclose(np.diag(made), np.diag(hessian), rtol=1e-5, atol=ridge)

    @pytest.mark.parametrize("kind", TARGETS)
    def test_the_optimum_is_that_of_scikit_learn(self, case, kind, monkeypatch):
        monkeypatch.setattr(_solver, "_LEAST_IMPROVEMENT", 1e-12)
        monkeypatch.setattr(_solver, "_MAX_STEPS", 1000)
        features = parameter_features(case)[:, :-1]
        X, basis = CASES[case]
        weights = WEIGHTS["unlike"]
        V = fit_linear(X, TARGETS[kind], weights, kind=kind, penalty=1.0, basis=basis)
        expected = peer(kind, weights, 1.0, features, "newton-cholesky")
        if kind == "multiclass":
            V[-1] -= V[-1].mean()
            expected[-1] -= expected[-1].mean()
        assert_allclose(
            features @ V[:-1] + V[-1], features @ expected[:-1] + expected[-1], atol=0.01
        )

    @pytest.mark.parametrize("kind", TARGETS)
    def test_an_early_end_is_close_to_the_optimum_however_correlated(self, case, kind):
        features = parameter_features(case)[:, :-1]
        X, basis = CASES[case]
        weights = WEIGHTS["alike"]
        V = fit_linear(X, TARGETS[kind], weights, kind=kind, penalty=0.3, basis=basis)
        expected = peer(kind, weights, 0.3, features, "newton-cholesky")
        best, reached = (objective(W, kind, weights, 0.3, features) for W in (expected, V))
        assert best * (1 - 1e-6) <= reached <= best * (1 + 1e-4)


@pytest.mark.parametrize("kind", TARGETS)
def test_without_features_all_rows_have_one_prediction(kind):
    Y, weights = TARGETS[kind], WEIGHTS["unlike"]
    found = fit_linear(X[:, :0], Y, weights, kind=kind, penalty=1.0)
    inverse = {"regression": lambda z: z, "multiclass": softmax}.get(kind, expit)
    assert_allclose(inverse(found[0]), np.average(Y, axis=0, weights=weights), atol=5e-3)


@pytest.mark.parametrize("kind", TARGETS)
class TestSteps:
    """Thirty steps do where columns are correlated and unlike in size, but only in coordinates."""

    def steps_and_excess(self, kind, monkeypatch):
        found = []

        def minimize_noting(*args, **named):
            found.append(minimize(*args, **named))
            return found[-1]

        monkeypatch.setattr(_solver, "minimize", minimize_noting)
        X, weights = CASES["correlated columns"][0], WEIGHTS["alike"]
        V = fit_linear(X, TARGETS[kind], weights, kind=kind, penalty=0.1)
        features = X.toarray().astype("float64")
        expected = peer(kind, weights, 0.1, features, "newton-cholesky")
        best, reached = (objective(W, kind, weights, 0.1, features) for W in (expected, V))
        return found[0].nit, reached / best - 1

    def test_they_are_enough(self, kind, monkeypatch):
        n_steps, excess = self.steps_and_excess(kind, monkeypatch)
        assert n_steps <= 30 < _solver._MAX_STEPS
        assert excess < 1e-4

    def test_without_the_coordinates_they_are_not(self, kind, monkeypatch):
        for name in ("parameters", "of_parameters", "gradient"):
            monkeypatch.setattr(_solver._Coordinates, name, lambda self, values: values)
        assert self.steps_and_excess(kind, monkeypatch)[1] > 1e-3


class TestCurvature:
    @pytest.mark.parametrize("kind", TARGETS)
    @pytest.mark.parametrize("case", ["both", "correlated columns"])
    def test_multiplied_it_is_that_of_features_multiplied(self, case, kind):
        X, weights = CASES[case][0], WEIGHTS["unlike"]
        factors = 2.0 ** RNG.integers(-3, 4, X.shape[1])
        found = Curvature(X, TARGETS[kind], weights, kind)
        found.multiply(factors)
        expected = Curvature((X @ sparse.diags(factors)).tocsr(), TARGETS[kind], weights, kind)
        assert_allclose(found.squares, expected.squares, rtol=1e-4)
        assert_allclose(found.products, expected.products, rtol=1e-4, atol=1e-4)

    @pytest.mark.parametrize("kind", TARGETS)
    def test_a_fit_that_knows_it_is_the_same(self, kind):
        X, _ = CASES["both"]
        given = X, TARGETS[kind], WEIGHTS["unlike"]
        options = {"kind": kind, "penalty": 1.0}
        assert_array_equal(
            fit_linear(*given, **options, curvature=Curvature(*given, kind)),
            fit_linear(*given, **options),
        )

    def test_products_of_some_rows_are_scaled_to_all(self, monkeypatch):
        X, _ = CASES["all frequent"]
        whole = curvature(X, np.ones(N_ROWS)).products
        monkeypatch.setattr(_solver, "_ENOUGH_FOR_PRODUCTS", N_ROWS // 3)
        some = curvature(X, np.ones(N_ROWS)).products
        rows = np.column_stack([X[::3].toarray(), np.ones(N_ROWS // 3)])
        assert_allclose(some, 3 * rows.T @ rows, rtol=1e-5, atol=1e-5)
        assert some[-1, -1] == whole[-1, -1] == N_ROWS


class TestFrequent:
    def test_features_of_more_than_a_twentieth_of_the_rows_are_frequent(self):
        counts = [7, 8, 150, 1]  # of 150 rows
        dense = np.array([np.arange(N_ROWS) < count for count in counts]).T.astype("float32")
        found = curvature(sparse.csr_matrix(dense), np.ones(N_ROWS))
        assert_array_equal(found.frequent, [1, 2, 4])

    def test_shared_letters_never_are_and_there_is_a_most(self, monkeypatch):
        _, basis = CASES["basis and frequent"]
        n_before = basis.shape[1] - N_FEATURES
        found = coordinates("basis and frequent")
        assert_array_equal(found.frequent, np.arange(n_before, basis.shape[1] + 1))
        monkeypatch.setattr(_solver, "_MAX_FREQUENT", 3)
        found = coordinates("basis and frequent")
        most = np.sort(np.argsort(-CASES["all frequent"][0].getnnz(axis=0), kind="stable")[:3])
        counts = CASES["all frequent"][0].getnnz(axis=0)
        assert len(found.frequent) == 4
        assert_array_equal(np.sort(counts[found.frequent[:-1] - n_before]), np.sort(counts[most]))
        V = RNG.normal(size=(basis.shape[1] + 1, 2))
        assert_allclose(found.parameters(found.of_parameters(V)), V, atol=1e-8)


class TestStrangeRows:
    """What is not finite, or weighs nothing, is for the network's training to complain of."""

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    @pytest.mark.parametrize("of", ["targets", "a frequent feature", "a rare feature"])
    @pytest.mark.parametrize("is_warm", [False, True], ids=["cold", "warm"])
    def test_what_is_not_finite_is_no_error(self, value, of, is_warm):
        X, Y = CASES["both"][0].copy(), TARGETS["regression"].copy()
        if of == "targets":
            Y[3] = value
        else:
            column = WORDS.shape[1] if of == "a frequent feature" else 0
            X.data[np.flatnonzero(X.indices == column)[0]] = value
        start = np.ones((X.shape[1] + 1, 3)) if is_warm else None
        settings = {"kind": "regression", "penalty": 1.0, "start": start}
        found = fit_linear(X, Y, WEIGHTS["alike"], **settings)
        assert_allclose(found, np.zeros_like(found) if start is None else start, rtol=1e-12)

    @pytest.mark.parametrize("kind", TARGETS)
    def test_rows_that_weigh_nothing_give_no_weights(self, kind):
        found = fit_linear(X, TARGETS[kind], np.zeros(N_ROWS), kind=kind, penalty=1.0)
        assert_array_equal(found, 0)
