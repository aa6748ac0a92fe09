"""Tests `anir_runtime.terminal`, partly in separate processes with a shell's redirections."""

import os
import subprocess
import sys
import warnings
from collections.abc import Callable

import pytest
from anir_runtime.errors import AnirError, AnirWarning, InterruptError, UsageError
from anir_runtime.terminal import guarded, printable

COMMANDS = """
import sys, warnings
from anir_runtime.errors import AnirError, AnirWarning
from anir_runtime.terminal import guarded, say, tell

def much():
    for i in range(30_000):
        say(f"line {i}")

def fail():
    raise AnirError("it failed")

def names():
    say("\\u25cf caf\\xe9 \\U0001f600 \\x1b[31m \\udcff")
    tell("\\u25cf caf\\xe9")

def warn():
    warnings.warn("careful\\x1b", AnirWarning)

sys.exit(guarded("anir-x", {command}))
"""


def _run(command: str, redirections: str = "", **environment: str) -> tuple[int, bytes, bytes]:
    done = subprocess.run(
        [
            "bash",
            "-c",
            f'"$0" -c "$1" {redirections}',
            sys.executable,
            COMMANDS.replace("{command}", command),
        ],
        capture_output=True,
        env=os.environ | environment,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("redirection", [">&-", ">/dev/full"])
def test_output_that_cannot_be_written_is_an_error(redirection: str) -> None:
    for command in ("much", "lambda: say('short')"):
        code, _, error = _run(command, redirection)
        assert code == 1
        assert error.startswith(b"anir-x: standard output cannot be written (")
        assert error.count(b"\n") == 1


def test_a_broken_pipe_is_an_error_of_one_line() -> None:
    code, out, error = _run("much", "| head -n 1; exit ${PIPESTATUS[0]}")
    assert (code, out) == (1, b"line 0\n")
    assert error == b"anir-x: standard output cannot be written (Broken pipe)\n"


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "2>&- >&-", "<&-"])
def test_the_exit_code_is_right_even_if_the_message_cannot_be_written(redirection: str) -> None:
    code, out, error = _run("fail", redirection)
    assert code == 1
    assert out == b""
    assert b"Traceback" not in error


def test_a_closed_standard_input_is_empty() -> None:
    code, out, error = _run("lambda: say(str(sys.stdin.buffer.read()))", "<&-")
    assert (code, out, error) == (0, b"b''\n", b"")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1", "utf-8"])
def test_any_encoding_can_show_any_name(encoding: str) -> None:
    code, out, error = _run("names", PYTHONIOENCODING=encoding)
    assert (code, error.count(b"\n")) == (0, 1)
    text = out.decode(encoding)
    assert "\\x1b[31m" in text
    assert "\\udcff" in text
    assert ("●" if encoding == "utf-8" else "\\u25cf") in text
    assert ("caf\\xe9" if encoding == "ascii" else "café") in text


def test_warnings_are_one_line() -> None:
    assert _run("warn") == (0, b"", b"anir-x: careful\\x1b\n")


def _raising(error: BaseException) -> Callable[[], object]:
    def command() -> object:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (AnirError("a\nb"), 1, "a b"),
        (UsageError("so not"), 2, "so not"),
        (InterruptError("interrupted; all is well"), 130, "interrupted; all is well"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 1, "not enough memory; choose a smaller size"),
        (PermissionError(13, "Permission denied", "a.png"), 1, "a.png: Permission denied"),
    ],
)
def test_errors_are_one_line_and_an_exit_code(
    error: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded("anir-x", _raising(error)) == code
    assert capsys.readouterr() == ("", f"anir-x: {line}\n")


def test_results_and_system_exit_become_exit_codes() -> None:
    assert [guarded("x", lambda value=value: value) for value in (None, "text", 0, 3)] == [0, 0, 0, 3]
    assert guarded("x", _raising(SystemExit(2))) == 2


def test_warnings_outside_commands_are_unaffected() -> None:
    before = warnings.showwarning
    guarded("x", lambda: None)
    assert warnings.showwarning is before
    with pytest.warns(AnirWarning):
        warnings.warn("seen", AnirWarning, stacklevel=1)


def test_printable_text_is_left_alone() -> None:
    assert printable("Grüße, 世界 ●") == "Grüße, 世界 ●"
    assert printable("\x00\x1b\x7f\x9b\u202e\n") == r"\x00\x1b\x7f\x9b\u202e\n"
