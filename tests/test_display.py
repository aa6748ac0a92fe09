import io
import time

import pytest
from anir_toolchain import display as module
from anir_toolchain.display import BarDisplay, LineDisplay, show
from anir_toolchain.progress import Progress
from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import TextColumn

AT = Progress("fit", 120, 1000, {"d2w8": 22.14, "d5w24": 27.0})


def test_progress_lines_report_every_picture_in_progress(capsys: pytest.CaptureFixture[str]) -> None:
    lines = LineDisplay(3)
    lines.advance("a.jpg", AT)
    lines.advance("\x1bb.jpg", Progress("codes", 0, 1000, {}))
    lines.print()
    lines.finish("a.jpg", "")
    lines.finish("\x1bb.jpg", "failed")
    lines.print()
    assert capsys.readouterr().err.splitlines() == [
        "0 of 3 pictures; a.jpg: fit, step 120 of 1000, d2w8 22.1 d5w24 27.0 dB; "
        r"\x1bb.jpg: codes, step 0 of 1000",
        "2 of 3 pictures",
    ]


def test_a_picture_that_is_not_trained_has_no_steps(capsys: pytest.CaptureFixture[str]) -> None:
    lines = LineDisplay(1)
    lines.advance("a.jpg", Progress("codes", 0, 0, {}))
    lines.print()
    assert capsys.readouterr().err == "a.jpg: codes\n"
    display, bars = _bars(1)
    display.advance("a.jpg", Progress("codes", 0, 0, {}))
    assert _shown(bars) == [("codes ", "")]
    bars.stop()


def test_without_a_terminal_progress_lines_are_printed_at_intervals(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.01)
    with show(1) as display:
        display.advance("", AT)
        for _ in range(1000):
            time.sleep(0.01)
            if (error := capsys.readouterr().err).count("\n") >= 2:
                break
    assert set(error.splitlines()) == {"fit, step 120 of 1000, d2w8 22.1 d5w24 27.0 dB"}


def test_a_short_job_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with show(1) as display:
        display.advance("a.jpg", AT)
    assert capsys.readouterr().err == ""


def test_quiet_prints_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.01)
    with show(2, quiet=True) as display:
        display.advance("a.jpg", AT)
        time.sleep(0.05)
        display.finish("a.jpg", "")
    assert capsys.readouterr().err == ""


def _bars(total: int) -> tuple[BarDisplay, Bars]:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    bars = Bars(
        TextColumn("{task.description}", markup=False), TextColumn("{task.fields[state]}"), console=console
    )
    return BarDisplay(bars, total), bars


def _shown(bars: Bars) -> list[tuple[str, str]]:
    return [(task.description, task.fields["state"]) for task in bars.tasks]


def test_one_picture_has_one_bar() -> None:
    display, bars = _bars(1)
    display.advance("a.jpg", AT)
    assert _shown(bars) == [("fit   ", "step 120/1000 d2w8 22.1 d5w24 27.0 dB")]
    assert bars.live.is_started
    bars.stop()


def test_several_pictures_have_a_bar_each_and_one_for_all() -> None:
    display, bars = _bars(3)
    display.advance("[red]a.jpg\x1b", AT)
    display.advance("b.jpg", AT)
    assert [name for name, _ in _shown(bars)] == ["pictures", "[red]a.jpg\\x1b: fit   ", "b.jpg: fit   "]
    display.finish("b.jpg", "it failed")
    display.finish("c.jpg", "")
    assert _shown(bars)[0] == ("pictures", "2/3, 1 failed")
    assert len(bars.tasks) == 2
    bars.stop()


def test_a_batch_has_a_bar_until_it_leaves() -> None:
    display, bars = _bars(3)
    display.advance("a.jpg and 1 more", AT)
    display.finish("a.jpg", "")
    display.finish("b.jpg", "")
    assert [name for name, _ in _shown(bars)] == ["pictures", "a.jpg and 1 more: fit   "]
    display.leave("a.jpg and 1 more")
    assert _shown(bars) == [("pictures", "2/3")]
    bars.stop()


def test_a_batch_is_in_the_progress_line_until_it_leaves(capsys: pytest.CaptureFixture[str]) -> None:
    lines = LineDisplay(3)
    lines.advance("a.jpg and 1 more", AT)
    lines.finish("a.jpg", "")
    lines.finish("b.jpg", "")
    lines.print()
    lines.leave("a.jpg and 1 more")
    lines.print()
    assert capsys.readouterr().err.splitlines() == [
        "2 of 3 pictures; a.jpg and 1 more: fit, step 120 of 1000, d2w8 22.1 d5w24 27.0 dB",
        "2 of 3 pictures",
    ]
