"""Routers and encoders on DataFrames of anything: the same rows out, or an error that says why."""

from hypothesis import strategies as st

from skmerge import ColumnRouter

from ._cases import cases
from ._frames import drifting, entries, frames, odd_frames
from ._routing import check_drift, check_entries, check_router

KINDS = st.sampled_from(["tabular", "text", "image", "tags", "sequence", "array"])
SHORT_NAMES = st.sampled_from("abcde")


def router_of(frame, kinds, together):
    """Return a router that is told the kinds of columns."""
    names = list(frame.columns)
    inputs = {"all": (kinds[0], names)} if together else dict(zip(names, kinds, strict=False))
    return ColumnRouter(inputs)


@cases(frames(), few=80, many=3000)
def test_rows_are_routed_alike_or_refused(frame):
    return check_router(frame)


@cases(frames(), few=8, many=300)
def test_saved_routers_route_alike(frame):
    return check_router(frame, save=True)


@cases(odd_frames(), few=6, many=120)
def test_frames_of_odd_shapes_are_routed_alike_or_refused(frame):
    return check_router(frame)


@cases(drifting(), few=40, many=1500)
def test_other_columns_than_in_fit_are_read_or_refused(pair):
    return check_drift(pair)


@cases(
    st.tuples(frames(max_columns=2, names=SHORT_NAMES), st.tuples(KINDS, KINDS), st.booleans()),
    few=50,
    many=1500,
)
def test_columns_of_a_kind_that_is_told_are_read_or_refused(case):
    frame, kinds, together = case
    return check_router(frame, router_of(frame, kinds, together))


@cases(
    st.tuples(
        drifting(),
        st.tuples(KINDS, KINDS, KINDS, KINDS),
        st.booleans(),
        st.sampled_from(["error", "absent"]),
    ),
    few=40,
    many=1500,
)
def test_other_columns_of_a_kind_that_is_told_are_read_or_refused(case):
    pair, kinds, together, missing_inputs = case
    router = router_of(pair[0], kinds, together).set_params(missing_inputs=missing_inputs)
    return check_drift(pair, router)


@cases(entries(), few=60, many=2000)
def test_what_is_no_frame_is_routed_alike_or_refused(X):
    return check_entries(X)
