"""Rows in files against NumPy indexing of the same rows in memory."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.model_selection import KFold, train_test_split

from skmerge import InputSpec, MultiInput
from skmerge._stored_rows import RowFile, StoredRows, joined_rows, row_file

RNG = np.random.default_rng(0)
ROWS = RNG.integers(0, 256, (23, 3, 2), dtype=np.uint8)
CUTS = [0, 7, 8, 23]


@pytest.fixture
def paths(tmp_path):
    paths = [tmp_path / f"{number}.npy" for number in range(3)]
    for path, first, last in zip(paths, CUTS, CUTS[1:], strict=False):
        np.save(path, ROWS[first:last])
    return paths


@pytest.fixture
def rows(paths):
    return StoredRows(paths)


def test_it_looks_like_the_array(rows):
    assert (rows.shape, rows.ndim, rows.dtype, len(rows)) == ((23, 3, 2), 3, np.uint8, 23)
    assert rows.nbytes == ROWS.nbytes
    assert repr(rows) == "StoredRows of shape (23, 3, 2), uint8, in 3 files"
    np.testing.assert_array_equal(np.asarray(rows), ROWS)
    assert np.asarray(rows, dtype=np.float32).dtype == np.float32


KEYS = {
    "slice": slice(3, 20, 2),
    "reversed": slice(None, None, -1),
    "empty slice": slice(5, 5),
    "ints": np.array([22, 0, 7, 8, 6, -1]),
    "list": [3, 4, 5, 9],
    "unsigned": np.array([1, 9], dtype=np.uint8),
    "repeated": [4, 4, 9, 4, 10, 10, 5, 4],
    "repeated beside neighbours": [8, 8, 9, 10, 10, 11],
    "shuffled": np.random.default_rng(1).permutation(23),
    "bootstrap": np.random.default_rng(2).integers(0, 23, 200),
    "mask": np.random.default_rng(3).random(23) < 0.5,
    "empty list": [],
    "empty mask": np.zeros(23, dtype=bool),
}


@pytest.mark.parametrize("key", KEYS)
def test_selected_rows_are_those_of_the_array(rows, key):
    expected = ROWS[np.array(KEYS[key], dtype=int) if key == "empty list" else KEYS[key]]
    selected = rows[KEYS[key]]
    assert isinstance(selected, StoredRows)
    assert selected.shape == expected.shape
    for read in (np.asarray(selected), rows.read(KEYS[key])):
        np.testing.assert_array_equal(read, expected)
        assert read.flags.c_contiguous
        assert read.flags.writeable


def test_a_selection_of_a_selection_counts_among_the_rows_seen(rows):
    odd = rows[1::2]
    np.testing.assert_array_equal(odd.read([3, 0, -1]), ROWS[1::2][[3, 0, -1]])
    np.testing.assert_array_equal(np.asarray(odd[odd.positions > 9][:2]), ROWS[[11, 13]])


def test_one_int_is_the_array_of_a_row(rows):
    np.testing.assert_array_equal(rows[8], ROWS[8])
    np.testing.assert_array_equal(rows[np.int64(-1)], ROWS[-1])
    np.testing.assert_array_equal(np.stack(list(rows[5:9])), ROWS[5:9])


def test_rows_that_are_nowhere_are_zeros(paths):
    rows = StoredRows(paths, [-1, 9, -1, 0, -1])
    np.testing.assert_array_equal(rows.read()[[1, 3]], ROWS[[9, 0]])
    assert not rows.read()[[0, 2, 4]].any()
    nothing = StoredRows([], [-1, -1], row_shape=(4, 5, 1), dtype="float32")
    np.testing.assert_array_equal(np.asarray(nothing), np.zeros((2, 4, 5, 1), np.float32))
    assert nothing.dtype == np.float32


def test_selecting_reads_nothing(rows, paths):
    for path in paths:
        path.unlink()
    assert rows[::2][[0, 1]][np.array([True, False])].shape == (1, 3, 2)


@pytest.mark.parametrize("dtype", ["float64", "<i2", "bool", "complex64"])
@pytest.mark.parametrize("shape", [(5,), (5, 4), (5, 0), (0, 4)])
def test_any_dtype_and_shape_of_rows(tmp_path, dtype, shape):
    array = (RNG.random(shape) * 9).astype(dtype)
    np.save(tmp_path / "rows.npy", array)
    rows = StoredRows([tmp_path / "rows.npy"])
    np.testing.assert_array_equal(np.asarray(rows), array)
    assert rows.dtype == array.dtype
    assert rows.nbytes == array.nbytes


@pytest.mark.parametrize("key", [1.5, [0.5], "a", (slice(None), 0), [[0]], None], ids=repr)
def test_other_keys_are_errors(rows, key):
    for fails in (rows.__getitem__, rows.read):
        with pytest.raises(IndexError, match="StoredRows are indexed by a slice, a mask, or"):
            fails(key)


@pytest.mark.parametrize("key", [23, -24, [0, 23], [-24], np.ones(22, dtype=bool)], ids=str)
def test_rows_out_of_range_are_errors(rows, key):
    with pytest.raises(IndexError):
        rows[key]


@pytest.mark.parametrize("positions", [[23], [-2], [0, 2**40]])
def test_positions_must_be_those_of_rows(paths, positions):
    with pytest.raises(IndexError, match="between -1 and 22"):
        StoredRows(paths, positions)


def test_files_must_agree(tmp_path, paths):
    np.save(tmp_path / "wide.npy", np.zeros((2, 3, 3), dtype=np.uint8))
    with pytest.raises(ValueError, match=r"uint8 rows of shape \(3, 2\). Got .*wide.npy"):
        StoredRows([*paths, tmp_path / "wide.npy"])
    np.save(tmp_path / "float.npy", ROWS.astype(float))
    with pytest.raises(ValueError, match=r"Got <f8 rows .*float.npy"):
        StoredRows([*paths, tmp_path / "float.npy"])
    with pytest.raises(ValueError, match="row_shape and dtype"):
        StoredRows([])


def test_files_of_objects_or_of_another_order_are_refused(tmp_path):
    np.save(tmp_path / "objects.npy", np.array([{}, {}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "fortran.npy", np.asfortranarray(ROWS))
    np.save(tmp_path / "scalar.npy", np.float64(1))
    for name in ("objects", "fortran", "scalar"):
        with pytest.raises(ValueError, match=f"{name}.npy' must hold rows of numbers in C order"):
            row_file(tmp_path / f"{name}.npy")
    (tmp_path / "text.npy").write_text("nothing of the kind")
    with pytest.raises(ValueError, match="magic"):
        row_file(tmp_path / "text.npy")


def test_a_file_that_has_gone_is_named_with_the_remedy(rows, paths):
    paths[1].unlink()
    np.testing.assert_array_equal(rows.read([0, 9]), ROWS[[0, 9]])
    with pytest.raises(FileNotFoundError, match=r"1.npy' must be there .* encode the rows again"):
        rows.read([0, 7, 9])


def test_a_file_that_got_shorter_is_named_with_the_remedy(rows, paths):
    whole = paths[2].read_bytes()
    paths[2].write_bytes(whole[:-1])
    np.testing.assert_array_equal(rows.read([21]), ROWS[[21]])
    message = rf"2.npy' must have {len(whole)} bytes or more. Got {len(whole) - 1}: delete it"
    with pytest.raises(OSError, match=message):
        rows.read([22])
    with pytest.raises(ValueError, match=message):
        row_file(paths[2])


def test_a_pickle_holds_paths_and_not_rows(tmp_path):
    array = np.zeros((1000, 5000), dtype=np.uint8)
    array[:, 0] = np.arange(1000) % 256
    np.save(tmp_path / "rows.npy", array)
    rows = StoredRows([tmp_path / "rows.npy"])[::-1]
    stored = pickle.dumps(rows)
    assert len(stored) < 6000
    again = pickle.loads(stored)
    np.testing.assert_array_equal(again.read([0, 999]), array[::-1][[0, 999]])
    assert again.files == rows.files


def test_relative_paths_are_kept_absolute(tmp_path, paths, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = StoredRows(["0.npy"])
    monkeypatch.chdir(tmp_path.parent)
    np.testing.assert_array_equal(np.asarray(rows), ROWS[:7])


def test_threads_read_at_once(rows):
    batches = [np.random.default_rng(seed).integers(0, 23, 16) for seed in range(60)]
    with ThreadPoolExecutor(4) as executor:
        for batch, read in zip(batches, executor.map(rows.read, batches), strict=True):
            np.testing.assert_array_equal(read, ROWS[batch])


def test_an_array_without_reading_is_an_error(rows):
    with pytest.raises(ValueError, match="Got copy=False"):
        rows.__array__(copy=False)


def test_neighbours_are_read_by_one_call(rows, monkeypatch):
    calls = []
    monkeypatch.setattr(
        "skmerge._stored_rows._fill", lambda *args: calls.append((args[1].path[-5:], len(args[3])))
    )
    rows.read(slice(2, 20))
    assert calls == [("0.npy", 5 * 6), ("1.npy", 6), ("2.npy", 12 * 6)]


def test_a_row_file_says_where_its_rows_are(paths):
    file = row_file(paths[0])
    assert file == RowFile(str(paths[0]), 128, (7, 3, 2), "|u1")
    assert file.end == paths[0].stat().st_size


SPEC = InputSpec("photo", "image", shape=(3, 2), dtype="uint8", optional=True)


@pytest.fixture
def routed(rows):
    ages = np.arange(23.0).reshape(-1, 1)
    return MultiInput(
        {"photo": rows, "age": ages},
        {"photo": SPEC, "age": InputSpec("age", "tabular", shape=(1,), dtype="float64")},
        {"photo": np.arange(23) != 4},
    )


def test_a_multi_input_selects_without_reading(routed, paths):
    for path in paths:
        path.unlink()
    train, test = train_test_split(routed, test_size=5, random_state=0)
    assert isinstance(train["photo"], StoredRows)
    assert (train["photo"].shape, test["photo"].shape) == ((18, 3, 2), (5, 3, 2))
    np.testing.assert_array_equal(train["photo"].positions, train["age"][:, 0])
    for rows, _ in KFold(3).split(routed):
        np.testing.assert_array_equal(routed[rows]["photo"].positions, rows)
    assert "photo  image  (23, 3, 2) uint8, 1 rows without" in repr(routed)
    liked = routed.select_like({"photo": SPEC})
    assert liked["photo"] is routed["photo"]
    assert routed[3]["photo"].shape == (1, 3, 2)


def test_a_multi_input_is_pickled_by_path(routed):
    again = pickle.loads(pickle.dumps(routed[5:9]))
    np.testing.assert_array_equal(np.asarray(again["photo"]), ROWS[5:9])
    np.testing.assert_array_equal(again.masks["photo"], routed.masks["photo"][5:9])


@pytest.mark.parametrize("order", [[0], [0, 1], [1, 0, 2, 1]])
def test_joined_rows_are_read_as_one(paths, order):
    parts = [
        StoredRows(paths, [3, -1, 22, 7]),
        StoredRows(paths[:2], [7, 0, -1]),
        StoredRows([], [], row_shape=(3, 2), dtype=np.uint8),
    ]
    joined = joined_rows([parts[number] for number in order])
    expected = np.concatenate([np.asarray(parts[number]) for number in order])
    np.testing.assert_array_equal(np.asarray(joined), expected)
    assert len(joined.files) == (3 if 0 in order else 2)
