from typing import Any

import pytest

from bench.tables import bjontegaard, compared, headline


def _result(family: str, curve: list[list[float]], pictures: int = 24) -> dict[str, Any]:
    about = {"date": "2026-01-02", "processor": "P", "cores": 2, "torch": "2", "onnxruntime": "1"}
    codecs = {"JPEG": [[0.18, 25.0]], "JPEG2000": [], "WEBP": [], "AVIF": [[0.18, 28.654]]}
    against = {"JPEG": {"bd_rate_percent": -42.6, "bd_psnr_db": 2.5}, "coin (published)": None}
    summary = {
        "pictures": pictures,
        "curve": curve,
        "codec_curves": codecs,
        "encode_cpu_seconds": 74.4,
        "against": against,
    }
    config = {"family": family, "bits": 4, "preset": "fast"}
    return {"machine": about, "config": config, "summary": summary}


def test_headline_has_a_dash_where_a_curve_has_no_point() -> None:
    table = headline(_result("lapped", [[0.1, 24.75], [0.18, 27.484]]), _result("siren", [[0.1, 23.8]]))
    rows = table.split("\n")
    assert rows[2] == "| bits per pixel | anir, `lapped` | anir, `siren` | JPEG | JPEG 2000 | WebP | AVIF |"
    assert rows[4] == "| 0.1 | 24.75 | 23.80 | – | – | – | – |"
    assert rows[5] == "| 0.18 | 27.48 | – | 25.00 | – | – | 28.65 |"


def test_results_over_other_pictures_are_not_compared() -> None:
    few, all_of_them = _result("siren", [], pictures=5), _result("lapped", [])
    with pytest.raises(ValueError, match=r"different numbers of pictures: \[5, 24\]"):
        compared(all_of_them, few)


def test_bjontegaard_leaves_out_curves_that_do_not_overlap() -> None:
    assert bjontegaard(_result("lapped", [])).split("\n")[4:] == ["| JPEG | −43 % | +2.50 |"]
