"""Keys of structure: equal for networks that can stand in for each other, and only for these."""

import keras
import numpy as np
import pytest

from skmerge import InputSpec, TargetSpec
from skmerge._spec import WideSpec
from skmerge.branches import Branch, DenseBranch, EmbeddingBranch, KerasBranch
from skmerge.merges import Gated, KerasMerge, MergeList
from skmerge.training._compile import TrainingOptions, compilation
from skmerge.training._plan import NetworkPlan
from skmerge.training._structure import structure_of

NOTE = InputSpec("note", "text", (6,), "int32", "embedding", vocabulary_size=1000)
TABLE = InputSpec(
    "table", "tabular", (3,), code_columns=(2,), cardinalities=(6,), feature_names=("a", "b", "c")
)
SEQUENTIAL = keras.Sequential([keras.layers.Dense(4)])


def optimizer_of(**changes):
    return keras.optimizers.Adam(**changes)


def key_of(*specs, optimizer=None, loss="mse", metrics=("accuracy",), **changes):
    settings = {
        "branches": {"note": EmbeddingBranch(8)},
        "merge": "concat",
        "head": (8,),
        "target": TargetSpec("binary", 1),
        "dropout": 0.1,
    }
    plan = NetworkPlan(specs or (NOTE, TABLE), **(settings | changes))
    options = TrainingOptions(
        optimizer=optimizer_of() if optimizer is None else optimizer,
        learning_rate=None,
        loss=loss,
        metrics=list(metrics),
        callbacks=None,
        n_targets=1,
        batch_size=8,
        shuffle=True,
        patience=None,
        min_delta=0.0,
        baseline=None,
        verbose=0,
        seed=0,
    )
    return structure_of(plan, compilation(options))


def spec_with(spec, **changes):
    from dataclasses import replace

    return replace(spec, **changes)


SAME = {
    "nothing": {},
    "equal branch": {"branches": {"note": EmbeddingBranch(8)}},
    "learning rate": {"optimizer": optimizer_of(learning_rate=0.5)},
    "keras losses by configuration": {"loss": "mse"},
}
SAME_SPECS = {
    "vocabulary": spec_with(NOTE, vocabulary_size=980),
    "length": spec_with(NOTE, shape=(9,)),
}
OTHER = {
    "branch": {"branches": {"note": EmbeddingBranch(9)}},
    "branch type": {"branches": {"note": "recurrent"}},
    "whole number": {"dropout": 0},
    "dropout": {"dropout": 0.2},
    "input dropout": {"input_dropout": 0.2},
    "normalised features": {"normalize_features": True},
    "wide part": {"wide": {}},
    "linear model": {"wide": {"table": WideSpec()}},
    "losses of each input": {"wide": {}, "auxiliary": 1.0},
    "weight of these losses": {"wide": {}, "auxiliary": 0.5},
    "merge": {"merge": "sum"},
    "merge object": {"merge": Gated(units=4)},
    "list of merges": {"merge": MergeList(["concat", "sum"])},
    "head": {"head": (8, 8)},
    "target": {"target": TargetSpec("binary", 2)},
    "activation": {"target": TargetSpec("binary", 1, "linear")},
    "loss": {"loss": "mae"},
    "loss object": {"loss": keras.losses.Huber(delta=2.0)},
    "metrics": {"metrics": ("mse",)},
    "optimizer": {"optimizer": keras.optimizers.SGD()},
    "betas": {"optimizer": optimizer_of(beta_1=0.8)},
    "clipping": {"optimizer": optimizer_of(clipnorm=1.0)},
    "decay": {"optimizer": optimizer_of(weight_decay=0.1)},
    "schedule": {
        "optimizer": optimizer_of(learning_rate=keras.optimizers.schedules.CosineDecay(0.1, 100))
    },
    "keras network": {"branches": {"note": "embedding", "table": KerasBranch(SEQUENTIAL)}},
}


@pytest.mark.parametrize("changes", SAME.values(), ids=SAME)
def test_what_is_a_value_is_not_in_the_key(changes):
    assert key_of(**changes) == key_of()
    assert hash(key_of(**changes)) == hash(key_of())


@pytest.mark.parametrize("note", SAME_SPECS.values(), ids=SAME_SPECS)
def test_training_rows_of_about_as_many_words_share_a_network(note):
    assert key_of(note, TABLE) == key_of()


def test_names_of_columns_are_not_in_the_key():
    assert key_of(NOTE, spec_with(TABLE, feature_names=("d", "e", "f"))) == key_of()


@pytest.mark.parametrize("changes", OTHER.values(), ids=OTHER)
def test_what_changes_the_graph_is_in_the_key(changes):
    assert key_of(**changes) is not None
    assert key_of(**changes) != key_of()
    assert key_of(**changes) == key_of(**changes)


def test_no_two_of_them_are_equal():
    keys = [key_of(), *(key_of(**changes) for changes in OTHER.values())]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    "specs",
    [
        (TABLE, NOTE),
        (NOTE,),
        (spec_with(NOTE, name="title"), TABLE),
        (spec_with(NOTE, vocabulary_size=2000), TABLE),
        (spec_with(NOTE, optional=True), TABLE),
        (NOTE, spec_with(TABLE, cardinalities=(30,))),
        (NOTE, spec_with(TABLE, shape=(4,))),
    ],
)
def test_inputs_are_in_the_key(specs):
    assert key_of(*specs, branches=None) != key_of(branches=None)


def test_weight_decay_and_learning_rate_are_values():
    keys = {
        key_of(optimizer=keras.optimizers.AdamW(rate, weight_decay=decay))
        for rate, decay in [(0.1, 0.1), (0.2, 0.3)]
    }
    assert len(keys) == 1


class OwnBranch(Branch):
    def build(self, tensor, spec):
        return keras.layers.Dense(3)(keras.ops.cast(tensor, "float32"))


class OwnDense(keras.layers.Dense):
    pass


def own_loss(y_true, y_pred):
    return y_pred


UNKNOWN = {
    "branch class": {"branches": {"note": OwnBranch()}},
    "layer class": {"branches": {"note": "embedding", "table": KerasBranch(OwnDense(3))}},
    "layer class within": {
        "branches": {"note": "embedding", "table": KerasBranch(keras.Sequential([OwnDense(3)]))}
    },
    "lambda": {"merge": KerasMerge(keras.layers.Lambda(lambda x: x[0] + x[1]))},
    "function that makes a network": {
        "branches": {"note": "embedding", "table": KerasBranch(lambda: keras.layers.Dense(3))}
    },
    "kept weights": {
        "branches": {"note": "embedding", "table": KerasBranch(SEQUENTIAL, weights="keep")}
    },
    "loss": {"loss": own_loss},
    "metric": {"metrics": (own_loss,)},
    "activation": {"branches": {"note": EmbeddingBranch(8, activation=own_loss)}},
    "array": {"head": DenseBranch(np.array([3, 3]))},
}


@pytest.mark.parametrize("changes", UNKNOWN.values(), ids=UNKNOWN)
def test_what_only_the_user_knows_has_no_key(changes):
    assert key_of(**changes) is None


def test_global_settings_are_in_the_key():
    before = key_of()
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        assert key_of() != before
    finally:
        keras.config.set_dtype_policy(policy)
    assert key_of() == before
