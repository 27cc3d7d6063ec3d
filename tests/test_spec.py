"""InputSpec, TargetSpec and NestedParams, on small stand-in specs and a stand-in estimator."""

import pickle
from dataclasses import FrozenInstanceError, replace

import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.preprocessing import StandardScaler

from skmerge import InputSpec, TargetSpec
from skmerge._spec import NestedParams


class Total(BaseEstimator):
    def __init__(self, units=None):
        self.units = units


class Gate(BaseEstimator):
    def __init__(self, units=None, temperature=1.0):
        self.units = units
        self.temperature = temperature


class Convolve(BaseEstimator):
    def __init__(self, filters=(16, 32), block="plain"):
        self.filters = filters
        self.block = block


class Wrap(BaseEstimator):
    def __init__(self, transformer=None):
        self.transformer = transformer


MERGES = {"total": Total, "gate": Gate}
BRANCHES = {"convolve": Convolve, "wrap": Wrap}


def merge_of(value, name):
    return MERGES[value]() if isinstance(value, str) and value in MERGES else None


def branch_of(value, name):
    if name is None:
        return None
    value = value[0] if isinstance(value, tuple) else value
    if isinstance(value, BaseEstimator):
        return value
    return BRANCHES[value]() if isinstance(value, str) and value in BRANCHES else None


class Router(NestedParams, BaseEstimator):
    _families = {"inputs": branch_of}

    def __init__(self, inputs="auto", limit=5):
        self.inputs = inputs
        self.limit = limit


class Net(NestedParams, BaseEstimator):
    """An estimator with each sort of parameter that holds specs, and some that hold none."""

    _families = {"merge": merge_of, "branches": branch_of, "router": lambda value, name: None}

    def __init__(
        self, merge="total", *, branches=None, router=None, epochs=3, callbacks=None, head=None
    ):
        self.merge = merge
        self.branches = branches
        self.router = router
        self.epochs = epochs
        self.callbacks = callbacks
        self.head = head


def settings(estimator):
    """Everything an estimator is set to, specs as text, so that two can be compared."""
    return {name: repr(value) for name, value in estimator.get_params(deep=True).items()}


def leaves(estimator):
    """The settings that hold no settings of their own, each compared as text."""
    values = settings(estimator)
    return {
        name: value
        for name, value in values.items()
        if not any(other.startswith(f"{name}__") for other in values)
    }


# InputSpec and TargetSpec


def test_input_spec_is_frozen_and_hashable():
    spec = InputSpec("note", "text", shape=(64,), dtype="int32", vocabulary_size=100)
    with pytest.raises(FrozenInstanceError):
        spec.name = "other"
    assert {spec: 1}[replace(spec)] == 1
    assert replace(spec, name="title") != spec


def test_input_spec_survives_pickling():
    spec = InputSpec("photo", "image", (8, 8, 3), "uint8", default_branch="conv", optional=True)
    assert pickle.loads(pickle.dumps(spec)) == spec


@pytest.mark.parametrize(
    ("shape", "code_columns", "expected"),
    [
        ((4,), (1, 3), (0, 2)),
        ((3,), (), (0, 1, 2)),
        ((2,), (0, 1), ()),
        ((None,), (), ()),
        ((0,), (), ()),
    ],
)
def test_number_columns_are_those_without_codes(shape, code_columns, expected):
    assert InputSpec("t", "tabular", shape, code_columns=code_columns).number_columns == expected


@pytest.mark.parametrize(
    ("kind", "activation", "loss"),
    [
        ("binary", "sigmoid", "binary_crossentropy"),
        ("multilabel", "sigmoid", "binary_crossentropy"),
        ("multiclass", "softmax", "sparse_categorical_crossentropy"),
        ("regression", "linear", "mean_squared_error"),
    ],
)
def test_target_spec_knows_activation_and_loss(kind, activation, loss):
    target = TargetSpec(kind, 2)
    assert (target.activation, target.loss) == (activation, loss)


# get_params


@pytest.mark.parametrize("merge", ["gate", Gate()])
def test_short_name_and_object_have_the_same_parameters(merge):
    params = Net(merge).get_params()
    assert params["merge"] is merge
    assert (params["merge__units"], params["merge__temperature"]) == (None, 1.0)


def test_shallow_parameters_are_those_of_the_constructor():
    net = Net("gate", branches={"photo": "convolve"}, router=Router())
    assert set(net.get_params(deep=False)) == {
        "merge", "branches", "router", "epochs", "callbacks", "head"
    }  # fmt: skip


def test_entries_of_a_dict_are_parameters():
    params = Net(branches={"photo": "convolve", "note": Convolve((8,))}).get_params()
    assert params["branches__photo"] == "convolve"
    assert params["branches__photo__filters"] == (16, 32)
    assert params["branches__note__filters"] == (8,)


def test_entries_of_a_list_are_parameters():
    params = Net(["gate", Total(4)]).get_params()
    assert params["merge__0"] == "gate"
    assert params["merge__0__temperature"] == 1.0
    assert params["merge__1__units"] == 4


def test_parameters_of_a_spec_with_columns_are_those_of_the_spec():
    router = Router({"note": ("convolve", ["title", "text"])})
    params = router.get_params()
    assert params["inputs__note"] == ("convolve", ["title", "text"])
    assert params["inputs__note__block"] == "plain"


def test_parameters_reach_through_nested_estimators():
    net = Net(router=Router({"note": Wrap(StandardScaler())}))
    assert net.get_params()["router__inputs__note__transformer__with_mean"] is True


@pytest.mark.parametrize("value", [{"photo": "convolve"}, ["convolve"], Convolve, 7, None])
def test_values_that_are_no_specs_have_no_parameters(value):
    nested = [name for name in Net(callbacks=value, head=value).get_params() if "__" in name]
    assert nested == ["merge__units"]


def test_unknown_short_name_has_no_parameters():
    assert "merge__units" not in Net("gatd").get_params()


def test_entries_without_a_spec_are_parameters_all_the_same():
    params = Net(branches={"photo": "convolve", "back": "photo", "note": None}).get_params()
    assert (params["branches__back"], params["branches__note"]) == ("photo", None)


# set_params


@pytest.mark.parametrize("merge", ["gate", Gate()])
def test_setting_a_parameter_works_on_name_and_object(merge):
    net = Net(merge).set_params(merge__units=8)
    assert isinstance(net.merge, Gate)
    assert (net.merge.units, net.merge.temperature) == (8, 1.0)


@pytest.mark.parametrize("branch", ["convolve", Convolve()])
def test_setting_a_parameter_of_an_entry_keeps_the_others(branch):
    net = Net(branches={"photo": branch, "note": "wrap"})
    net.set_params(branches__photo__filters=(8, 8), branches__photo__block="residual")
    assert repr(net.branches["photo"]) == "Convolve(block='residual', filters=(8, 8))"
    assert net.branches["note"] == "wrap"
    assert list(net.branches) == ["photo", "note"]


def test_setting_a_parameter_in_a_list_keeps_it_a_list():
    net = Net(["gate", "total"]).set_params(merge__1__units=4, merge__0="total")
    assert isinstance(net.merge, list)
    assert net.merge[0] == "total"
    assert net.merge[1].units == 4


def test_setting_a_parameter_of_a_spec_with_columns_keeps_the_columns():
    router = Router({"note": ("convolve", ["title"])}).set_params(inputs__note__block="inception")
    spec, columns = router.inputs["note"]
    assert (spec.block, columns) == ("inception", ["title"])


def test_setting_reaches_through_nested_estimators():
    net = Net(router=Router({"note": ("convolve", "title")}))
    net.set_params(router__limit=9, router__inputs__note__filters=(4,))
    assert (net.router.limit, net.router.inputs["note"][0].filters) == (9, (4,))


def test_component_is_set_before_its_parameters_whatever_the_order():
    net = Net("total").set_params(merge__temperature=2.0, merge="gate")
    assert net.merge.temperature == 2.0
    net.set_params(branches__photo__filters=(4,), branches={"photo": "wrap"}, epochs=1,
                   branches__photo="convolve")  # fmt: skip
    assert net.branches["photo"].filters == (4,)
    assert net.epochs == 1


def test_entry_names_may_hold_double_underscores():
    net = Net(branches={"house": "wrap", "house__front": "convolve"})
    assert net.get_params()["branches__house__front__filters"] == (16, 32)
    net.set_params(branches__house__front__filters=(4,), branches__house__transformer="x")
    assert net.branches["house__front"].filters == (4,)
    assert net.branches["house"].transformer == "x"


def test_keys_of_a_dict_keep_their_type():
    router = Router({0: "convolve", "note": "wrap"}).set_params(inputs__0__filters=(4,))
    assert router.inputs[0].filters == (4,)
    assert list(router.inputs) == [0, "note"]


def test_setting_nothing_changes_nothing():
    net = Net("gate", branches={"photo": "convolve"})
    assert net.set_params() is net
    assert (net.merge, net.branches) == ("gate", {"photo": "convolve"})


def test_every_parameter_can_be_set_to_what_it_is():
    net = Net(
        ["gate", Total(3)],
        branches={"photo": Convolve((4,)), "a__b": "convolve", "back": "photo", "note": None},
        router=Router({"note": ("convolve", ["a"]), 0: Wrap(StandardScaler())}),
    )
    before = leaves(net)
    params = net.get_params(deep=True)
    for name, value in params.items():
        assert leaves(clone(net).set_params(**{name: value})) == before, name
    assert leaves(clone(net).set_params(**params)) == before
    assert leaves(Net().set_params(**net.get_params(deep=False))) == before


# specs are neither changed in place nor shared


def test_specs_of_the_user_are_never_changed():
    gate, convolve = Gate(), Convolve()
    branches = {"photo": convolve, "note": "convolve"}
    net = Net(gate, branches=branches)
    net.set_params(merge__units=8, branches__photo__filters=(1,), branches__note="wrap")
    assert gate.units is None
    assert convolve.filters == (16, 32)
    assert branches == {"photo": convolve, "note": "convolve"}
    assert net.merge is not gate
    assert net.branches is not branches


def test_two_estimators_of_one_spec_stay_apart():
    gate = Gate()
    first, second = Net(gate), Net(gate)
    first.set_params(merge__units=8)
    assert second.merge.units is None


def test_clones_share_no_spec():
    net = Net(Gate(), branches={"photo": Convolve()}, router=Router({"note": Convolve()}))
    copy = clone(net)
    assert copy.merge is not net.merge
    assert copy.branches["photo"] is not net.branches["photo"]
    copy.set_params(
        merge__units=1, branches__photo__filters=(1,), router__inputs__note__filters=(1,)
    )
    assert net.merge.units is None
    assert net.branches["photo"].filters == (16, 32)
    assert net.router.inputs["note"].filters == (16, 32)


def test_candidates_of_a_search_do_not_see_each_other():
    base = Net("total", branches={"photo": "convolve"})
    grid = [
        {"merge": "gate", "merge__units": 4, "branches__photo__filters": (8,)},
        {"merge": "total", "branches__photo__block": "residual"},
    ]
    first, second = (clone(base).set_params(**clone(candidate, safe=False)) for candidate in grid)
    assert (first.merge.units, first.branches["photo"].filters) == (4, (8,))
    assert first.branches["photo"].block == "plain"
    assert (second.merge, second.branches["photo"].block) == ("total", "residual")
    assert (base.merge, base.branches) == ("total", {"photo": "convolve"})


def test_text_and_html_of_an_estimator_show_its_specs():
    net = Net("gate", branches={"photo": Convolve((4,))})
    assert "branches={'photo': Convolve(filters=(4,))}" in repr(net)
    assert "Convolve" in net._repr_html_()


# errors


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"epoch": 1}, r"Invalid parameter 'epoch' for Net\. .*'merge'.* Did you mean 'epochs'\?"),
        ({"merg__units": 1}, r"Invalid parameter 'merg' for Net\. .*Did you mean 'merge'\?"),
        (
            {"merge__unit": 1},
            r"Invalid parameter 'unit' for Gate \(at 'merge'\)\. "
            r"Valid parameters are: \['temperature', 'units'\]\. Did you mean 'units'\?",
        ),
        ({"merge__": 1}, r"Invalid parameter '' for Gate \(at 'merge'\)"),
        ({"merge__units__x": 1}, r"Invalid parameter 'units__x' for Gate \(at 'merge'\)"),
        (
            {"branches__photo__filter": 1},
            r"Invalid parameter 'filter' for Convolve \(at 'branches__photo'\).*mean 'filters'\?",
        ),
        (
            {"branches__foto__filters": 1},
            r"Cannot set branches__foto__filters: 'branches' of Net has no entry 'foto', "
            r"it has \['photo', 'back', 'scaled'\]\. Did you mean 'photo'\?",
        ),
        ({"branches__": 1}, r"Cannot set branches__: 'branches' of Net has no entry ''"),
        (
            {"branches__back__filters": 1},
            r"branches__back of Net is 'photo', which has no parameters\.$",
        ),
        (
            {"router__inputs__note__filters": 1},
            r"Cannot set inputs__note__filters: inputs of Router is 'auto', which has no "
            r"parameters\. Set inputs first, as in inputs=\{'note': \.\.\.\}\.",
        ),
        ({"router__limits": 1}, r"Invalid parameter 'limits' for Router.*mean 'limit'\?"),
        ({"epochs__x": 1}, r"Cannot set epochs__x: epochs of Net is 3, which has no parameters\.$"),
        ({"callbacks__a": 1}, r"callbacks of Net is \{'a': 1\}, which has no parameters\.$"),
        ({"branches__scaled__transformer__with_meen": 1}, r"Invalid parameter 'with_meen' for"),
    ],
)
def test_typos_name_what_is_valid_and_the_nearest(params, message):
    net = Net(
        "gate",
        branches={"photo": "convolve", "back": "photo", "scaled": Wrap(StandardScaler())},
        router=Router(),
        callbacks={"a": 1},
    )
    before = settings(net)
    with pytest.raises(ValueError, match=message):
        net.set_params(head=99, merge__temperature=5.0, **params)
    assert settings(net) == before


def test_parameter_of_an_absent_branch_says_what_to_set_first():
    with pytest.raises(ValueError, match=r"Set branches first, as in branches=\{'photo': \.\.\.\}"):
        Net().set_params(branches__photo__filters=(4,))


def test_parameter_of_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match=r"merge of Net is 'gatd', which has no param.*Set merge"):
        Net("gatd").set_params(merge__units=4)


def test_absent_entry_of_a_list_is_refused():
    with pytest.raises(ValueError, match=r"no entry '2', it has \['0', '1'\]"):
        Net(["gate", "total"]).set_params(merge__2__units=1)


def test_repr_of_a_spec_tells_what_is_not_default():
    spec = InputSpec("note", "text", (4,), "int32", vocabulary_size=9)
    told = "InputSpec(name='note', kind='text', shape=(4,), dtype='int32', vocabulary_size=9)"
    assert repr(spec) == told
    assert eval(told, {"InputSpec": InputSpec}) == spec


def test_tokens_are_no_part_of_what_makes_specs_equal():
    spec = InputSpec("note", "text", (4,), "int32", vocabulary_size=4, tokens=("red", "blue"))
    other = replace(spec, tokens=())
    assert spec == other
    assert hash(spec) == hash(other)
    assert "red" not in repr(spec)
    assert replace(spec, shape=(5,)).tokens == ("red", "blue")
