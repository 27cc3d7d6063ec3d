"""Strategies for parameters of estimators, encoders, branches and merges, mostly wrong ones."""

import datetime

import numpy as np
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from skmerge import ColumnRouter, MergedNetClassifier, MergedNetRegressor

from ._cells import these

VALUES = these(
    [
        None,
        True,
        False,
        0,
        1,
        -1,
        2,
        3,
        10**9,
        2**63,
        10**400,
        0.5,
        -0.5,
        1.5,
        1e300,
        float("nan"),
        float("inf"),
        "",
        "auto",
        "concat",
        "conct",
        "sum",
        "dense",
        "conv",
        "recurrent",
        "attention",
        "late",
        "film",
        "gated",
        "adam",
        "sgd",
        "nothing",
        "tabular",
        "text",
        "drop",
        "binary_crossentropy",
        "accuracy",
        "\ud800",
        "relu",
        b"bytes",
        [],
        (),
        {},
        [1],
        (1,),
        (2, 3),
        (0,),
        (-1,),
        (1.5,),
        ("a",),
        [None],
        {"a": "dense"},
        {"tabular": "dense"},
        {"tabular": "conv"},
        {"tabular": 3},
        {"tabular": "tabular"},
        {"a": ["a"]},
        {"a": "a"},
        {"nothing": "dense"},
        {3: "dense"},
        ["concat", "sum"],
        ["concat", "nothing"],
        object(),
        len,
        int,
        PCA(),
        ColumnRouter(),
        MergedNetClassifier(),
        np.nan,
        np.array([1, 2]),
        np.float64(0.3),
        np.int64(1),
        np.bool_(True),
        datetime.date(2024, 1, 1),
        {1, 2},
        {0: 1.0, 1: 2.0},
        {"x": 1},
        "balanced",
        np.random.RandomState(0),
        np.random.default_rng(0),
        range(3),
        1j,
    ]
)
NAMES = [
    *MergedNetClassifier().get_params(),
    *(
        "router__inputs",
        "merge__units",
        "branches__tabular",
        "branches__tabular__units",
        "branches__tabular__dropout",
        "branches__a__b",
        "merge__nothing",
        "nothing",
        "nothing__units",
        "optimizer__learning_rate",
        "optimizer__clipnorm",
        "loss__label_smoothing",
        "loss__from_logits",
        "head__0",
        "router__remainder",
        "router__cardinality_threshold",
        "router__missing_inputs",
        "router__inputs__a",
        "router__inputs__a__clip",
        "callbacks__patience",
        "metrics__0",
        "",
        "__",
        "merge__",
        "__units",
        "epoch",
        "mergee",
    ),
]


@st.composite
def parameters(draw):
    """Draw one or two parameters and their values."""
    return draw(st.dictionaries(these(NAMES), VALUES, min_size=1, max_size=2)), draw(st.booleans())


ESTIMATORS = {True: MergedNetClassifier, False: MergedNetRegressor}
