import random

import numpy as np
import pytest

from skmerge.training._seeds import seeded_build


def draws():
    return random.random(), np.random.random()


def test_draws_inside_repeat_and_those_outside_go_on_undisturbed():
    random.seed(1)
    np.random.seed(1)
    expected = draws()
    random.seed(1)
    np.random.seed(1)
    with seeded_build(7):
        first = draws()
    with seeded_build(7):
        second = draws()
    assert first == second
    assert draws() == expected


def test_generators_are_restored_after_an_error():
    state = random.getstate()
    with pytest.raises(RuntimeError), seeded_build(7):
        raise RuntimeError
    assert random.getstate() == state
