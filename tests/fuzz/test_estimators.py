"""Estimators with tiny networks: targets, weights, parameters and frames of anything."""

from hypothesis import strategies as st

from skmerge import MergedNetClassifier

from ._cases import cases
from ._frames import frames
from ._networks import SMALL, check_fit, check_parameters, check_targets
from ._parameters import parameters
from ._targets import N_ROWS, WEIGHTS, targets


@cases(st.tuples(targets(), st.none() | WEIGHTS, st.booleans()), few=40, many=2500)
def test_targets_and_weights_are_learnt_or_refused(case):
    return check_targets(case)


@cases(parameters(), few=50, many=1000)
def test_parameters_are_taken_or_refused(case):
    return check_parameters(case)


@cases(frames(min_rows=N_ROWS, max_rows=N_ROWS, max_columns=3), few=2, many=50)
def test_frames_are_learnt_or_refused(frame):
    return check_fit(MergedNetClassifier(**SMALL), frame, [0, 1] * (N_ROWS // 2))
