"""A kind of file whose text says how opening it misbehaves, to test that the fuzzer notices."""

import os
import signal
import time

from anir_runtime.errors import AnirError

from tests.fuzz.carriers import Carrier


def _open(data: bytes) -> None:
    match data:
        case b"refused":
            raise AnirError("no picture")
        case b"two lines":
            raise AnirError("no\npicture")
        case b"raised":
            raise ValueError("raised")
        case b"memory":
            bytearray(300 << 20)
        case b"time":
            end = time.process_time() + 2.1
            while time.process_time() < end:
                pass
        case b"crash":
            os.kill(os.getpid(), signal.SIGSEGV)


PROBE = Carrier("probe", lambda: [b"sound"], [], _open)
