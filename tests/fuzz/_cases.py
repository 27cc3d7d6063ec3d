"""How many cases each property is tried on: few and always the same, or, by `make fuzz`, many."""

import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, settings

IS_LONG = os.environ.get("SKMERGE_FUZZ") == "long"
COUNTS: dict[str, Counter] = {}


def cases(strategy, *, few, many):
    """Turn a check of one case into a test of `few` cases, or of `many` by ``make fuzz``.

    The check returns something false where the library refused the case.
    """

    def decorate(check):
        name = check.__name__.removeprefix("test_")
        arguments = {} if IS_LONG else {"derandomize": True, "database": None}

        @pytest.mark.fuzz
        @pytest.mark.filterwarnings("ignore:Generating overly large repr")
        @pytest.mark.filterwarnings("ignore:overflow encountered in cast")  # a repr of float16
        @settings(
            max_examples=many if IS_LONG else few,
            deadline=None,  # each call has a limit of its own
            suppress_health_check=list(HealthCheck),
            phases=[phase for phase in Phase if phase is not Phase.explain],
            **arguments,
        )
        @given(strategy)
        def test(case):
            counts = COUNTS.setdefault(name, Counter())
            counts["cases"] += 1
            if check(case):
                counts["results"] += 1
            else:
                counts["refused"] += 1

        test.__name__ = test.__qualname__ = check.__name__
        test.__doc__ = check.__doc__
        return test

    return decorate
