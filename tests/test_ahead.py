import threading
from collections.abc import Iterator

import pytest
from anir_toolchain.ahead import ahead


def test_each_item_is_made_while_the_one_before_is_used() -> None:
    begun = [threading.Event() for _ in range(4)]

    def items() -> Iterator[int]:
        for number, event in enumerate(begun):
            event.set()
            yield number

    for number, item in enumerate(ahead(items())):
        assert item == number
        # This would time out if the next item were made only when it is requested.
        assert begun[min(number + 1, 3)].wait(10)
        assert not any(event.is_set() for event in begun[number + 2 :])


def test_an_error_is_raised_where_its_item_is_requested() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    numbers = ahead(items())
    assert next(numbers) == 1
    with pytest.raises(ValueError, match="no more"):
        next(numbers)
