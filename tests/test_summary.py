import io
from pathlib import Path

from anir_toolchain.jobs import Job, Outcome
from anir_toolchain.summary import as_summary, failures, one_line
from rich.console import Console


def _outcome(name: str, **values: object) -> Outcome:
    return Outcome(Job(Path(name), Path("models") / f"{name}.pt"), **values)  # type: ignore[arg-type]


def test_one_picture_is_summarized_in_one_line() -> None:
    fitted = _outcome("a.jpg", fitted=True, bytes=12345, psnr=27.04, seconds=12.3)
    assert one_line(fitted) == "models/a.jpg.pt: a.jpg, 12,345 bytes, about 27.0 dB at best, 12 s"
    assert one_line(_outcome("a.jpg", bytes=9)) == "models/a.jpg.pt: done already; --force fits it again"


def test_several_pictures_are_summarized_in_a_table() -> None:
    outcomes = [
        _outcome("c.jpg", failure="no picture"),
        _outcome("[red]\x1bb.jpg", bytes=2000),
        _outcome("a.jpg", fitted=True, bytes=1000, psnr=27.04, seconds=12.3),
        _outcome("d.jpg", fitted=True, bytes=500, psnr=30.0, seconds=7.9),
    ]
    file = io.StringIO()
    Console(file=file, width=80).print(as_summary(outcomes))
    rows = [line.split() for line in file.getvalue().splitlines()]
    for row in (
        ["[red]\\x1bb.jpg", "2,000", "before"],
        ["a.jpg", "1,000", "27.0", "12"],
        ["c.jpg", "failed"],
        ["d.jpg", "500", "30.0", "8"],
        ["2", "fitted,", "1", "done", "before,", "1", "failed", "3,500", "20"],
    ):
        assert row in rows


def test_of_very_many_pictures_only_failures_are_listed() -> None:
    outcomes = [_outcome(f"{i:04}.jpg", fitted=True, bytes=1, seconds=1.0) for i in range(1200)]
    outcomes += [_outcome(f"bad{i:02}.jpg", failure="no picture") for i in range(22)]
    file = io.StringIO()
    Console(file=file, width=80).print(as_summary(outcomes))
    rows = [line.split() for line in file.getvalue().splitlines()]
    assert [row for row in rows if "failed" in row[1:2]] == [[f"bad{i:02}.jpg", "failed"] for i in range(22)]
    assert ["1,200", "fitted,", "0", "done", "before,", "22", "failed", "1,200", "1200"] in rows
    assert not any("0000.jpg" in row for row in rows)
    assert failures(outcomes).startswith("22 of 1,222 pictures failed: bad00.jpg, bad01.jpg, ")
    assert failures(outcomes).endswith(", bad19.jpg and 2 more")
    assert failures(outcomes[:1200]) == ""
