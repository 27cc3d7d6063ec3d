"""The code in CONTRIBUTING.md is real: each class is made, documented as shown, and used."""

import doctest
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import skmerge
from skmerge import InputSpec, build_network

PAGE = Path(__file__).parents[1] / "CONTRIBUTING.md"


@pytest.fixture(scope="module")
def shown(run_page):
    """What the code blocks define."""
    return SimpleNamespace(**run_page(PAGE, {}))


@pytest.mark.parametrize(
    ("name", "family"),
    [("Spread", "merges"), ("ColorBranch", "branches"), ("ClockEncoder", "encoders")],
)
def test_examples_in_the_docstrings_hold(shown, name, family, monkeypatch):
    public = getattr(shown, name)
    monkeypatch.setattr(f"skmerge.{family}.{name}", public, raising=False)
    (example,) = doctest.DocTestFinder(recurse=False).find(public, name, module=False)
    assert doctest.DocTestRunner().run(example).failed == 0


def test_merge_is_its_formula(shown):
    from keras import Input, Model

    rows = np.random.default_rng(0).normal(size=(3, 5, 4)).astype("float32")
    inputs = [Input((4,)) for _ in rows]
    merged = Model(inputs, shown.Spread().join(inputs))(list(rows))
    assert_allclose(np.asarray(merged), rows.max(axis=0) - rows.min(axis=0), rtol=1e-6)


def test_encoder_marks_missing_times(shown):
    times = pd.DataFrame({"opened": ["12:00", None]})
    array, present = shown.ClockEncoder().fit(times).encode(times)
    assert_allclose(array, [[0, -1], [0, 0]], atol=1e-6)
    assert array.dtype == "float32"
    assert_array_equal(present, [True, False])


def test_all_three_make_a_network(shown):
    clock = shown.ClockEncoder().fit(["10:00"]).spec_
    photo = InputSpec("photo", "image", (6, 6, 3), "uint8", default_branch="conv")
    network = build_network(
        [photo, clock], {"photo": shown.ColorBranch(4)}, merge=shown.Spread(units=3), head=()
    )
    assert network.get_layer("photo").output.shape == (None, 4)
    assert network.get_layer("merge").output.shape == (None, 3)


def test_branch_refuses_what_it_cannot_read(shown):
    with pytest.raises(ValueError, match=r"ColorBranch reads pictures.* Got \(2,\)"):
        build_network([InputSpec("clock", "clock", (2,))], {"clock": shown.ColorBranch()})


def test_layering_table_names_every_module():
    rows = re.findall(r"^\|.*\|$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    table = set(re.findall(r"`(\w+)/?`", "".join(rows)))
    package = Path(skmerge.__file__).parent
    modules = {path.stem for path in package.glob("*.py")} - {"__init__"}
    assert modules | {path.parent.name for path in package.glob("*/__init__.py")} <= table
