"""Threads of a training: a pool for torch's operations, and interrupts deferred to the end of a step."""

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch
from anir_runtime.interrupts import saving


@contextmanager
def worker_threads(count: int | None = None) -> Iterator[ThreadPoolExecutor]:
    """Yields a pool of `count` threads, by default as many as torch has, each with torch single-threaded.

    Small operations gain little from several threads, and synchronizing these is slow on a busy machine.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        # Set in each thread, as OpenMP's number of threads is thread-local.
        with ThreadPoolExecutor(count or threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield pool
    finally:
        torch.set_num_threads(threads)


@contextmanager
def deferred_interrupt() -> Iterator[Callable[[], bool]]:
    """Keeps Ctrl-C from raising KeyboardInterrupt; yields a function that says whether it was pressed.

    Outside the main thread, where Python handles no signals, that function always returns False.
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
