"""Each layer of the package imports only from those above it: the imports are read, not run."""

import ast
from pathlib import Path

import pytest

import skmerge

#: Layers from top to bottom, each with its modules. A module may import from its own layer and
#: from the layers above it. A new module gets a name here, or a home in one of the packages.
LAYERS = {
    "versions": ["_version", "_versions"],
    "errors": ["_errors"],
    "callbacks": ["_callbacks"],
    "specs": ["_spec"],
    "routed rows": ["_stored_rows", "multi_input"],
    "encoders": ["encoders"],
    "router": [
        *("_other_frames", "_tables", "_row_sample", "_chunks", "_blocks", "_inference", "_plan"),
        *("_routed_input", "router"),
    ],
    "wide model": ["_wide"],
    "Keras layers": ["_layers"],
    "branches": ["branches"],
    "merges": ["merges"],
    "network": ["_calls", "_sharing", "network", "_reading"],
    "training": ["training"],
    "persistence": ["_persistence"],
    "estimators": [
        "_targets",
        "_auto",
        "_wide_part",
        "_routing",
        "_saving",
        "_inside",
        "_network_parts",
        "_drawing",
        "_diagram",
        "_merged_net",
        "estimators",
    ],
    "inspection": ["inspection"],
}

#: The layers that may import a library at all.
KERAS_LAYERS = [
    *(
        "versions",
        "Keras layers",
        "branches",
        "merges",
        "network",
        "training",
        "persistence",
        "inspection",
    ),
]
LIBRARIES = {
    "pandas": ["encoders", "router", "persistence", "estimators", "inspection"],
    "keras": KERAS_LAYERS,
    "tensorflow": KERAS_LAYERS,
    "scikeras": ["training"],
}

#: Libraries that are imported inside functions, so that ``import skmerge`` stays quick, except in
#: the layers "training" and "Keras layers", which are imported that way themselves.
SLOW_LIBRARIES = {"keras", "tensorflow", "scikeras"}

PACKAGE = Path(skmerge.__file__).parent
ORDER = list(LAYERS)
LAYER_OF = {module: layer for layer, modules in LAYERS.items() for module in modules}


class Imports(ast.NodeVisitor):
    """The dotted names that a module imports, and whether its own import runs them."""

    def __init__(self, source):
        self.found = []
        self.in_function = False
        self.visit(ast.parse(source))

    def visit_Import(self, node):
        self.found += [(alias.name, self.in_function) for alias in node.names]

    def visit_ImportFrom(self, node):
        module = "." * node.level + (node.module or "")
        if module == "skmerge":
            self.found += [(f"skmerge.{alias.name}", self.in_function) for alias in node.names]
        else:
            self.found.append((module, self.in_function))

    def visit_FunctionDef(self, node):
        before, self.in_function = self.in_function, True
        self.generic_visit(node)
        self.in_function = before

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_If(self, node):
        only_for_types = ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
        before, self.in_function = self.in_function, self.in_function or only_for_types
        self.generic_visit(node)
        self.in_function = before


def violations(module, source):
    """What a module, as ``"branches.dense"``, imports against the rules above."""
    layer = LAYER_OF[module.partition(".")[0]]
    may_be_slow = layer in {"training", "Keras layers"}
    found = []
    for name, in_function in Imports(source).found:
        top, _, rest = name.partition(".")
        if not top:
            found.append(f"{name} is relative: write the module out")
        elif top == "skmerge":
            above = LAYER_OF.get(rest.partition(".")[0])
            if above is None:
                found.append(f"{name} is no module of LAYERS: import a name from its module")
            elif ORDER.index(above) > ORDER.index(layer):
                found.append(f"{name} is of layer {above!r}, below {layer!r}")
        elif layer not in LIBRARIES.get(top, ORDER):
            found.append(f"{name} is not for layer {layer!r}, only for {LIBRARIES[top]}")
        elif top in SLOW_LIBRARIES and not (in_function or may_be_slow):
            found.append(f"{name} is imported with the module: do it in the function that needs it")
    return found


def module_name(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def test_every_module_has_a_layer():
    homeless = {name.partition(".")[0] for name in MODULES} - {"", *LAYER_OF}
    assert not homeless, "name them in LAYERS, at the top of this file"


@pytest.mark.parametrize("module", [name for name in MODULES if name.partition(".")[0] in LAYER_OF])
def test_module_imports_only_from_above(module):
    assert violations(module, MODULES[module].read_text(encoding="utf-8")) == []


def test_package_itself_imports_nothing_of_its_own():
    source = MODULES[""].read_text(encoding="utf-8")
    at_import = [name for name, only_for_types in Imports(source).found if not only_for_types]
    assert [name for name in at_import if name.startswith(("skmerge", "."))] == []


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("encoders.text", "from skmerge.branches.dense import DenseBranch", "below 'encoders'"),
        ("branches.dense", "import skmerge.training._epochs", "below 'branches'"),
        ("_spec", "def f():\n    from skmerge import router", "below 'specs'"),
        ("_spec", "from skmerge import ColumnRouter", "no module of LAYERS"),
        ("merges.concat", "from ._base import Merge", "relative"),
        ("branches.dense", "import pandas as pd", "not for layer 'branches'"),
        ("training._rows", "def f():\n    import pandas.api.types", "not for layer 'training'"),
        ("encoders.text", "def f():\n    import keras", "not for layer 'encoders'"),
        ("router", "from tensorflow import constant", "not for layer 'router'"),
        ("estimators", "def f():\n    import keras", "not for layer 'estimators'"),
        ("network", "def f():\n    from scikeras import wrappers", "not for layer 'network'"),
        ("branches.dense", "from keras import layers", "imported with the module"),
        ("merges.gated", "class A:\n    import keras", "imported with the module"),
        ("network", "try:\n    import tensorflow as tf\nexcept ImportError: pass", "with the mod"),
    ],
)
def test_violations_are_found(module, source, complaint):
    (found,) = violations(module, source)
    assert complaint in found


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("branches.dense", "from skmerge.branches._base import Branch\nimport numpy"),
        ("branches.dense", "def f():\n    from keras import layers"),
        ("branches.dense", "async def f():\n    def g():\n        import keras"),
        ("branches.dense", "if typing.TYPE_CHECKING:\n    import keras"),
        ("_layers.pooling", "import keras"),
        (
            "training._trainer",
            "import keras, tensorflow\nfrom scikeras.wrappers import BaseWrapper",
        ),
        ("encoders.tabular", "import pandas as pd"),
        ("estimators", "from skmerge import network\nfrom skmerge.training import NetworkTrainer"),
    ],
)
def test_what_is_allowed_is_not_complained_of(module, source):
    assert violations(module, source) == []
