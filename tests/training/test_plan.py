"""The room that networks are built with: some for all folds, and none that changes a prediction."""

from dataclasses import replace

import keras
import pytest

from skmerge import InputSpec
from skmerge.branches import Branch, DenseBranch, KerasBranch, resolve_branch
from skmerge.training._plan import roomy

TEXT = InputSpec("note", "text", (7,), "int32", "embedding", vocabulary_size=2943, optional=True)
TABLE = InputSpec(
    "table",
    "tabular",
    (3,),
    code_columns=(1, 2),
    cardinalities=(5, 100),
    feature_names=("a", "b", "c"),
)
COUNTS = InputSpec("counts", "array", (5213,), sparse=True)
STEPS = InputSpec("steps", "sequence", (9, 4), step_mask=True)
PHOTO = InputSpec("photo", "image", (8, 8, 3), "uint8", "conv")


class OwnBranch(Branch):
    def build(self, tensor, spec):
        return keras.layers.Dense(3)(keras.ops.cast(tensor, "float32"))


@pytest.mark.parametrize("branch", ["embedding", "recurrent", "conv1d", "attention"])
def test_texts_have_room_for_words_and_any_length(branch):
    wanted = replace(TEXT, vocabulary_size=3072, shape=(None,))
    assert roomy(TEXT, resolve_branch(branch)) == wanted


def test_tables_have_room_for_categories_and_none_for_columns():
    assert roomy(TABLE, DenseBranch()).cardinalities == (8, 104)
    assert roomy(TABLE, DenseBranch()).shape == (3,)
    assert roomy(COUNTS, DenseBranch()) == COUNTS


@pytest.mark.parametrize("branch", ["recurrent", "conv1d", "attention"])
def test_sequences_may_have_any_length(branch):
    assert roomy(STEPS, resolve_branch(branch)).shape == (None, 4)


@pytest.mark.parametrize("spec", [TEXT, TABLE, COUNTS, STEPS, PHOTO], ids=lambda spec: spec.name)
@pytest.mark.parametrize("branch", [OwnBranch(), KerasBranch("network")], ids=["own", "keras"])
def test_branches_that_do_not_say_so_get_the_spec_as_it_is(spec, branch):
    assert roomy(spec, branch) == replace(spec, feature_names=())


@pytest.mark.parametrize("count", [*range(1, 200), 999, 1000, 1024, 1025, 20_000, 123_456])
def test_room_is_an_eighth_at_most_or_three(count):
    given = roomy(replace(TEXT, vocabulary_size=count), resolve_branch("embedding"))
    assert count <= given.vocabulary_size <= max(count + 3, count * 9 / 8)


def test_ever_more_words_need_ever_fewer_sizes():
    sizes = {
        roomy(replace(TEXT, vocabulary_size=count), resolve_branch("embedding")).vocabulary_size
        for count in range(2800, 3000)
    }
    assert len(sizes) == 2
