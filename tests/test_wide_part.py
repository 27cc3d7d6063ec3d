"""The linear model in fitted estimators: the network holds it, blended with the deep part."""

import gc
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, softmax
from sklearn.base import clone

from skmerge import (
    InputSpec,
    MergedNetClassifier,
    MergedNetRegressor,
    MultiInput,
    TargetSpec,
    _wide_part,
)
from skmerge._wide import TargetRows, blend_weights, row_losses
from skmerge._wide_part import WidePart
from skmerge.merges import Merge
from skmerge.network import network_inputs
from skmerge.training import _compiled
from skmerge.training._compiled import POOL

RNG = np.random.default_rng(0)
N_ROWS = 220
WORDS = ["late", "early", "blue", "red", "soft", "hard", "good", "bad"]
FRAME = pd.DataFrame(
    {
        "size": RNG.normal(size=N_ROWS),
        "shop": RNG.choice(["Rome", "Oslo", "Bern"], N_ROWS),
        "note": [" ".join(RNG.choice(WORDS, 4)) for _ in range(N_ROWS)],
    }
)
POINTS = (
    FRAME["size"].to_numpy()
    + 2.0 * FRAME["note"].str.contains("good")
    - (2.0 * (FRAME["shop"] == "Oslo"))
)
POINTS = np.asarray(POINTS) + RNG.normal(0, 0.3, N_ROWS)
MEDIAN = np.median(POINTS)
LABELS = np.where(POINTS > MEDIAN, "keep", "return")
MANY = np.stack([POINTS > 0, FRAME["size"] > 0], axis=1).astype(int)
TARGETS = {
    "binary": LABELS,
    "multiclass": np.digitize(POINTS, np.quantile(POINTS, [0.4, 0.7])),
    "multilabel": MANY,
    "one number": 100 + 20 * POINTS,
    "two numbers": np.stack([POINTS, 5 - FRAME["size"]], axis=1),
}
SETTINGS = {"head": (8,), "epochs": 2, "batch_size": 32, "random_state": 0}


@pytest.fixture
def built(monkeypatch):
    """The keys of the networks that were built, and not taken from the pool."""
    gc.collect()
    POOL.clear()
    keys = []
    init = _compiled.CompiledNetwork.__init__

    def counting(self, *args, **named):
        init(self, *args, **named)
        keys.append(self.key)

    monkeypatch.setattr(_compiled.CompiledNetwork, "__init__", counting)
    return keys


def make(kind="binary", **changes):
    estimator = MergedNetRegressor if kind.endswith(("number", "numbers")) else MergedNetClassifier
    return estimator(**(SETTINGS | changes))


def network(estimator):
    return estimator._trainer.model_


def layers(estimator):
    return {layer.name for layer in network(estimator).layers}


def wide_layers(estimator):
    return {name for name in layers(estimator) if name.endswith("-wide")}


def routed(estimator, X=FRAME):
    return X if isinstance(X, MultiInput) else estimator.router_.transform(X)


def deep_weights(estimator):
    return [variable.numpy() for variable in network(estimator).trainable_variables]


def fixed_weights(estimator):
    names = [*wide_layers(estimator), "blend"]
    return {name: network(estimator).get_layer(name).get_weights() for name in names}


def assert_kept(estimator, kept):
    assert len(kept) == 3
    for name, values in fixed_weights(estimator).items():
        for one, other in zip(values, kept[name], strict=True):
            assert_array_equal(one, other)


@pytest.fixture
def noted(monkeypatch):
    """What the fits of a test blended: the final linear models, and the factors of both parts."""
    notes = []

    values = _wide_part.WideModel.values

    def noting(self, factor, built):
        notes.append((self, factor))
        return values(self, factor, built)

    monkeypatch.setattr(_wide_part.WideModel, "values", noting)
    return notes


def assert_outputs_are_the_blend(estimator, noted, X=FRAME, activation=expit, n_deep=3):
    """The network's output is that of the deep readings and the linear model's logits, blended.

    The deep readings are that of all inputs together, and that of each input alone.
    """
    model, of_wide = noted[-1]
    rows = routed(estimator, X)
    *of_deep, bias = network(estimator).get_layer("blend").get_weights()
    deep = estimator._trainer.reading("deep", network_inputs(rows), len(rows))
    assert len(deep) == len(of_deep) == n_deep
    wide = of_wide * (model.logits(rows) - model.weights[-1])
    assert np.ptp(wide) > 0.1
    assert min(np.ptp(part) for part in deep) > 0.01
    scaled = sum(factor * part for factor, part in zip(of_deep, deep, strict=True))
    expected = activation(scaled + wide + bias)
    assert_allclose(estimator._outputs(X), expected, rtol=1e-4, atol=1e-5)


class TestOutput:
    @pytest.mark.parametrize("kind", TARGETS)
    def test_it_is_the_blend_of_both_parts(self, kind, noted):
        activations = {"multiclass": lambda z: softmax(z, axis=1), "binary": expit}
        activation = activations.get(kind, expit if kind == "multilabel" else np.asarray)
        estimator = make(kind).fit(FRAME, TARGETS[kind])
        assert wide_layers(estimator) == {"tabular-wide", "note-wide"}
        assert_outputs_are_the_blend(estimator, noted, activation=activation)
        assert estimator.predict(FRAME).shape == TARGETS[kind].shape
        scores = {"multiclass": 0.6, "multilabel": 0.5}
        assert estimator.score(FRAME, TARGETS[kind]) > scores.get(kind, 0.7)

    @pytest.mark.parametrize(
        "changes",
        [
            {"merge": "late"},
            {"merge": "gated", "dropout": 0.3},
            {"branches": {"note": "conv1d"}, "head": None},
            {"auxiliary": 0},
            {"auxiliary": 0.2, "normalize_features": False},
        ],
        ids=lambda changes: "-".join(changes),
    )
    def test_so_it_is_with_any_deep_part(self, changes, noted):
        estimator = make(**changes).fit(FRAME, LABELS)
        has_alone = changes.get("merge") != "late" and changes.get("auxiliary") != 0
        assert_outputs_are_the_blend(estimator, noted, n_deep=3 if has_alone else 1)

    def test_so_it_is_with_a_multi_input(self, noted):
        X = MultiInput(
            {
                "front door": RNG.normal(size=(N_ROWS, 3)).astype("float32"),
                "size": FRAME[["size"]].to_numpy("float32"),
                "photo": RNG.integers(0, 256, (N_ROWS, 4, 4, 3)).astype("uint8"),
            }
        )
        estimator = make(branches={"photo": "conv"}).fit(X, FRAME["size"] > 0)
        assert wide_layers(estimator) == {"front_door-wide", "size-wide"}
        assert_outputs_are_the_blend(estimator, noted, X, n_deep=4)

    def test_rows_without_words_and_of_unknown_cells_are_predicted(self, noted):
        estimator = make().fit(FRAME, LABELS)
        odd = pd.DataFrame(
            {
                "size": [np.nan, 1e3, 0],
                "shop": ["Lima", None, "Rome"],
                "note": ["", "unheard", None],
            }
        )
        assert_outputs_are_the_blend(estimator, noted, odd)


class TestWhereThereIsNone:
    def test_without_a_wide_part_the_deep_part_alone_is_scaled(self):
        estimator = make(wide=False).fit(FRAME, LABELS)
        assert not wide_layers(estimator)
        rows = routed(estimator)
        *factors, bias = network(estimator).get_layer("blend").get_weights()
        deep = estimator._trainer.reading("deep", network_inputs(rows), len(rows))
        assert factors[0] != 1
        expected = expit(np.tensordot(factors, deep, axes=1) + bias)
        assert_allclose(estimator._outputs(FRAME), expected, rtol=1e-4, atol=1e-6)

    @pytest.mark.parametrize(
        ("kind", "changes"),
        [
            ("binary", {"loss": "binary_crossentropy"}),
            ("binary", {"early_stopping": False}),
            ("one number", {"output_activation": "softplus"}),
            ("one number", {"loss": "huber"}),
        ],
        ids=["loss", "no early stopping", "activation", "loss of numbers"],
    )
    def test_nothing_is_blended(self, kind, changes):
        estimator = make(kind, **changes).fit(FRAME, TARGETS[kind])
        assert not layers(estimator) & {"deep", "blend"}
        assert not wide_layers(estimator)

    def test_a_network_that_must_do_without_inputs_is_only_scaled(self):
        estimator = make(input_dropout=0.3, learning_rate=0.03).fit(FRAME, LABELS)
        assert not wide_layers(estimator)
        assert "blend" in layers(estimator)
        lacking = estimator.predict_proba(FRAME[["size", "shop"]])
        sized = FRAME["size"].to_numpy()
        assert lacking[sized > 1, 0].mean() > lacking[sized < -1, 0].mean()

    @pytest.mark.parametrize(("n_rows", "is_blended"), [(199, False), (200, True)])
    def test_by_default_two_hundred_rows_are_needed(self, n_rows, is_blended):
        estimator = make(epochs=1).fit(FRAME[:n_rows], LABELS[:n_rows])
        assert ("blend" in layers(estimator)) == is_blended

    def test_fewer_rows_have_one_if_early_stopping_is_asked_for(self):
        estimator = make(early_stopping=True).fit(FRAME[:60], LABELS[:60])
        assert wide_layers(estimator)

    def test_pictures_alone_are_only_scaled(self):
        X = MultiInput({"photo": RNG.integers(0, 256, (N_ROWS, 4, 4, 3)).astype("uint8")})
        bright = X["photo"].mean(axis=(1, 2, 3)) > 127
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # two epochs may be too few to learn it
            estimator = make(branches={"photo": "conv"}).fit(X, bright)
        assert not wide_layers(estimator)
        assert "blend" in layers(estimator)


class TestDeepPart:
    @pytest.mark.parametrize(
        ("kind", "changes"),
        [
            ("binary", {"dropout": 0.3}),
            ("multiclass", {"merge": "late", "learning_rate": 0.03}),
            ("two numbers", {"merge": "gated"}),
            ("multilabel", {"early_stopping": True, "optimizer": "adamw", "epochs": 4}),
        ],
    )
    def test_it_is_trained_as_if_there_were_no_wide_part(self, kind, changes):
        estimators = [make(kind, wide=wide, **changes) for wide in (True, False)]
        both, alone = (estimator.fit(FRAME, TARGETS[kind]) for estimator in estimators)
        assert both.history_ == alone.history_
        for one, other in zip(deep_weights(both), deep_weights(alone), strict=True):
            assert_array_equal(one, other)
        assert not np.allclose(both._outputs(FRAME), alone._outputs(FRAME), atol=1e-3)

    def test_partial_fit_trains_it_and_leaves_the_rest(self):
        estimator = make().fit(FRAME, LABELS)
        kept = fixed_weights(estimator)
        before, outputs = deep_weights(estimator), estimator._outputs(FRAME)
        estimator.partial_fit(FRAME, LABELS)
        assert_kept(estimator, kept)
        assert any((a != b).any() for a, b in zip(deep_weights(estimator), before, strict=True))
        assert not np.array_equal(estimator._outputs(FRAME), outputs)

    def test_a_warm_start_keeps_the_rest_and_goes_on(self):
        estimator = make(warm_start=True).fit(FRAME, LABELS)
        kept = fixed_weights(estimator)
        estimator.fit(FRAME, LABELS)
        assert_kept(estimator, kept)
        assert estimator.n_iter_ > 2
        assert estimator.score(FRAME, LABELS) > 0.7

    def test_partial_fit_alone_has_no_wide_part(self):
        assert "blend" not in layers(make().partial_fit(FRAME, LABELS))


class TestSameAgain:
    def test_a_pickle_predicts_the_same(self):
        estimator = make().fit(FRAME, LABELS)
        copy = pickle.loads(pickle.dumps(estimator))
        assert_array_equal(copy.predict_proba(FRAME), estimator.predict_proba(FRAME))
        assert wide_layers(copy) == wide_layers(estimator)
        assert {"tabular-alone", "note-alone", "note-normalized"} < layers(copy)
        rows = routed(estimator)
        parts = [
            each._trainer.reading("deep", network_inputs(rows), len(rows))
            for each in (copy, estimator)
        ]
        assert len(parts[0]) == 3
        for one, other in zip(*parts, strict=True):
            assert_array_equal(one, other)

    @pytest.mark.parametrize("wide", [True, False])
    def test_a_clone_keeps_the_parameters_and_fits_the_same(self, wide):
        estimator = make(wide=wide, early_stopping="auto").fit(FRAME, LABELS)
        copy = clone(estimator)
        assert copy.get_params()["wide"] is wide
        assert copy.get_params()["early_stopping"] == "auto"
        expected = estimator.predict_proba(FRAME)
        assert_array_equal(copy.fit(FRAME, LABELS).predict_proba(FRAME), expected)

    def test_a_recycled_network_gives_the_predictions_of_a_fresh_one(self, built):
        fresh = make().fit(FRAME, LABELS).predict_proba(FRAME)
        other = make(random_state=7).fit(FRAME, LABELS[::-1]).predict_proba(FRAME)
        assert not np.allclose(other, fresh)
        assert_array_equal(make().fit(FRAME, LABELS).predict_proba(FRAME), fresh)
        assert len(built) == 1

    def test_fits_on_other_words_share_a_network(self, built):
        renamed = FRAME.assign(note=FRAME["note"].str.replace("soft", "mellow plush"))
        alone = make().fit(renamed, LABELS).predict_proba(renamed)
        POOL.clear()
        vocabularies = []
        for frame in (FRAME, renamed):
            estimator = make().fit(frame, LABELS)
            vocabularies.append(estimator.specs_["note"].vocabulary_size)
            predicted = estimator.predict_proba(frame)
            del estimator
        assert vocabularies[0] != vocabularies[1]
        assert len(set(built)) == 1
        assert len(built) == 2  # one before the pool was emptied
        assert_array_equal(predicted, alone)


class TestWarning:
    """Validation rows in which the opposite holds are surely predicted worse than by a constant."""

    def test_inputs_that_say_nothing_are_told(self):
        others = FRAME[:40], np.where(LABELS == "keep", "return", "keep")[:40]
        with pytest.warns(UserWarning, match="no better than the frequency of the classes") as seen:
            make(epochs=1).fit(FRAME[["size"]], LABELS, validation_data=others)
        (warning,) = seen
        text = str(warning.message)
        assert text.startswith("The network predicts 40 validation rows")
        assert "Try more rows, other inputs or branches, or a lower learning_rate" in text
        assert warning.filename == __file__

    def test_numbers_are_compared_with_the_mean(self):
        others = FRAME[:40], -POINTS[:40]
        with pytest.warns(UserWarning, match="no better than the mean of the training rows"):
            make("one number", epochs=1).fit(FRAME[["size"]], POINTS, validation_data=others)

    def test_too_few_validation_rows_tell_nothing(self):
        others = FRAME[:19], np.where(LABELS == "keep", "return", "keep")[:19]
        estimator = make(epochs=1).fit(FRAME[["size"]], LABELS, validation_data=others)
        assert "blend" in layers(estimator)


class LastOnly(Merge):
    """A merge that lets nothing through of any input but the last."""

    needs_equal_widths = False

    def _join(self, features, presence):
        return features[-1]


def dragged(deep, held_out, names=("left", "right")):
    """Texts of the warnings about these predictions, the merged network's first."""
    part = WidePart(None, (MultiInput({"x": held_out.Y}), held_out), TargetSpec(held_out.kind, 1))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        part._warn_if_dragged(deep, list(names), held_out)
    return [str(warning.message) for warning in seen]


class TestDragged:
    """Where an input alone predicts better than all inputs together, it is said."""

    X = {
        "good": FRAME[["size"]].to_numpy("float32"),
        "noise": np.random.default_rng(3).normal(size=(N_ROWS, 4)).astype("float32"),
    }
    Y = X["good"][:, 0] > 0

    def test_an_input_that_its_merge_ignores_is_named(self):
        estimator = make(merge=LastOnly(), learning_rate=0.03, epochs=8, wide=False)
        with pytest.warns(UserWarning, match="drag it down") as seen:
            estimator.fit(self.X, self.Y, validation_data=(self.X, self.Y))
        (warning,) = seen
        text = str(warning.message)
        assert text.startswith("Input 'good' alone predicts 220 validation rows better than the ")
        assert "the other inputs ('noise') drag it down" in text
        assert warning.filename == __file__
        # its prediction has a share, so that the estimator does well all the same
        assert estimator.score(self.X, self.Y) > 0.85

    @pytest.mark.parametrize("merge", ["concat", LastOnly()], ids=["concat", "the good one last"])
    def test_nothing_is_said_where_the_merge_finds_it(self, merge):
        """Warnings are errors."""
        X = {"noise": self.X["noise"], "good": self.X["good"]}
        estimator = make(merge=merge, learning_rate=0.03, epochs=8, wide=False)
        assert estimator.fit(X, self.Y, validation_data=(X, self.Y)).score(X, self.Y) > 0.85

    @pytest.mark.parametrize("kind", ["binary", "regression"])
    def test_two_standard_errors_decide(self, kind):
        rng = np.random.default_rng(0)
        truth = rng.normal(size=(300, 1))
        Y = rng.random((300, 1)) < expit(2 * truth) if kind == "binary" else truth
        weights = rng.uniform(0.2, 2, 300)
        held_out = TargetRows(Y.astype("float32"), weights / weights.mean(), kind)
        said = []
        for noise in (0.1, 0.2, 0.3, 0.4, 0.6, 1.0):
            deep = [truth + spread * rng.normal(size=(300, 1)) for spread in (noise, 0.3, 0.9)]
            losses = []
            for logits in deep:
                _, factor, bias = blend_weights([logits], None, held_out)
                by_row = row_losses(kind, factor * logits + bias, held_out.Y)
                losses.append(by_row * held_out.weights)
            behind = losses[0] - losses[1]  # the first input is the better one
            errors = behind.mean() / (behind.std(ddof=1) / np.sqrt(300))
            texts = dragged(deep, held_out)
            assert bool(texts) == (errors > 2)
            if texts:
                assert texts[0].startswith("Input 'left' alone predicts 300 validation rows")
                means = f"(loss {losses[1].mean():.4g} against {losses[0].mean():.4g})"
                assert means in texts[0]
            said.append(bool(texts))
        assert said[0] is False
        assert said[-1] is True

    def test_too_much_confidence_is_set_right_before(self):
        rng = np.random.default_rng(0)
        logits = rng.normal(size=(2000, 1))
        labels = (rng.random((2000, 1)) < expit(logits)).astype("float32")
        held_out = TargetRows(labels, np.ones(2000), "binary")
        deep = [6 * logits, logits + 0.1 * rng.normal(size=logits.shape), -logits]
        losses = [row_losses("binary", each, labels).mean() for each in deep]
        assert losses[0] > losses[1] + 0.3
        assert dragged(deep, held_out) == []

    def test_few_rows_and_a_network_without_such_predictions_say_nothing(self):
        rng = np.random.default_rng(0)
        truth = rng.normal(size=(20, 1)).astype("float32")
        noise = rng.normal(size=(20, 1))
        deep = [noise, truth, noise]
        rows = TargetRows(truth, np.ones(20), "regression")
        assert len(dragged(deep, rows)) == 1
        assert dragged(deep[:1], rows) == []
        assert dragged([each[:19] for each in deep], rows.taken(np.arange(19))) == []


class TestRows:
    def test_weights_of_rows_count(self):
        trusted = FRAME["shop"] == "Bern"
        labels = np.where(trusted, LABELS, LABELS[::-1])
        weights = np.where(trusted, 1.0, 0.01)
        scores = []
        for sample_weight in (None, weights):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                estimator = make().fit(FRAME, labels, sample_weight=sample_weight)
            scores.append(estimator.score(FRAME[trusted], labels[trusted]))
        assert scores[1] > scores[0]

    def test_validation_rows_given_decide_in_place_of_some_held_out(self):
        estimator = make()
        validation = FRAME[200:], LABELS[200:]
        by_given = estimator.fit(FRAME[:200], LABELS[:200], validation_data=validation)
        *factors, _ = network(by_given).get_layer("blend").get_weights()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            flipped = clone(estimator).fit(
                FRAME[:200], LABELS[:200], validation_data=(FRAME[200:], LABELS[200:][::-1])
            )
        *others, _ = network(flipped).get_layer("blend").get_weights()
        assert not np.allclose(factors, others, atol=0.01)

    def test_what_is_in_rows_of_weight_zero_changes_nothing(self):
        size = FRAME[["size"]].to_numpy("float32")
        weights = np.where(np.arange(N_ROWS) % 3, 1.0, 0.0)
        predictions = []
        for factor in (1, 50):
            X = MultiInput({"size": np.where(weights[:, None] > 0, size, factor * size)})
            estimator = make().fit(X, size[:, 0] > 0, sample_weight=weights)
            predictions.append(estimator.predict_proba(X)[weights > 0])
        assert_allclose(predictions[1], predictions[0], rtol=1e-4)

    def test_an_array_that_is_not_there_says_nothing(self):
        size = FRAME[["size"]].to_numpy("float32")
        arrays = {"year": 2000 + 5 * size, "other": size + RNG.normal(size=(N_ROWS, 2))}
        specs = {
            name: InputSpec(name, "array", array.shape[1:], str(array.dtype), optional=True)
            for name, array in arrays.items()
        }
        X = MultiInput(arrays, specs)
        estimator = make().fit(X, size[:, 0] > 0)
        lacking = estimator.predict_proba(X.select(["other"]))
        assert 0.2 < lacking[:, 1].mean() < 0.8
