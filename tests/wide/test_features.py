"""Features of the linear model: each equals its formula, written out in loops."""

import math
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmerge import InputSpec
from skmerge._spec import PADDING_ID, UNKNOWN_ID, WideSpec, pair_bucket
from skmerge._wide._features import (
    MAX_BINNED,
    N_BINS,
    N_PAIRS,
    PAIR_SHARE,
    TABLE_SHARE,
    TableFeatures,
    WordFeatures,
    features_of,
)

RNG = np.random.default_rng(0)
N_WORDS = 30
NOTE = InputSpec("note", "text", (9,), "int32", vocabulary_size=N_WORDS)
IDS = RNG.integers(0, N_WORDS, (60, 9)).astype("int32")
IDS[:, 5:] *= RNG.random((60, 4)) < 0.5  # padding, in between as well
IDS[3] = PADDING_ID
IDS[4] = [7, 7, 7, 9, 7, 9, 0, 0, 0]
N_BUCKETS = 64


def word_features(ids=IDS, n_pairs=N_BUCKETS, spec=NOTE):
    features = WordFeatures(spec, n_pairs)
    features.fit(ids)
    return features


def found_in(row, n_pairs):
    """Return the features of a row in order, repeated ones included."""
    found = [int(word) for word in row if word > UNKNOWN_ID]
    if n_pairs:
        for left, right in zip(row[:-1].tolist(), row[1:].tolist(), strict=True):
            if left > UNKNOWN_ID and right > UNKNOWN_ID:
                found.append(N_WORDS + (left * 1_000_003 + right * 10_007) % n_pairs)
    return found


def rarities(ids, n_pairs):
    counts = [0] * (N_WORDS + n_pairs)
    for row in ids:
        for feature in set(found_in(row, n_pairs)):
            counts[feature] += 1
    rarity = [math.log((1 + len(ids)) / (1 + count)) for count in counts]
    for feature, count in enumerate(counts):
        if feature < N_WORDS:
            rarity[feature] *= count >= 2
        else:
            rarity[feature] *= PAIR_SHARE * (count >= 3)
    return rarity


class TestWords:
    @pytest.mark.parametrize("n_pairs", [0, N_BUCKETS])
    def test_rarity_is_the_smoothed_logarithm_of_the_share_of_rows(self, n_pairs):
        assert_allclose(
            word_features(n_pairs=n_pairs).rarity, rarities(IDS, n_pairs), rtol=1e-6, atol=1e-9
        )

    @pytest.mark.parametrize("n_pairs", [0, N_BUCKETS])
    def test_rows_are_rarities_over_the_root_of_their_squares(self, n_pairs):
        rarity = rarities(IDS, n_pairs)
        expected = np.zeros((len(IDS), N_WORDS + n_pairs))
        for place, row in enumerate(IDS):
            found = found_in(row, n_pairs)
            length = math.sqrt(sum(rarity[feature] ** 2 for feature in found))
            for feature in found:
                expected[place, feature] += rarity[feature] / length
        actual = word_features(n_pairs=n_pairs).transform(IDS)
        assert actual.dtype == np.float32
        assert actual.shape == (len(IDS), word_features(n_pairs=n_pairs).n_features)
        assert_allclose(actual.toarray(), expected, rtol=1e-5, atol=1e-7)

    def test_rows_without_repeated_words_have_length_one(self):
        ids = np.array([RNG.permutation(np.arange(2, N_WORDS))[:9] for _ in range(40)])
        rows = word_features(ids, 0).transform(ids)
        assert_allclose(np.sqrt(rows.multiply(rows).sum(axis=1)), 1, rtol=1e-6)

    def test_a_word_that_comes_twice_counts_twice(self):
        ids = np.array([[2, 3, 4], [2, 5, 6], [3, 5, 7]])
        features = word_features(ids, 0)
        once, twice = features.transform(np.array([[2, 3, 0], [2, 2, 3]])).toarray()
        assert once[2] == pytest.approx(once[3])
        assert twice[2] == pytest.approx(2 * twice[3])

    def test_words_of_one_row_and_pairs_of_two_weigh_nothing(self):
        ids = np.array([[2, 3, 0]] * 3 + [[4, 5, 0]] * 2 + [[6, 0, 0]] + [[0, 0, 0]] * 4)
        rarity = word_features(ids).rarity
        assert_array_equal(rarity[[2, 3, 4, 5]] > 0, True)
        assert rarity[6] == 0
        seen_thrice, seen_twice = (
            N_WORDS + pair_bucket(left, right, N_BUCKETS) for left, right in ((2, 3), (4, 5))
        )
        assert seen_thrice != seen_twice
        assert rarity[seen_thrice] == pytest.approx(PAIR_SHARE * math.log(11 / 4))
        assert rarity[seen_twice] == 0

    def test_a_word_repeated_in_one_row_is_still_in_one_row(self):
        ids = np.array([[2, 2, 2], [3, 0, 0], [3, 0, 0], [0, 0, 0]])
        rarity = word_features(ids, 0).rarity
        assert rarity[2] == 0
        assert rarity[3] == pytest.approx(math.log(5 / 3))

    def test_words_of_every_row_weigh_nothing(self):
        ids = np.array([[2, 3], [2, 4], [2, 3], [2, 4]])
        features = word_features(ids, 0)
        assert features.rarity[2] == 0
        assert_array_equal(features.transform(ids).toarray()[:, 2], 0)

    def test_padding_and_unknown_words_have_no_part(self):
        bare = np.array([[2, 3, 0, 0], [4, 3, 0, 0]])
        filled = np.array([[2, 3, 1, 0], [1, 4, 3, 1]])
        features = word_features(np.array([[2, 3, 4, 5]] * 3 + [[0, 0, 0, 0]] * 5))
        assert_array_equal(features.rarity[[PADDING_ID, UNKNOWN_ID]], 0)
        assert_array_equal(features.transform(bare).toarray(), features.transform(filled).toarray())

    @pytest.mark.parametrize("gap", [PADDING_ID, UNKNOWN_ID])
    def test_words_with_a_gap_between_are_no_pair(self, gap):
        features = word_features(np.array([[4, 8, 0, 0]] * 3 + [[5, 0, 0, 0]] * 5))
        rows = features.transform(np.array([[4, gap, 8, 0], [4, 8, gap, 0]])).toarray()
        bucket = N_WORDS + pair_bucket(4, 8, N_BUCKETS)
        assert rows[0, bucket] == 0
        assert rows[1, bucket] > 0

    def test_the_order_of_a_pair_counts(self):
        there, back = (pair_bucket(np.int64(a), np.int64(b), N_PAIRS) for a, b in ((2, 9), (9, 2)))
        assert there != back

    def test_pairs_of_frequent_words_share_no_bucket(self):
        left, right = np.meshgrid(np.arange(2, 68), np.arange(2, 68))
        buckets = pair_bucket(left.ravel(), right.ravel(), N_PAIRS)
        assert buckets.min() >= 0
        assert buckets.max() < N_PAIRS
        assert len(np.unique(buckets)) == left.size

    def test_rows_without_words_are_empty(self):
        empty = np.array([[0] * 9, [1] * 9, [1, 0] * 4 + [1]])
        assert word_features().transform(empty).nnz == 0
        assert word_features().transform(IDS[[3]]).nnz == 0

    @pytest.mark.parametrize("length", [0, 1])
    def test_rows_too_short_for_a_pair_are_read(self, length):
        spec = InputSpec("note", "text", (length,), "int32", vocabulary_size=N_WORDS)
        ids = IDS[:, :length]
        rows = word_features(ids, spec=spec).transform(ids)
        assert rows.shape == (len(ids), N_WORDS + N_BUCKETS)
        assert_array_equal(rows[:, N_WORDS:].toarray(), 0)


def table(n_numbers, cardinalities=()):
    n_columns = n_numbers + len(cardinalities)
    return InputSpec(
        "table",
        "tabular",
        (n_columns,),
        code_columns=tuple(range(n_numbers, n_columns)),
        cardinalities=cardinalities,
    )


def table_features(rows, spec, n_bins=4, n_crossed=0):
    features = TableFeatures(spec, n_bins, n_crossed)
    features.fit(rows)
    return features


class TestTables:
    def test_numbers_pieces_and_codes_are_their_formulas(self):
        spec = InputSpec(
            "table", "tabular", (4,), code_columns=(0, 2), cardinalities=(3, 5), dtype="float32"
        )
        rows = RNG.normal(5, 3, (40, 4)).astype("float32")
        rows[:, 0], rows[:, 2] = RNG.integers(0, 3, 40), RNG.integers(0, 5, 40)
        others = RNG.normal(5, 6, (10, 4)).astype("float32")  # beyond what was fitted on
        others[:, 0], others[:, 2] = RNG.integers(0, 3, 10), RNG.integers(0, 5, 10)
        features = table_features(rows, spec)
        actual = features.transform(others)
        assert actual.dtype == np.float32
        assert actual.shape[1] == features.n_features == 2 + 2 * 4 + 8
        for row, found in zip(others.astype(float), actual.toarray(), strict=True):
            expected = []
            for column in (1, 3):
                seen = rows[:, column].astype(float)
                expected.append((row[column] - seen.mean()) / seen.std())
            for column in (1, 3):
                edges = np.quantile(rows[:, column].astype(float), [0, 0.25, 0.5, 0.75, 1])
                for low, high in pairwise(edges):
                    expected.append(min(max((row[column] - low) / (high - low), 0), 1))
            expected += [float(row[0] == code) for code in range(3)]
            expected += [float(row[2] == code) for code in range(5)]
            assert_allclose(found, TABLE_SHARE * np.array(expected), rtol=1e-4, atol=1e-6)

    def test_without_intervals_numbers_are_only_scaled(self):
        rows = RNG.normal(size=(20, 3))
        actual = table_features(rows, table(3), n_bins=0).transform(rows).toarray()
        assert_allclose(actual.mean(axis=0), 0, atol=1e-6)
        assert_allclose(actual.std(axis=0), TABLE_SHARE, rtol=1e-5)

    def test_a_table_of_codes_alone_is_read(self):
        codes = np.array([[0, 1], [2, 0]], dtype="float32")
        actual = table_features(codes, table(0, (3, 2)), n_bins=0).transform(codes)
        expected = [[1, 0, 0, 0, 1], [0, 0, 1, 1, 0]]
        assert_allclose(actual.toarray(), TABLE_SHARE * np.array(expected), rtol=1e-6)

    @pytest.mark.parametrize("value", [0.0, 0.1, -7.0, 123.456])
    def test_a_constant_column_says_nothing(self, value):
        rows = np.stack([RNG.normal(size=300), np.full(300, value)], axis=1).astype("float32")
        features = table_features(rows, table(2))
        actual = features.transform(rows).toarray()
        assert_array_equal(actual[:, 1], 0)
        assert_array_equal(actual[:, 2 + 4 :], 0)
        moved = features.transform(rows + np.float32(1)).toarray()
        assert_array_equal(moved[:, 1], 0)  # nor when it moves later

    def test_a_column_that_is_mostly_one_value_has_fewer_intervals(self):
        column = np.array([0.0] * 80 + list(range(1, 21)), dtype="float32")[:, None]
        features = table_features(column, table(1))
        assert_array_equal(features.inverse[0, 1:], 0)
        assert features.inverse[0, 0] == pytest.approx(1 / 20)
        actual = features.transform(np.array([[0.0], [10.0], [50.0]])).toarray()
        assert_array_equal(actual[:, 2:5], 0)
        assert_allclose(actual[:, 1], TABLE_SHARE * np.array([0, 0.5, 1]), rtol=1e-6)

    def test_two_values_are_told_apart_by_one_interval(self):
        column = np.tile([2.0, 5.0], 30)[:, None]
        actual = table_features(column, table(1)).transform(column).toarray()[:, 1:]
        assert_allclose(actual.max(axis=1), np.tile([0, TABLE_SHARE], 30), rtol=1e-6)
        assert np.count_nonzero(actual.any(axis=0)) >= 1

    def test_imputed_values_with_their_indicator_are_two_columns(self):
        rows = np.stack([RNG.normal(size=50), np.zeros(50)], axis=1).astype("float32")
        rows[:9] = [0, 1]
        actual = table_features(rows, table(2)).transform(rows).toarray()
        assert len(np.unique(actual[:9], axis=0)) == 1
        assert actual[:9, 1].min() > actual[9:, 1].max()


class TestCrossed:
    """Each two numbers together: products of linear splines."""

    ROWS = RNG.normal(5, 3, (60, 4)).astype("float32")
    ROWS[:, 1] = RNG.integers(0, 2, 60)  # a flag, with one interval
    ROWS[:, 3] = RNG.integers(0, 3, 60)

    def features(self):
        spec = InputSpec("table", "tabular", (4,), code_columns=(3,), cardinalities=(3,))
        return table_features(self.ROWS, spec, n_crossed=3)

    def test_they_are_products_of_hats(self):
        features = self.features()
        others = RNG.normal(5, 6, (20, 4)).astype("float32")  # beyond what was fitted on
        others[:, 1], others[:, 3] = RNG.random(20), 0
        first, n_ends = 3 + 3 * 4, 4
        actual = features.transform(others).toarray()
        assert actual.shape[1] == features.n_features == first + 3 * n_ends**2 + 3
        hats = []
        for column in range(3):
            ends = np.quantile(self.ROWS[:, column].astype(float), [0, 1 / 3, 2 / 3, 1])
            ends = np.unique(ends)
            of_ends = [np.interp(others[:, column], ends, unit) for unit in np.eye(len(ends))]
            of_ends += [np.zeros(20)] * (n_ends - len(ends))
            hats.append(np.stack(of_ends, axis=1))
        expected = [
            np.einsum("ra,rb->rab", hats[left], hats[right]).reshape(20, -1)
            for left, right in ((0, 1), (0, 2), (1, 2))
        ]
        found = actual[:, first:-3]
        assert_allclose(found, TABLE_SHARE * np.hstack(expected), rtol=1e-3, atol=1e-5)
        assert_allclose(found.sum(axis=1), 3 * TABLE_SHARE, rtol=1e-5)

    def test_one_number_has_none_to_be_read_with(self):
        features = table_features(self.ROWS[:, :1], table(1), n_crossed=3)
        assert features.described() == WideSpec(n_bins=4)
        assert features.n_features == features.transform(self.ROWS[:, :1]).shape[1] == 5

    def test_a_wide_array_costs_no_room_for_pairs(self):
        spec = InputSpec("vector", "array", (3000,))
        tracemalloc.start()
        part = features_of(spec, crossed=True)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert part.n_features == 3000
        assert most < 2**20

    def test_a_constant_column_adds_nothing_to_the_other(self):
        rows = self.ROWS[:, :2].copy()
        rows[:, 1] = 7
        actual = table_features(rows, table(2), n_crossed=3).transform(rows).toarray()
        products = actual[:, 2 + 8 :].reshape(60, 4, 4)
        assert_array_equal(products[:, :, 1:], 0)


class TestWhatIsRead:
    @pytest.mark.parametrize(
        "spec",
        [
            InputSpec("photo", "image", (8, 8, 3), "uint8"),
            InputSpec("visits", "sequence", (5, 3), step_mask=True),
            InputSpec("counts", "array", (50,), sparse=True),
            InputSpec("grid", "array", (4, 4)),
        ],
        ids=lambda spec: spec.name,
    )
    def test_pictures_sequences_and_sparse_arrays_are_not(self, spec):
        assert features_of(spec, pairs=True) is None

    def test_texts_have_pairs_if_wanted_and_tags_never(self):
        tags = InputSpec("tags", "tags", (4,), "int32", vocabulary_size=9)
        assert features_of(NOTE, pairs=True).n_features == N_WORDS + N_PAIRS
        assert features_of(NOTE, pairs=False).n_features == N_WORDS
        assert features_of(tags, pairs=True).n_features == 9

    @pytest.mark.parametrize(("n_numbers", "n_crossed"), [(2, 4), (12, 4), (13, 0), (1, 0)])
    def test_a_few_numbers_are_crossed_if_wanted(self, n_numbers, n_crossed):
        assert features_of(table(n_numbers), crossed=True).n_crossed == n_crossed
        assert features_of(table(n_numbers)).n_crossed == 0
        array = InputSpec("vector", "array", (n_numbers,))
        assert features_of(array, crossed=True).n_crossed == 0

    def test_tables_have_intervals_unless_they_are_wide_and_arrays_have_none(self):
        assert features_of(table(MAX_BINNED), pairs=False).n_bins == N_BINS
        assert features_of(table(MAX_BINNED + 1), pairs=False).n_bins == 0
        assert features_of(InputSpec("vector", "array", (5,)), pairs=False).n_bins == 0
