"""Pictures through the estimators: beside a tag, in pairs, four to a house; and their examples."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skmerge import (
    ColumnRouter,
    ConvBranch,
    EmbeddingBranch,
    ImageEncoder,
    MergedNetClassifier,
    MergedNetRegressor,
)

EXAMPLES = Path(__file__).parents[2] / "examples"
CONV = ConvBranch((2, 3), (4,), batch_normalization=False)
PICTURES = np.random.default_rng(0).integers(0, 256, (2, 24, 8, 6, 3), dtype="uint8")
LABELS = np.arange(24) % 3


def fit(inputs, branches, **parameters):
    model = MergedNetClassifier(branches=branches, head=(), epochs=1, random_state=0, **parameters)
    return model.fit(inputs, LABELS)


@pytest.mark.parametrize("as_words", [list, np.array, lambda words: np.array(words, dtype=object)])
@pytest.mark.parametrize("as_pictures", [list, np.asarray])
@pytest.mark.parametrize("branch", ["embedding", EmbeddingBranch(3, (4,))])
def test_pictures_and_words_are_fitted_as_lists(as_pictures, as_words, branch):
    words = as_words(["red", "left side", "big", "red"] * 6)
    model = fit([as_pictures(PICTURES[0]), words], {"image": CONV, "word": branch})
    assert model.specs_["image"].shape == (8, 6, 3)
    assert model.specs_["word"].vocabulary_size == 5
    inputs = [as_pictures(PICTURES[0][:5]), as_words(["big", "red", "never seen", "", "big"])]
    assert model.predict_proba(inputs).shape == (5, 3)


def n_values(variables):
    return sum(int(np.prod(variable.shape)) for variable in variables)


def test_shared_branch_has_one_set_of_weights():
    pair = list(PICTURES)
    own = fit(pair, {"front": CONV, "back": CONV}, merge="multiply")
    shared = fit(pair, {"front": CONV, "back": "front"}, merge="multiply")
    of_branch = shared.model_.get_layer("front").trainable_variables
    assert len(own.model_.trainable_variables) == len(shared.model_.trainable_variables) + 6
    assert len(of_branch) == 6
    lost = n_values(own.model_.trainable_variables) - n_values(shared.model_.trainable_variables)
    assert lost == n_values(of_branch) == (27 * 2 + 2) + (18 * 3 + 3) + (3 * 4 + 4)
    assert "back" not in [layer.name for layer in shared.model_.layers]


def test_shared_branch_reads_both_pictures_alike():
    shared = fit(list(PICTURES), {"front": CONV, "back": "front"}, merge="sum")
    assert_array_equal(
        shared.predict_proba(list(PICTURES)), shared.predict_proba(list(PICTURES[::-1]))
    )


@pytest.mark.parametrize("block", ["inception", "residual"])
def test_shared_branch_may_be_of_blocks_and_vary_its_pictures(block):
    conv = ConvBranch((4,), (4,), block=block, batch_normalization=True, flip="both", shift=0.1)
    shared = fit(list(PICTURES), {"front": conv, "back": "front"})
    again = fit(list(PICTURES), {"front": conv, "back": "front"})
    predicted = shared.predict_proba(list(PICTURES))
    assert_array_equal(again.predict_proba(list(PICTURES)), predicted)
    branch = shared.model_.get_layer("front")
    varied, seen = (np.asarray(branch(PICTURES[0], training=each)) for each in (True, False))
    assert not np.allclose(varied, seen)


ROOMS = ["img_frontal", "img_bedroom", "img_bathroom", "img_kitchen"]


@pytest.mark.slow
def test_four_pictures_of_a_house_share_a_branch(shared_data):
    houses = pd.read_csv(shared_data / "houses" / "data.csv", nrows=30)
    X, y = houses[["bedrooms", "area", *ROOMS]], np.log10(houses["price"])
    encoder = ImageEncoder(size=12, root=str(shared_data / "houses"))
    n_branch_variables = {}
    for name, others in {"own": CONV, "shared": ROOMS[0]}.items():
        model = MergedNetRegressor(
            router=ColumnRouter(dict.fromkeys(ROOMS, encoder)),
            branches={ROOMS[0]: CONV, **dict.fromkeys(ROOMS[1:], others)},
            epochs=2,
            random_state=0,
        ).fit(X, y)
        predicted = model.predict(X)
        assert predicted.shape == (30,)
        assert np.abs(predicted - y.mean()).max() < 3 * y.std()
        n_branch_variables[name] = sum(
            len(layer.trainable_variables) for layer in model.model_.layers if layer.name in ROOMS
        )
    assert n_branch_variables == {"own": 4 * 6, "shared": 6}


def run(script):
    command = [sys.executable, str(EXAMPLES / script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def accuracies(printed):
    """The accuracy that each line reports, by what the line starts with."""
    found = re.findall(r"^(\S.*?) +accuracy (\d\.\d+)", printed, flags=re.MULTILINE)
    return {name: float(accuracy) for name, accuracy in found}


@pytest.mark.slow
def test_picture_and_tag_are_worth_more_than_either():
    accuracy = accuracies(run("picture_and_tag.py"))
    assert list(accuracy) == [
        "picture alone",
        "tag alone",
        "both, concat",
        "both, sum",
        "both, multiply",
    ]
    assert accuracy["picture alone"] < 0.6
    assert accuracy["tag alone"] < 0.45
    assert accuracy["both, concat"] > 0.85
    assert accuracy["both, sum"] > 0.7


@pytest.mark.slow
def test_two_pictures_learn_more_through_one_branch():
    printed = run("two_pictures.py")
    accuracy = accuracies(printed)
    assert accuracy["top alone"] < 0.35
    assert accuracy["own weights"] > 0.6
    assert accuracy["shared weights"] > 0.85
    assert accuracy["shared weights, sum"] < 0.7
    own, shared = (
        int(re.search(rf"^{name} .*?([\d,]+) parameters", printed, re.M)[1].replace(",", ""))
        for name in ("own weights", "shared weights")
    )
    assert shared < own


@pytest.mark.slow
def test_siamese_network_tells_unseen_digits_apart():
    printed = run("siamese_digits.py")
    accuracy = accuracies(printed)
    # with other versions of Keras, as with another random_state, they go up and down by 0.03
    assert accuracy["compare, symmetric"] > 0.93
    assert accuracy["compare"] > 0.93
    assert min(accuracy["subtract"], accuracy["concat"]) > 0.9
    moved = dict(re.findall(r"^(\S.*?) +accuracy.*moves by (\S+)", printed, flags=re.M))
    assert float(moved["compare, symmetric"]) == float(moved["cosine"]) == 0
    assert float(moved["compare"]) > 0


@pytest.mark.slow
def test_search_over_blocks_prints_a_row_for_each():
    lines = run("inception.py").splitlines()
    rows = [line.split() for line in lines[1:7]]
    assert [row[:2] for row in rows] == [
        [block, depth] for block in ("plain", "inception", "residual") for depth in "12"
    ]
    assert all(float(row[2]) > 0.8 for row in rows)
    assert int(rows[2][4]) < int(rows[0][4]) < int(rows[4][4])
    assert float(lines[-1].split()[-1].rstrip(".")) > 0.93


@pytest.mark.slow
def test_own_networks_of_every_form_read_digits():
    printed = run("own_networks.py")
    accuracy = accuracies(printed)
    assert list(accuracy) == [
        "Sequential",
        "functional",
        "class of your own",
        "single layer",
        "pretrained, frozen",
        "pretrained, trained on",
        "MobileNetV2, frozen",
    ]
    assert accuracy["Sequential"] > 0.9
    assert min(accuracy.values()) > 0.5
    trained = dict(re.findall(r"^(\S.*?) +accuracy.* (\S+) of them trained", printed, flags=re.M))
    assert trained["pretrained, frozen"] == trained["MobileNetV2, frozen"] == "0"
    assert trained["pretrained, trained on"] == trained["Sequential"] == "18,624"
