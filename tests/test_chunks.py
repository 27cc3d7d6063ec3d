"""Rows in chunks: the network that all rows at once give, with few of them in memory."""

import os
import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from PIL import Image
from scipy import sparse
from sklearn.base import clone

from skmerge import (
    Chunks,
    ColumnRouter,
    ImageEncoder,
    MergedNetClassifier,
    MergedNetRegressor,
    TextEncoder,
    _blocks,
    load,
)
from skmerge._row_sample import RowSample
from skmerge._stored_rows import StoredRows

SMALL = {"head": (4,), "random_state": 0, "epochs": 2, "n_members": 1}
N_ROWS = 240


@pytest.fixture(scope="module")
def rows(shared_frame):
    """Rows with missing cells of several kinds, enough of them for early stopping."""
    frame = shared_frame[["age", "visits", "city", "joined", "note"]]
    frame = frame.sample(N_ROWS, replace=True, random_state=0).reset_index(drop=True)
    frame["paid"] = np.random.default_rng(0).integers(0, 2, N_ROWS) + (frame["visits"] > 3)
    return frame


@pytest.fixture(scope="module")
def whole(rows):
    return MergedNetClassifier(**SMALL).fit(rows.drop(columns="paid"), rows["paid"])


def cut(frame, *ends):
    return [frame.iloc[first:last] for first, last in zip((0, *ends), (*ends, None), strict=True)]


class TestSources:
    def test_columns_of_targets_and_weights_are_parted_from_the_rows(self, rows):
        chunks = Chunks(cut(rows, 100), y="paid", sample_weight="visits")
        (X, y, weights), second = chunks
        assert list(X) == ["age", "city", "joined", "note"]
        assert_array_equal(y, rows["paid"][:100])
        assert_array_equal(weights, rows["visits"][:100])
        assert len(second.X) == N_ROWS - 100

    def test_several_targets_are_a_matrix(self, rows):
        chunk = next(iter(Chunks([rows], y=["paid", "visits"])))
        assert_array_equal(chunk.y, rows[["paid", "visits"]])
        assert list(chunk.X) == ["age", "city", "joined", "note"]

    def test_a_function_is_asked_each_time(self, rows):
        chunks = Chunks(lambda: iter(cut(rows, 100, 100, 200)), y="paid")
        assert [len(chunk.X) for chunk in chunks] == [100, 100, 40]  # the one without rows is left
        assert [len(chunk.X) for chunk in chunks] == [100, 100, 40]

    def test_tables_of_other_libraries_are_chunks(self, rows):
        frames = [pytest.importorskip("polars").from_pandas(part) for part in cut(rows, 50)]
        chunk = next(iter(Chunks(frames, y="paid")))
        assert_array_equal(chunk.y, rows["paid"][:50])

    def test_rows_that_can_be_gone_through_once_are_refused(self, rows):
        with pytest.raises(TypeError, match="more than once"):
            Chunks(part for part in cut(rows, 50))
        with pytest.raises(TypeError, match=r"give Chunks a function"):
            MergedNetClassifier().fit(part for part in cut(rows, 50))

    @pytest.mark.parametrize("source", [None, 3, "rows.csv", pd.DataFrame({"a": [1]})])
    def test_what_has_no_chunks_is_refused(self, source):
        with pytest.raises(TypeError, match="must be a pyarrow dataset, an iterable of DataFrames"):
            Chunks(source)

    @pytest.mark.parametrize(
        ("source", "params", "message"),
        [
            ([{"a": [1]}], {"y": "a"}, "must be DataFrames for their columns"),
            ([pd.DataFrame({"age": [1]})], {"y": "aged"}, "'aged' is missing from chunk 0.*'age'"),
            ([(pd.DataFrame({"a": [1]}), [1, 2])], {}, "2 targets and 1 rows"),
            ([(pd.DataFrame({"a": [1]}), [1], [1, 2])], {}, "2 weights and 1 rows"),
            ([(pd.DataFrame({"a": [1]}), [1])], {"y": "a"}, "Got a tuple of 2 as chunk 0"),
            ([pd.DataFrame({"a": [1]})], {}, "Chunks must have targets"),
            ([], {"y": "a"}, "at least 1 row"),
            ([pd.DataFrame({"a": []})], {"y": "a"}, "at least 1 row"),
        ],
    )
    def test_chunks_that_cannot_be_used_are_named(self, source, params, message):
        with pytest.raises(ValueError, match=message):
            MergedNetRegressor().fit(Chunks(source, **params))

    def test_targets_beside_chunks_are_refused(self, rows):
        with pytest.raises(ValueError, match="y and sample_weight must be None"):
            MergedNetClassifier().fit(Chunks([rows], y="paid"), rows["paid"])

    @pytest.mark.parametrize("chunk_rows", [0, 2.5, "many"])
    def test_size_of_a_chunk_must_be_a_number(self, rows, chunk_rows):
        with pytest.raises(ValueError, match="chunk_rows must be a number of at least 1"):
            Chunks([rows], chunk_rows=chunk_rows)

    def test_weights_of_some_chunks_only_are_refused(self, rows):
        X, y = rows[["age"]], rows["paid"]
        with pytest.raises(ValueError, match="must have weights, or none. Got 1 of 2 with"):
            MergedNetClassifier().fit(Chunks([(X, y, np.ones(N_ROWS)), (X, y)]))


class TestFit:
    @pytest.mark.parametrize("ends", [(), (7,), (100, 101, 200)])
    def test_network_is_that_of_all_rows_at_once(self, rows, whole, ends):
        chunked = MergedNetClassifier(**SMALL).fit(Chunks(cut(rows, *ends), y="paid"))
        assert chunked.history_ == whole.history_
        X = rows.drop(columns="paid")
        assert_array_equal(chunked.predict_proba(X), whole.predict_proba(X))

    def test_dataset_of_pyarrow_gives_its_columns(self, rows, whole, tmp_path):
        dataset = pytest.importorskip("pyarrow.dataset")
        for number, part in enumerate(cut(rows, 90)):
            part.to_parquet(tmp_path / f"{number}.parquet")
        files = dataset.dataset(tmp_path)
        fitted = MergedNetClassifier(**SMALL).fit(files, "paid")
        assert_array_equal(fitted.predict_proba(files), whole.predict_proba(rows))
        small = Chunks(files, y="paid", chunk_rows=40)
        assert max(len(chunk.X) for chunk in small) == 40
        assert_array_equal(fitted.predict_proba(small), whole.predict_proba(rows))

    def test_weights_count(self, rows):
        weighted = rows.assign(weight=np.arange(N_ROWS) % 3)
        X = rows.drop(columns="paid")
        at_once = MergedNetClassifier(**SMALL).fit(X, rows["paid"], weighted["weight"])
        chunks = Chunks(cut(weighted, 100), y="paid", sample_weight="weight")
        chunked = MergedNetClassifier(**SMALL).fit(chunks)
        assert_array_equal(chunked.predict_proba(X), at_once.predict_proba(X))

    def test_pictures_are_read_from_files_of_rows(self, tmp_path):
        rng = np.random.default_rng(0)
        paths = [str(tmp_path / f"{number}.png") for number in range(40)]
        for path in paths:
            Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)).save(path)
        frame = pd.DataFrame({"photo": paths, "age": np.arange(40.0), "price": rng.random(40)})
        X, params = frame.drop(columns="price"), {**SMALL, "branches": {"photo": "dense"}}
        predicted = []
        for cache in (None, tmp_path / "cache"):
            router = ColumnRouter({"photo": ImageEncoder(size=6, cache=cache)})
            for rows in (Chunks(cut(frame, 15, 16), y="price"), None):
                net = MergedNetRegressor(router=router, **params)
                net.fit(rows) if rows else net.fit(X, frame["price"])
                predicted.append(net.predict(X))
        for other in predicted[1:]:
            assert_array_equal(other, predicted[0])

    def test_sparse_matrices_and_arrays_are_chunks(self):
        rng = np.random.default_rng(0)
        X = {
            "bag": sparse.random(60, 9, 0.3, "csr", random_state=0),
            "age": rng.normal(size=(60, 2)),
        }
        y = rng.normal(size=60)
        parts = [({name: each[rows] for name, each in X.items()}, y[rows])
                 for rows in (slice(0, 25), slice(25, 60))]  # fmt: skip
        chunked = MergedNetRegressor(**SMALL).fit(Chunks(parts))
        assert_array_equal(chunked.predict(X), MergedNetRegressor(**SMALL).fit(X, y).predict(X))

    def test_encoded_rows_are_deleted(self, rows, tmp_path):
        fitted = MergedNetClassifier(**SMALL).fit(Chunks([rows], y="paid", folder=tmp_path))
        assert not list(tmp_path.iterdir())
        assert len(pickle.dumps(fitted.router_)) < 20_000  # no row is in it
        with pytest.raises(ValueError, match="finite"):
            MergedNetClassifier(**SMALL, learning_rate=1e30).fit(
                Chunks([rows], y="paid", folder=tmp_path)
            )
        assert not list(tmp_path.iterdir())

    def test_training_goes_on_from_other_chunks(self, rows):
        net = MergedNetClassifier(**SMALL, early_stopping=False, warm_start=True)
        net.fit(Chunks(cut(rows, 100), y="paid"))
        router = net.router_
        net.fit(Chunks(cut(rows, 30), y="paid"))
        assert (net.n_iter_, net.router_) == (4, router)

    def test_rows_held_out_are_few_where_rows_are_many(self, rows, monkeypatch):
        monkeypatch.setattr("skmerge._merged_net._MOST_HELD_OUT", 10)
        held_out = []
        monkeypatch.setattr(
            "skmerge._wide_part.WidePart.fitted",
            lambda net, rows, validation, *rest: held_out.append(len(validation.targets)),
        )
        MergedNetClassifier(**SMALL).fit(Chunks([rows], y="paid"))
        assert held_out == [10]

    def test_linear_part_reads_no_more_rows_than_told(self, rows, monkeypatch):
        monkeypatch.setattr("skmerge._merged_net._MOST_READ", 30)
        seen = []

        def fitted(net, rows, validation, *rest):
            seen.append([type(array) for array in rows.X.values()] + [len(rows.targets)])

        monkeypatch.setattr("skmerge._wide_part.WidePart.fitted", fitted)
        MergedNetClassifier(**SMALL).fit(Chunks([rows], y="paid"))
        assert seen == [[np.ndarray, np.ndarray, 30]]

    def test_linear_part_reads_rows_from_all_of_a_sorted_file(self, rows, monkeypatch):
        monkeypatch.setattr("skmerge._merged_net._MOST_READ", 30)
        seen = []
        monkeypatch.setattr(
            "skmerge._wide_part.WidePart.fitted",
            lambda net, rows, validation, *rest: seen.append(rows.targets[:, 0].tolist()),
        )
        in_order, validation = rows.sort_values("paid"), (rows[:50], rows["paid"][:50])
        net = MergedNetClassifier(**SMALL)
        net.fit(Chunks(cut(in_order, 100), y="paid"), validation_data=validation)
        (targets,) = seen
        assert len(targets) == 30
        assert set(targets) == {0, 1, 2}


class TestFaults:
    def test_rows_that_change_are_noticed(self, rows):
        order = np.random.default_rng(0)
        shuffled = Chunks(lambda: [rows.sample(frac=1, random_state=order)], y="paid")
        with pytest.raises(ValueError, match="the same rows in the same order.*chunk 0"):
            MergedNetClassifier(**SMALL).fit(shuffled)
        lengths = iter([240, 200])
        shorter = Chunks(lambda: [rows[: next(lengths)]], y="paid")
        with pytest.raises(ValueError, match="Got 240 rows the first time, and then 200"):
            MergedNetClassifier(**SMALL).fit(shorter)

    def test_a_full_disk_is_named(self, rows, tmp_path, monkeypatch):
        def full(spool, array):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(_blocks._Spool, "add", full)
        net = MergedNetClassifier(**SMALL)
        with pytest.raises(OSError, match=r"must have room for the encoded rows.*folder=") as error:
            net.fit(Chunks([rows], y="paid", folder=tmp_path))
        assert error.value.errno == 28
        assert str(tmp_path) in str(error.value)
        assert not list(tmp_path.iterdir())
        assert not net.__sklearn_is_fitted__()

    @pytest.mark.parametrize("subsample", [1, 20, 1000])
    def test_a_cell_that_cannot_be_read_is_counted_from_the_first_row(self, rows, subsample):
        frame = rows[["age", "paid"]].astype(float)
        frame.loc[150, "age"] = np.inf
        router = ColumnRouter(subsample=subsample)
        with pytest.raises(ValueError, match="row 150 of column 'age' is inf"):
            MergedNetClassifier(router=router, **SMALL).fit(Chunks(cut(frame, 70, 140), y="paid"))

    def test_shapes_that_vary_are_refused(self, tmp_path):
        spool = _blocks._Spool(tmp_path / "0.npy", 4)
        spool.add(np.zeros((2, 3)))
        with pytest.raises(ValueError, match=r"must have one shape.*\(3,\) and then \(5,\)"):
            spool.add(np.zeros((2, 5)))
        spool.close()


class TestPredict:
    @pytest.fixture
    def small_blocks(self, monkeypatch):
        monkeypatch.setattr(_blocks, "BLOCK", 1)
        monkeypatch.setattr(_blocks, "_LEAST_ROWS", 7)

    def test_blocks_give_the_same_predictions(self, rows, whole, small_blocks, monkeypatch):
        X, sizes = rows.drop(columns="paid"), []
        transform = ColumnRouter.transform

        def counted(router, block):
            sizes.append(len(block))
            return transform(router, block)

        monkeypatch.setattr(ColumnRouter, "transform", counted)
        in_blocks = whole.predict_proba(X)
        assert sizes == [7] * 34 + [2]
        monkeypatch.setattr(_blocks, "BLOCK", 2**26)
        assert_array_equal(whole.predict_proba(X), in_blocks)
        assert sizes[-1] == N_ROWS

    def test_errors_count_rows_from_the_first(self, rows, whole, small_blocks):
        X = rows.drop(columns="paid")
        X.loc[100, "age"] = np.inf
        with pytest.raises(ValueError, match="row 100 of column 'age' is inf"):
            whole.predict(X)

    def test_chunks_without_a_row_are_refused(self, rows, whole):
        with pytest.raises(ValueError, match="at least 1 row"):
            whole.predict(Chunks([rows[:0]]))

    def test_mappings_are_cut_as_well(self, small_blocks):
        X = {"age": np.arange(60.0)[:, None], "word": [f"word {n % 5}" for n in range(60)]}
        net = MergedNetRegressor(**SMALL).fit(X, np.arange(60.0))
        alone = [net.predict({name: each[n : n + 1] for name, each in X.items()}) for n in (0, 50)]
        assert_array_equal(net.predict(X)[[0, 50]], np.concatenate(alone))


class TestRouter:
    def test_it_learns_what_fit_learns_of_all_rows(self, rows):
        whole, chunked = ColumnRouter().fit(rows), ColumnRouter()
        for part in cut(rows, 20, 100):
            assert chunked.partial_fit(part) is chunked
        assert repr(chunked) == repr(whole)
        for one, other in zip(*(r.transform(rows).values() for r in (whole, chunked)), strict=True):
            assert_array_equal(one, other)

    def test_a_network_trains_on_what_it_makes_of_chunks(self, rows):
        router = ColumnRouter({"paid": "drop"})
        for part in cut(rows, 100):
            router.partial_fit(part)
        net = MergedNetClassifier(**SMALL)
        for part in cut(rows, 100):
            net.partial_fit(router.transform(part), part["paid"], classes=[0, 1, 2])
        assert net.predict_proba(router.transform(rows)).shape == (N_ROWS, 3)

    def test_a_word_of_any_chunk_is_known(self):
        notes = pd.DataFrame({"note": ["red blue red"] * 5 + ["green red blue"] * 5})
        router = ColumnRouter({"note": TextEncoder()})
        for part in cut(notes, 5):
            router.partial_fit(part)
        assert set(router.inputs_["note"].encoder.vocabulary_) == {"red", "blue", "green"}

    def test_what_fails_leaves_it_as_it_was(self, rows):
        router = ColumnRouter().partial_fit(rows[:50])
        before = repr(router)
        with pytest.raises(ValueError, match="must have the columns of the first.*'note'"):
            router.partial_fit(rows[50:].drop(columns="note"))
        with pytest.raises(ValueError, match="inf"):
            router.partial_fit(rows[50:].assign(age=np.inf))
        assert repr(router) == before
        again = ColumnRouter().partial_fit(rows[:50]).partial_fit(rows[50:])
        assert repr(router.partial_fit(rows[50:])) == repr(again)

    def test_rows_are_in_no_file_and_no_clone(self, rows, tmp_path):
        from skmerge import save

        router = ColumnRouter().partial_fit(rows)
        save(router, tmp_path / "router.skmerge")
        for copied in (pickle.loads(pickle.dumps(router)), load(tmp_path / "router.skmerge")):
            assert "_sample" not in vars(copied)
            assert repr(copied) == repr(router)
        assert "_sample" not in vars(clone(router))
        assert "_sample" not in vars(router.fit(rows))

    def test_no_more_rows_are_kept_than_told(self, rows):
        router = ColumnRouter(subsample=30)
        for part in cut(rows, 60, 130):
            router.partial_fit(part)
            assert len(router._sample.rows) == 30
            kept = rows["visits"].iloc[router._sample.numbers]
            assert_array_equal(kept, router._sample.rows["visits"])
        assert router._sample.n_seen == N_ROWS


class TestSample:
    def frame(self, n_rows):
        return pd.DataFrame({"row": np.arange(n_rows)})

    def test_rows_are_the_same_however_they_are_cut(self):
        frame = self.frame(1000)
        kept = []
        for ends in [(), (1,), (50, 999), tuple(range(10, 1000, 10))]:
            sample = RowSample(50)
            for part in cut(frame, *ends):
                sample = sample.extended(part)
            kept.append(sample.rows["row"].tolist())
        assert kept[0] == sorted(kept[0])
        assert all(rows == kept[0] for rows in kept)
        assert len(set(kept[0])) == 50

    def test_each_row_is_as_likely_as_any_other(self):
        sample = RowSample(2000)
        for part in cut(self.frame(10_000), *range(100, 10_000, 100)):
            sample = sample.extended(part)
        counts = np.histogram(sample.rows["row"], bins=10, range=(0, 10_000))[0]
        # 200 in each tenth, give or take four standard deviations of a hypergeometric count
        assert np.abs(counts - 200).max() < 4 * np.sqrt(2000 * 0.1 * 0.9 * 0.8)

    def test_all_rows_are_kept_without_a_size(self):
        sample = RowSample(None).extended(self.frame(30)).extended(self.frame(20))
        assert len(sample.rows) == 50

    def test_categories_stay_categories(self):
        parts = [pd.DataFrame({"city": pd.Categorical(cities)}) for cities in (["a", "b"], ["c"])]
        sample = RowSample(None).extended(parts[0]).extended(parts[1])
        assert list(sample.rows["city"].cat.categories) == ["a", "b", "c"]
        mixed = pd.DataFrame({"city": pd.Categorical([1])})
        assert list(sample.extended(mixed).rows["city"]) == ["a", "b", "c", 1]

    def test_a_column_without_a_value_takes_the_dtype_of_the_others(self):
        parts = [pd.DataFrame({"age": [None, None]}), pd.DataFrame({"age": [1.5, 2.5]})]
        rows = RowSample(None).extended(parts[0]).extended(parts[1]).rows
        assert rows["age"].astype(float).tolist()[2:] == [1.5, 2.5]

    @pytest.mark.parametrize(
        ("first", "second", "message"),
        [
            (pd.DataFrame({"a": [1]}), np.ones((1, 1)), "must be a DataFrame, as the first is"),
            ({"a": np.ones(2), "b": np.ones(2)}, {"a": np.ones(2)}, "must have the inputs"),
            (np.ones((2, 3)), np.ones((2, 2)), "X has 2 features, but ColumnRouter is expecting 3"),
        ],
    )
    def test_chunks_of_another_form_are_refused(self, first, second, message):
        with pytest.raises(ValueError, match=message):
            RowSample(None).extended(first).extended(second)

    def test_forms_are_kept(self):
        for rows in (np.ones((3, 2)), sparse.csr_matrix(np.eye(3)), ["a", "b", "c"]):
            sample = RowSample(4).extended(rows).extended(rows)
            assert type(sample.rows) is type(rows) or isinstance(sample.rows, type(rows))
            n_rows = sample.rows.shape[0] if hasattr(sample.rows, "shape") else len(sample.rows)
            assert n_rows == 4


def test_encoded_rows_take_no_more_memory_than_a_block(tmp_path, monkeypatch):
    monkeypatch.setattr(_blocks, "BLOCK", 2**20)
    part = pd.DataFrame(np.random.default_rng(0).normal(size=(5_000, 20)).astype("float32"))
    part.columns = [f"x{number}" for number in part.columns]
    chunks = Chunks([part.assign(y=0.5)] * 40, y="y")
    router = ColumnRouter().fit(part)
    y = np.full(200_000, 0.5)
    tracemalloc.start()
    X = _blocks.spooled(chunks, y, router.transform, router.specs_, tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(X["tabular"], StoredRows)
    assert X["tabular"].nbytes == 16_000_000
    assert peak < 8_000_000
    assert os.path.getsize(tmp_path / "0.npy") >= 16_000_000
    expected = router.transform(part)["tabular"][[0, 0, -1]]
    assert_array_equal(X["tabular"].read([0, 5_000, 199_999]), expected)
