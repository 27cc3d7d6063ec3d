"""What `import skmerge` offers, and what it must not load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import skmerge

#: Loading any of these takes seconds.
SLOW = ["tensorflow", "keras", "scikeras", "matplotlib", "torch", "jax"]

PREPARE_A_SEARCH = """
import skmerge
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

estimator = skmerge.MergedNetClassifier(
    branches={"photo": "conv", "note": skmerge.EmbeddingBranch()}, merge="gatd"
)
estimator.get_params(deep=True)
copy = clone(estimator).set_params(merge="concat", branches__photo__filters=(8,))
repr(copy), copy._repr_html_(), copy.__sklearn_tags__()
pipeline = make_pipeline(skmerge.ColumnRouter(), copy)
search = GridSearchCV(pipeline, {"mergednetclassifier__merge": ["sum", ["concat", "dot"]]})
repr(clone(search)), search._repr_html_()
skmerge.MergedNetRegressor(), skmerge.MultiInput
"""


def loaded_by(code):
    """Run code in a new interpreter and return which slow libraries it has loaded."""
    report = f"{code}\nimport sys; print('loaded', *[m for m in {SLOW} if m in sys.modules])"
    ran = subprocess.run(
        [sys.executable, "-c", report], capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr
    word, *names = ran.stdout.splitlines()[-1].split()
    assert word == "loaded"
    return names


def test_importing_the_package_loads_no_slow_library():
    modules = "skmerge.encoders, skmerge.branches, skmerge.merges"
    assert loaded_by(f"import skmerge, {modules}; skmerge.__version__") == []


def test_preparing_a_search_loads_no_slow_library():
    assert loaded_by(PREPARE_A_SEARCH) == []


def test_the_check_sees_a_library_that_is_loaded():
    assert "matplotlib" in loaded_by("import matplotlib")


@pytest.mark.parametrize("name", skmerge.__all__)
def test_public_name_is_there(name):
    public = getattr(skmerge, name)
    assert name == "__version__" or public.__name__ == name
    assert name in vars(skmerge), "kept after the first use"


def test_public_names_are_listed_once_and_in_order():
    names = [name for name in skmerge.__all__ if name != "__version__"]
    assert names == sorted(set(names))
    assert dir(skmerge) == sorted(skmerge.__all__)


def test_type_checkers_are_told_the_same_names_and_homes():
    tree = ast.parse(Path(skmerge.__file__).read_text(encoding="utf-8"))
    (block,) = (
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    homes = {alias.name: node.module for node in block.body for alias in node.names}
    assert homes == skmerge._HOMES
    assert sorted(homes) == sorted(skmerge.__all__)


def test_star_import_gives_every_public_name():
    namespace = {}
    exec("from skmerge import *", namespace)
    assert set(skmerge.__all__) <= set(namespace)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"module 'skmerge' has no attribute 'ColumnRooter'"):
        skmerge.ColumnRooter  # noqa: B018
    assert not hasattr(skmerge, "tensorflow")
