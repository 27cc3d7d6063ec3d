"""Segments of pixels, and their keys, found again or not at all."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from skmerge.encoders import _pixel_segments
from skmerge.encoders._pixel_segments import NO_KEY, SegmentWriter, look_up

KEY, OTHER_KEY = b"a" * 16, b"b" * 16


def written(folder, keys, value=7):
    with SegmentWriter(str(folder), (len(keys), 2)) as segment:
        segment.write(np.full((len(keys), 2), value, dtype=np.uint8))
        return segment.publish(keys)


def test_keys_of_any_bytes_are_found(tmp_path):
    rng = np.random.default_rng(5)
    keys = list({rng.choice([0, 0, 1, 255], 16).astype(np.uint8).tobytes() for _ in range(3000)})
    segments = [keys[:1000], keys[1000:1001], keys[1001:]]
    files = {written(tmp_path, segment).path: segment for segment in segments}
    found, rows = look_up(str(tmp_path), (2,), keys)
    by_row = [key for file in found for key in files[file.path]]
    assert [by_row[row] for row in rows] == keys
    others = [bytes([key[0] ^ 4, *key[1:]]) for key in keys]
    _, rows = look_up(str(tmp_path), (2,), [*others, NO_KEY])
    assert (rows == -1).all()


def test_a_segment_is_seen_once_it_is_whole(tmp_path):
    written(tmp_path, [OTHER_KEY])
    with SegmentWriter(str(tmp_path), (1, 2)) as segment:
        segment.write(np.zeros((1, 2), dtype=np.uint8))
        assert look_up(str(tmp_path), (2,), [KEY])[1].tolist() == [-1]
        file = segment.publish([KEY])
        files, rows = look_up(str(tmp_path), (2,), [KEY])
        assert rows[0] >= 0
        assert file in files


def test_what_is_not_published_is_removed(tmp_path):
    with SegmentWriter(str(tmp_path), (1, 2)) as segment:
        segment.write(np.zeros((1, 2), dtype=np.uint8))
        assert len(list(tmp_path.iterdir())) == 1
    assert not list(tmp_path.iterdir())


def test_a_row_without_a_key_is_not_found(tmp_path):
    written(tmp_path, [NO_KEY, KEY, NO_KEY])
    assert look_up(str(tmp_path), (2,), [NO_KEY, KEY])[1].tolist() == [-1, 1]


def test_a_picture_that_two_decoded_is_found_in_one_of_both(tmp_path):
    files = {written(tmp_path, keys).path: keys for keys in ([KEY, OTHER_KEY], [OTHER_KEY, KEY])}
    found, rows = look_up(str(tmp_path), (2,), [KEY])
    by_row = [key for file in found for key in files[file.path]]
    assert len(by_row) == 4
    assert by_row[rows[0]] == KEY


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
@pytest.mark.parametrize("n_rows", [1, 1_000_000])
def test_a_full_disk_is_named_with_the_remedy_and_nothing_is_left(tmp_path, monkeypatch, n_rows):
    def onto_a_full_device(path, mode):
        Path(path).touch()
        return Path("/dev/full").open("wb")

    monkeypatch.setattr(_pixel_segments, "open", onto_a_full_device, raising=False)
    with pytest.raises(OSError, match="in '.*test_a_full.*' .No space left on device.. Make") as e:
        written(tmp_path, [KEY] * n_rows)
    assert e.value.errno == errno.ENOSPC
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write it all")
def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="Pictures cannot be cached in"):
        written(tmp_path, [KEY])


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    files, rows = look_up(str(tmp_path / "none"), (2,), [KEY])
    assert (files, rows.tolist()) == ([], [-1])


def test_segments_of_another_shape_are_passed_over(tmp_path):
    written(tmp_path, [KEY])
    assert look_up(str(tmp_path), (3,), [KEY])[1].tolist() == [-1]
    np.save(tmp_path / "of somebody else.npy", np.zeros((4, 2), dtype=np.uint8))
    (tmp_path / "a folder.npy").mkdir()
    assert look_up(str(tmp_path), (3,), [KEY])[1].tolist() == [-1]


def test_few_indexes_are_kept_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(_pixel_segments, "_MAX_INDEXES", 3)
    monkeypatch.setattr(_pixel_segments, "_indexes", {})
    for number in range(5):
        written(tmp_path / str(number), [KEY])
        look_up(str(tmp_path / str(number)), (2,), [KEY])
    look_up(str(tmp_path / "3"), (2,), [KEY])
    assert [folder[-1] for folder in _pixel_segments._indexes] == ["2", "3", "4"]


@pytest.mark.parametrize("keys", [[KEY], [KEY, OTHER_KEY]])
def test_a_segment_is_known_by_its_length(tmp_path, keys):
    file = written(tmp_path, keys)
    with open(file.path, "ab") as segment:
        segment.write(b"x")
    assert look_up(str(tmp_path), (2,), [KEY])[1].tolist() == [-1]
