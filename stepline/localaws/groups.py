"""Groups items for requests that take a limited number of items and bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def grouped(
    items: Iterable[Item], size: Callable[[Item], int], *, max_items: int, max_bytes: int
) -> Iterator[list[Item]]:
    """Yield as many items at a time as fit, in their order; one that is too large alone is a group."""
    group: list[Item] = []
    group_bytes = 0
    for item in items:
        item_bytes = size(item)
        if group and (len(group) == max_items or group_bytes + item_bytes > max_bytes):
            yield group
            group, group_bytes = [], 0
        group.append(item)
        group_bytes += item_bytes
    if group:
        yield group
