"""Threads of a training: workers for torch's operations, and interrupts that wait for the end of a step."""

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch
from anir_runtime.interrupts import saving


@contextmanager
def worker_threads(count: int | None = None) -> Iterator[ThreadPoolExecutor]:
    """A pool of `count` threads, or as many as torch has, each of which runs torch's operations alone.

    Small operations gain little from several threads, which wait for one another badly on a busy machine.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        # Said in each thread, as OpenMP keeps the number for each.
        with ThreadPoolExecutor(count or threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield pool
    finally:
        torch.set_num_threads(threads)


@contextmanager
def deferred_interrupt() -> Iterator[Callable[[], bool]]:
    """Keeps Ctrl-C from raising KeyboardInterrupt: yields a function that tells whether it was pressed.

    In another thread than the main one, where Python handles no signals, that function is always false.
    """
    pressed = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield pressed.is_set
        return
    previous = signal.signal(signal.SIGINT, lambda *_: pressed.set())
    try:
        with saving():
            yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, previous)
