"""Files whose entries were altered and whose checksums fit are loaded or refused, and no more."""

import tempfile
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

import skmerge
from skmerge import ColumnRouter, MergedNetClassifier

from ._cases import cases
from ._files import altered, check_loading, entries_of
from ._networks import SMALL

FRAME = pd.DataFrame(
    {
        "age": [1.0, 2.0, None, 4.0] * 2,
        "city": ["a", "b", "c", "a"] * 2,
        "note": ["a b c", "d e f", "g h i", "j k"] * 2,
        "when": pd.date_range("2024", periods=8),
        "tags": [["a"], ["b"]] * 4,
        "curve": [[1.0, 2.0]] * 8,
    }
)


def saved(estimator):
    """Return the entries of an estimator's file."""
    with tempfile.TemporaryDirectory() as folder:
        skmerge.save(estimator, Path(folder) / "saved")
        return entries_of(Path(folder) / "saved")


@cache
def router_file():
    return saved(ColumnRouter().fit(FRAME))


@cache
def network_file():
    return saved(MergedNetClassifier(**SMALL).fit(FRAME, [0, 1] * 4))


@pytest.fixture(scope="module", autouse=True)
def _files():
    """Fit before anything is drawn: a fit draws random numbers of its own."""
    router_file()
    network_file()


def check(entries):
    with tempfile.TemporaryDirectory() as folder:
        return check_loading(entries, Path(folder) / "altered")


@cases(altered(router_file), few=60, many=2500)
def test_altered_files_of_a_router_are_loaded_or_refused(entries):
    return check(entries)


@cases(altered(network_file), few=3, many=100)
def test_altered_files_of_a_network_are_loaded_or_refused(entries):
    return check(entries)
