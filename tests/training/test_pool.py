"""The pool of idle networks: each has one owner or none, and there are not too many."""

import gc
import threading
import weakref

import pytest

from skmerge.training._pool import NetworkPool


class Network:
    def __init__(self, key, n_bytes=1):
        self.key = key
        self.n_bytes = n_bytes


class Owner:
    pass


@pytest.fixture
def pool():
    return NetworkPool(max_networks=3, max_bytes=100)


def give_back(pool, *networks):
    for network in networks:
        pool.lend(network, Owner())  # an owner that is gone at once


def test_a_network_comes_back_when_its_owner_is_gone(pool):
    network, owner = Network("a"), Owner()
    pool.lend(network, owner)
    assert pool.borrow("a") is None
    del owner
    assert len(pool) == 1
    assert pool.borrow("a") is network
    assert pool.borrow("a") is None


def test_only_a_network_of_the_same_structure_is_lent(pool):
    give_back(pool, Network("a"))
    assert pool.borrow("b") is None
    assert len(pool) == 1


def test_a_network_without_a_key_does_not_come_back(pool):
    network, owner = Network("a"), Owner()
    pool.lend(network, owner)
    network.key = None  # somebody holds it
    del owner
    assert len(pool) == 0
    assert pool.borrow(None) is None


def test_those_given_back_longest_ago_go_first_where_there_are_too_many(pool):
    networks = [Network(key) for key in "abcd"]
    give_back(pool, *networks)
    assert len(pool) == 3
    assert pool.borrow("a") is None
    assert pool.borrow("d") is networks[3]


def test_the_size_of_all_together_is_bounded(pool):
    give_back(pool, Network("a", 60), Network("b", 60))
    assert pool.borrow("a") is None
    assert pool.borrow("b") is not None
    give_back(pool, Network("c", 101))
    assert len(pool) == 0


def test_what_is_too_much_is_let_go_of(pool):
    network = Network("a", 101)
    gone = weakref.ref(network)
    give_back(pool, network)
    del network
    assert len(pool) == 0
    gc.collect()
    assert gone() is None


def test_clear_forgets_what_nobody_has(pool):
    kept, owner = Network("a"), Owner()
    pool.lend(kept, owner)
    give_back(pool, Network("b"))
    pool.clear()
    assert len(pool) == 0
    del owner
    assert pool.borrow("a") is kept


def test_threads_never_get_the_same_network():
    pool = NetworkPool(max_networks=50)
    give_back(pool, *(Network("a") for _ in range(40)))
    taken, barrier = [], threading.Barrier(8)

    def take():
        barrier.wait()
        for _ in range(10):
            taken.append(pool.borrow("a"))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    networks = [network for network in taken if network is not None]
    assert len(networks) == len({id(network) for network in networks}) == 40


def test_an_owner_may_end_while_the_pool_is_locked(pool):
    owner = Owner()
    pool.lend(Network("a"), owner)
    with pool._lock:
        del owner  # as the garbage collector may, at any moment
    assert pool.borrow("a") is not None
