"""What waits for what: an order in which everything comes after what it waits for, or a cycle."""

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Generic, TypeVar

Node = TypeVar("Node")
Waits = Mapping[Node, Collection[Node]]
"""For what each waits; who is not named waits for nothing."""


@dataclass(frozen=True, slots=True)
class Ordered(Generic[Node]):
    """All that wait and all that are waited for, in an order that works, and what has none.

    In `order` each comes after what it waits for. In each of `cycles` every one waits for the next,
    and the last for the first; none is in two of them, and without them there is no further one.
    """

    order: Sequence[Node]
    cycles: Sequence[Sequence[Node]]


def in_order(waits: Waits[Node]) -> Ordered[Node]:
    """Put things into an order, by one walk through all of them (depth first).

    Args:
        waits: For what each waits, in the order in which they are looked at.
    """
    order: list[Node] = []
    cycles: list[Sequence[Node]] = []
    seen: set[Node] = set()
    for first in chain(waits, chain.from_iterable(waits.values())):
        path: list[tuple[Node, Iterator[Node]]] = []
        on_path: dict[Node, int] = {}
        upcoming: Node | None = None if first in seen else first
        while path or upcoming is not None:
            if upcoming is not None:
                seen.add(upcoming)
                on_path[upcoming] = len(path)
                path.append((upcoming, iter(waits.get(upcoming, ()))))
                upcoming = None
                continue
            node, rest = path[-1]
            following = next(rest, None)
            if following is None:
                path.pop()
                del on_path[node]
                order.append(node)
            elif following in on_path:
                begin = on_path[following]
                cycles.append([one for one, _ in path[begin:]])
                for one, _ in path[begin:]:
                    del on_path[one]
                del path[begin:]
            elif following not in seen:
                upcoming = following
    return Ordered(order, cycles)


def cycle_through(start: Node, waits: Waits[Node]) -> Sequence[Node]:
    """Return a shortest cycle through one of them, beginning with it; empty if there is none."""
    before: dict[Node, Node] = {}
    ahead = deque([start])
    while ahead:
        node = ahead.popleft()
        for following in waits.get(node, ()):
            if following == start:
                return _back(start, node, before)
            if following not in before:
                before[following] = node
                ahead.append(following)
    return ()


def _back(start: Node, last: Node, before: Mapping[Node, Node]) -> Sequence[Node]:
    path = [last]
    while path[-1] != start:
        path.append(before[path[-1]])
    return path[::-1]
