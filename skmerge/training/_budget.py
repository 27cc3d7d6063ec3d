"""A bound on the weights of a network that is built from a description nobody vouches for.

Enters: a number of weights. Leaves: an error before more than these take memory.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras


@contextmanager
def at_most(n_weights: int) -> Iterator[None]:
    """Bound the weights that layers add in this thread while the context is open.

    Parameters
    ----------
    n_weights : int
        How many there may be.

    Yields
    ------
    None
        Nothing.

    Raises
    ------
    ValueError
        From within, if a layer would add more.
    """
    own, thread, left = keras.layers.Layer.add_weight, threading.get_ident(), n_weights

    def add_weight(layer: Any, *args: Any, **named: Any) -> Any:
        nonlocal left
        if threading.get_ident() == thread:
            left -= math.prod(named.get("shape", args[0] if args else None) or ())
            if left < 0:
                raise ValueError(f"The network must have at most {n_weights:,} weights.")
        return own(layer, *args, **named)

    keras.layers.Layer.add_weight = add_weight
    try:
        yield
    finally:
        keras.layers.Layer.add_weight = own
