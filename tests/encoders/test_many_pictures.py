"""How the work on many pictures is divided."""

import os
import threading
import time

import numpy as np
import pytest
from PIL import Image

from skmerge import ImageEncoder
from skmerge.encoders import _many_pictures
from skmerge.encoders._many_pictures import attempt_all, count_threads, distinct
from skmerge.encoders._pictures import PictureReader
from skmerge.encoders._pixels import PictureError


def some_cells(n_cells):
    cells = np.array([f"{number}.png" for number in range(n_cells)], dtype=object)
    return cells, [[row] for row in range(n_cells)]


@pytest.mark.parametrize("n_cells", [0, 1, 2, 3, 4, 5, 31, 33, 100, 301])
@pytest.mark.parametrize("n_threads", [1, 2, 7])
@pytest.mark.parametrize("is_slow", [False, True])
def test_every_picture_gets_one_call_in_order(monkeypatch, n_cells, n_threads, is_slow):
    monkeypatch.setattr(_many_pictures, "_SECONDS_WORTH_A_THREAD", 0 if is_slow else 1e9)
    cells, groups = some_cells(n_cells)
    results, failures = attempt_all(
        lambda position, source: (position, source),
        cells,
        groups,
        n_threads=n_threads,
        stop_early=True,
        fetch=str.upper,
    )
    assert results == [(row, f"{row}.PNG") for row in range(n_cells)]
    assert failures == []


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("by", ["function", "fetch"])
def test_failures_are_in_order_and_the_first_can_end_it(monkeypatch, n_threads, by):
    monkeypatch.setattr(_many_pictures, "_SECONDS_WORTH_A_THREAD", 0)
    cells, groups = some_cells(200)
    bad = {"7.png", "90.png", "91.png", "199.png"}

    def check(source):
        if source in bad:
            raise PictureError(source)
        return source

    def work(position, source):
        return check(source) if by == "function" else source

    fetch = check if by == "fetch" else None
    options = {"n_threads": n_threads, "fetch": fetch}
    results, failures = attempt_all(work, cells, groups, stop_early=False, **options)
    assert results == [cell for cell in cells if cell not in bad]
    assert [(rows, str(error)) for rows, error in failures] == [
        ([7], "7.png"), ([90], "90.png"), ([91], "91.png"), ([199], "199.png")
    ]  # fmt: skip
    _, failures = attempt_all(work, cells, groups, stop_early=True, **options)
    assert failures[0][0] == [7]
    assert len(failures) == 1


def test_pictures_that_take_long_are_left_to_threads():
    cells, groups = some_cells(60)
    seen = set()

    def work(position, source):
        seen.add(threading.current_thread())
        time.sleep(0.002)

    attempt_all(work, cells, groups, n_threads=2, stop_early=True)
    assert len(seen - {threading.current_thread()}) == 2


def test_quick_pictures_and_one_alone_start_no_thread(monkeypatch):
    def refuse(*args):
        raise AssertionError("a thread pool")

    monkeypatch.setattr(_many_pictures, "ThreadPoolExecutor", refuse)
    monkeypatch.setattr(_many_pictures, "_SECONDS_WORTH_A_THREAD", 1e9)
    attempt_all(lambda *_: 0, *some_cells(500), n_threads=4, stop_early=True)
    monkeypatch.setattr(_many_pictures, "_SECONDS_WORTH_A_THREAD", 0)
    attempt_all(lambda *_: 0, *some_cells(1), n_threads=4, stop_early=True)
    monkeypatch.setattr("skmerge.encoders.image.count_threads", refuse)
    picture = np.zeros((4, 4), dtype=np.uint8)
    assert ImageEncoder().fit([picture]).transform([picture]).shape == (1, 4, 4, 1)


def test_an_error_of_the_caller_passes_and_leaves_no_thread(monkeypatch):
    monkeypatch.setattr(_many_pictures, "_SECONDS_WORTH_A_THREAD", 0)
    before = threading.active_count()

    def work(position, source):
        if position == 50:
            raise KeyError("not a PictureError")

    with pytest.raises(KeyError):
        attempt_all(work, *some_cells(100), n_threads=3, stop_early=True)
    assert threading.active_count() == before


def test_rows_of_one_picture_are_one_group():
    picture = np.zeros((2, 2), dtype=np.uint8)
    cells = np.empty(8, dtype=object)
    cells[:] = ["a", None, picture, "b", "", "a", picture, np.nan]
    assert distinct(cells, None) == [[0, 5], [2, 6], [3]]


def test_threads_are_counted_as_joblib_does():
    assert count_threads(3) == 3
    assert count_threads(None) == count_threads(-1) >= 1
    assert count_threads(-1000) == 1


def test_long_files_are_not_read_whole(tmp_path, monkeypatch):
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(6, 8)).save(tmp_path / "a.png")
    reader = PictureReader(10**6, tmp_path)
    whole = reader.fetch("a.png")
    assert whole == (tmp_path / "a.png").read_bytes()
    expected = reader.decode("a.png", (6, 8), color="grayscale", resize="stretch")
    monkeypatch.setattr("skmerge.encoders._pictures._READ_WHOLE", len(whole) - 1)
    assert reader.fetch("a.png") == "a.png"
    long = reader.decode("a.png", (6, 8), color="grayscale", resize="stretch")
    np.testing.assert_array_equal(long, expected)


def test_a_file_that_is_read_in_parts_is_read_to_its_end(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(bytes(range(100)))
    read = os.read
    monkeypatch.setattr(os, "read", lambda file, n_bytes: read(file, min(n_bytes, 10)))
    assert PictureReader(1, tmp_path).fetch("a.png") == bytes(range(100))
