"""Files of estimators that are altered, with checksums that fit all the same."""

import copy
import json
import zipfile

from hypothesis import strategies as st

import skmerge
from skmerge._persistence import _archive

from ._judging import Finding, Refused, outcome

ODD_JSON = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        1,
        -1,
        2**31,
        2**63,
        10**400,
        1.5,
        float("nan"),
        float("inf"),
        "",
        "a",
        "\ud800",
        "number",
        "os:system",
        "__class__",
        [],
        {},
        [[]],
        [None],
        {"a": 1},
        {"again": 0},
        {"again": 1},
        {"again": -1},
        {"again": "0"},
        {"number": 0},
        {"own": "ColumnRouter", "number": 0, "state": {}},
        {"own": "TabularEncoder", "number": 3, "state": {"kinds": 3}},
        {"array": 0},
        {"dict": {}},
        {"list": [1, 2]},
        {"tuple": [1]},
        {"sklearn": "sklearn.decomposition._pca:PCA", "number": 0, "state": {}},
        {"name": "builtins:eval", "number": 1},
        {"ufunc": "add"},
        {"float": "x"},
        {"float": "nan"},
        {"bytes": "zz"},
        {"set": [[]]},
        {"dtype": "O"},
        {"dtype": "V9999999999"},
        "x" * 10_000,
    ]
)


def entries_of(path):
    """Return the entries of a file by name."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, entries):
    """Write a file whose checksum fits."""
    with _archive.written(path) as archive:
        for name, content in entries.items():
            _archive.add(archive, name, content)


def _places(value, path=()):
    yield path
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _places(part, (*path, key))
    elif isinstance(value, list):
        for n, part in enumerate(value):
            yield from _places(part, (*path, n))


_DELETED = "deleted"


def _put(value, path, part):
    if not path:
        return None if part is _DELETED else part
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    if part is _DELETED:
        del inner[path[-1]]
    else:
        inner[path[-1]] = part
    return value


class Altered(dict):
    """Entries by name, shown by their lengths."""

    def __repr__(self):
        return repr({name: len(content) for name, content in self.items()})


@st.composite
def altered(draw, whole):
    """Draw the entries that `whole` returns, of which one is altered, dropped, cut or added."""
    entries = Altered(whole())
    name = draw(st.sampled_from(sorted(entries)))
    how = draw(
        st.sampled_from(["json", "json", "json", "bytes", "bytes", "dropped", "cut", "added"])
    )
    if how == "json":
        name = draw(st.sampled_from([n for n in sorted(entries) if n.endswith(".json")]))
        value = json.loads(entries[name])
        for _ in range(draw(st.integers(1, 2))):
            places = list(_places(value))
            place = places[draw(st.integers(0, len(places) - 1))]
            value = _put(value, place, draw(ODD_JSON.map(copy.deepcopy) | st.just(_DELETED)))
        entries[name] = json.dumps(value).encode("utf-8", "surrogatepass")
    elif how == "dropped":
        del entries[name]
    elif how == "cut":
        entries[name] = entries[name][: draw(st.integers(0, len(entries[name])))]
    elif how == "added":
        entries[draw(st.sampled_from(["../up", "/x", "new", "a/b", "C:\\x", "\u202e"]))] = b"x"
    else:
        content = bytearray(entries[name])
        for _ in range(draw(st.integers(1, 4))):
            if content:
                place = draw(
                    st.integers(0, min(200, len(content) - 1)) | st.integers(0, len(content) - 1)
                )
                content[place] = draw(st.integers(0, 255))
        entries[name] = bytes(content)
    return entries


def check_loading(entries, path):
    """Check that a file is loaded or refused, and no more."""
    write(path, entries)
    before = sorted(path.parent.iterdir())
    loaded = outcome(skmerge.load, path, seconds=30)
    if sorted(path.parent.iterdir()) != before:
        raise Finding("files were written")
    return loaded if isinstance(loaded, Refused) else True
