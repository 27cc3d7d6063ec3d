"""Compiled networks that nobody uses, kept for the next fit that needs such a one.

Enters: a network whose owner is gone. Leaves: the same network for another owner. At any time a
network has one owner, or is here.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Any, Protocol


class Poolable(Protocol):
    """What the pool keeps: a compiled network."""

    key: Hashable | None
    n_bytes: int


class NetworkPool:
    """Compiled networks by their structure.

    Parameters
    ----------
    max_networks : int, default=32
        Number of networks kept at most; those given back longest ago go first.
    max_bytes : int, default=2**29
        Size of their variables together at most.
    """

    def __init__(self, max_networks: int = 32, max_bytes: int = 2**29) -> None:
        self._max_networks = max_networks
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._idle: OrderedDict[int, Poolable] = OrderedDict()
        # An owner's end is told by the garbage collector, in any thread and at any moment, also
        # while this thread holds the lock. Appending to a deque needs none.
        self._returned: deque[Poolable] = deque()

    def borrow(self, key: Hashable) -> Any:
        """Take a network out.

        Parameters
        ----------
        key : hashable
            The structure wanted.

        Returns
        -------
        network or None
            One that nobody else has, if there is one.
        """
        with self._lock:
            self._settle()
            for number in reversed(self._idle):
                if self._idle[number].key == key:
                    return self._idle.pop(number)
        return None

    def lend(self, network: Poolable, owner: object) -> None:
        """Note who has a network; it comes back when the owner is garbage-collected.

        Parameters
        ----------
        network : Poolable
            The network. It must hold no reference to the owner.
        owner : object
            Who has it.
        """
        weakref.finalize(owner, self._returned.append, network).atexit = False

    def clear(self) -> None:
        """Forget all networks that nobody has."""
        with self._lock:
            self._settle()
            self._idle.clear()

    def __len__(self) -> int:
        with self._lock:
            self._settle()
            return len(self._idle)

    def _settle(self) -> None:
        """Take in what came back, and let go of what is too much. Needs the lock."""
        while self._returned:
            network = self._returned.popleft()
            if network.key is not None:
                self._idle[id(network)] = network
                self._idle.move_to_end(id(network))
        size = sum(network.n_bytes for network in self._idle.values())
        while self._idle and (len(self._idle) > self._max_networks or size > self._max_bytes):
            _, network = self._idle.popitem(last=False)
            size -= network.n_bytes
