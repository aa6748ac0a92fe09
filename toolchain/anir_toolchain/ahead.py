"""Work on one thing while the next one is made."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The items in turn, none of which is None: the next one is made in a thread while one is used."""
    with ThreadPoolExecutor(1) as beside:
        following = beside.submit(next, items, None)
        while (item := following.result()) is not None:
            following = beside.submit(next, items, None)
            yield item
