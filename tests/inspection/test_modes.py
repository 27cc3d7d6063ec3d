import keras
import pytest

from skmerge import InputSpec
from skmerge.inspection._modes import merge_label, merges_to_compare, why_not
from skmerge.merges import MERGES, Concat, KerasMerge, Late, MergeList, Multiply, resolve_merge

TWO = {name: InputSpec(name, "array", (3,)) for name in ("front", "back")}
THREE = TWO | {"note": InputSpec("note", "text", (5,), "int32", "embedding", 9, optional=True)}


@pytest.mark.parametrize(
    ("merge", "label"),
    [
        ("concat", "concat"),
        ("add", "add"),
        (Multiply(), "multiply"),
        (Multiply(units=8), "Multiply(units=8)"),
        (["concat", Multiply(units=8)], "concat + Multiply(units=8)"),
        (MergeList([Concat(), Multiply()]), "concat + multiply"),
        (MergeList([Concat(), Multiply()], units=4).set_params(units=4), "MergeList("),
        (Late("learned", auxiliary=0.3), "Late(auxiliary=0.3, weights='learned')"),
        (keras.layers.Add(name="mine"), "mine"),
        (KerasMerge(keras.layers.Add(name="mine")), "mine"),
    ],
)
def test_label_is_short_where_a_short_name_says_all(merge, label):
    found = merge_label(merge)
    assert found.startswith(label)
    assert "\n" not in found


def test_all_modes_are_compared_that_can_join_the_inputs():
    two = merges_to_compare(None, "concat", TWO)
    assert list(two) == list(MERGES), "the estimator's own merge is one of them, and not twice"
    three = merges_to_compare(None, Multiply(), THREE)
    assert set(MERGES) - set(three) == {"subtract", "compare"}


def test_the_estimators_own_merge_comes_first_where_it_is_no_plain_mode():
    own = Multiply(units=8)
    labels = list(merges_to_compare(None, own, TWO))
    assert labels == ["Multiply(units=8)", *MERGES]


def test_merges_are_named_by_list_or_dict():
    listed = merges_to_compare(["mul", ["concat", "dot"], Multiply(units=2)], "concat", TWO)
    assert list(listed) == ["mul", "concat + dot", "Multiply(units=2)"]
    named = merges_to_compare({"ours": "sum", 2: Concat()}, "concat", TWO)
    assert list(named) == ["ours", "2"]
    assert named["ours"] == "sum"


@pytest.mark.parametrize(
    ("merges", "complaint"),
    [
        ("concat", "must be a list of merges, a dict .* Got 'concat'"),
        ([], "at least one merge"),
        (["gatd"], "Did you mean 'gated'"),
        ([Multiply(), "multiply"], "label of its own. Got .*dict"),
        (["sum", "subtract"], "'subtract' cannot join the 3 inputs .*exactly two"),
        ([["concat", "subtract"]], "'concat \\+ subtract' cannot join"),
    ],
)
def test_what_cannot_be_compared_is_refused(merges, complaint):
    with pytest.raises(ValueError, match=complaint):
        merges_to_compare(merges, "concat", THREE)


def test_networks_of_the_users_own_are_not_tried():
    narrow = keras.Sequential([keras.layers.Concatenate(), keras.layers.Reshape((2, 3))])
    assert why_not(narrow, TWO) is None
    assert why_not([narrow, "concat"], TWO) is None
    assert why_not("concat", TWO) is None


def test_trying_a_merge_leaves_the_global_generators_alone():
    import random

    random.seed(3)
    expected = random.random()
    random.seed(3)
    why_not("gated", TWO)
    assert random.random() == expected


def test_every_mode_resolves_by_its_label():
    for name in MERGES:
        assert merge_label(resolve_merge(name)) == name
