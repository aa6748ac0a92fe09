import os
import signal
import threading

import torch
from anir_toolchain.threads import deferred_interrupt, worker_threads


def test_every_worker_runs_torch_on_one_thread() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with worker_threads() as pool:
            assert list(pool.map(lambda _: torch.get_num_threads(), range(6))) == [1] * 6
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_a_deferred_interrupt_is_noted_and_not_raised() -> None:
    handler = signal.getsignal(signal.SIGINT)
    with deferred_interrupt() as interrupted:
        assert not interrupted()
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupted()
    assert signal.getsignal(signal.SIGINT) is handler


def test_threads_other_than_the_main_one_leave_signals_alone() -> None:
    told: list[bool] = []

    def work() -> None:
        with deferred_interrupt() as interrupted:
            told.append(interrupted())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert told == [False]
