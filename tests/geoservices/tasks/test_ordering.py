"""Orders and cycles, held against what the standard library finds."""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.tasks.ordering import cycle_through, in_order

NODES = st.integers(0, 9)
GRAPHS = st.dictionaries(NODES, st.sets(NODES, max_size=4))


def is_cyclic(waits: Mapping[int, set[int]]) -> bool:
    """What graphlib says."""
    try:
        TopologicalSorter(waits).prepare()
    except CycleError:
        return True
    return False


def all_of(waits: Mapping[int, set[int]]) -> set[int]:
    """All that wait or are waited for."""
    return set(waits).union(*waits.values())


@given(GRAPHS)
def test_everything_comes_after_what_it_waits_for_or_is_in_a_cycle(
    waits: dict[int, set[int]],
) -> None:
    """Each in one of the two, once."""
    found = in_order(waits)

    told = [*found.order, *(one for cycle in found.cycles for one in cycle)]
    assert sorted(told) == sorted(all_of(waits))
    place = {node: number for number, node in enumerate(found.order)}
    for node in found.order:
        assert all(place[one] < place[node] for one in waits.get(node, ()) if one in place)


@given(GRAPHS)
def test_a_cycle_is_one_and_there_is_one_whenever_there_is_no_order(
    waits: dict[int, set[int]],
) -> None:
    """As graphlib finds; without those that were found there is none left."""
    cycles = in_order(waits).cycles

    for cycle in cycles:
        following = [*cycle[1:], cycle[0]]
        assert all(after in waits[one] for one, after in zip(cycle, following, strict=True))
    assert bool(cycles) is is_cyclic(waits)
    gone = {one for cycle in cycles for one in cycle}
    assert not is_cyclic({node: ahead - gone for node, ahead in waits.items() if node not in gone})


@given(NODES, GRAPHS)
def test_a_cycle_through_one_is_a_shortest(start: int, waits: dict[int, set[int]]) -> None:
    """Those that can be reached in so many steps are told by sets, which know no paths."""
    cycle = cycle_through(start, waits)

    reached, steps = set(waits.get(start, ())), 1
    while start not in reached and steps <= len(all_of(waits)):
        reached, steps = reached.union(*(waits.get(one, set()) for one in reached)), steps + 1
    assert len(cycle) == (steps if start in reached else 0)
    assert not cycle or cycle[0] == start


@pytest.mark.parametrize("length", [1, 20_000])
def test_a_long_chain_costs_no_recursion(length: int) -> None:
    """Nor does a cycle of all of them."""
    chain = {number: [number + 1] for number in range(length)}

    assert list(in_order(chain).order) == list(range(length, -1, -1))
    assert len(cycle_through(0, chain | {length: [0]})) == length + 1
