from typing import Any

import pytest

from bench.tables import bjontegaard, compared, depths, headline


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


def test_results_over_different_numbers_of_pictures_are_not_compared() -> None:
    few, all_of_them = _result("siren", [], pictures=5), _result("lapped", [])
    with pytest.raises(ValueError, match=r"different numbers of pictures: \[5, 24\]"):
        compared(all_of_them, few)


def test_bjontegaard_leaves_out_curves_that_do_not_overlap() -> None:
    assert bjontegaard(_result("lapped", [])).split("\n")[4:] == ["| JPEG | −43 % | +2.50 |"]


def test_depths_are_averaged_over_widths_and_the_pictures_of_all_families() -> None:
    def result(family: str, **psnr: float) -> dict[str, Any]:
        subnets = [{"name": f"d{k}w{w}"} for k in (2, 3, 4, 5) for w in (8, 12)]
        rows = {
            name: {"subnets": [own | {"psnr": own_psnr + float(own["name"][1])} for own in subnets]}
            for name, own_psnr in psnr.items()
        }
        return _result(family, []) | {"pictures": rows}

    table = depths(result("siren", a=10, b=20, c=99), result("gabor", a=12, b=20))
    assert "over 2 Kodak pictures (a, b)" in table
    assert table.split("\n")[-2:] == [
        "| siren | 17.00 | 18.00 | 19.00 | 20.00 |",
        "| gabor | 18.00 | 19.00 | 20.00 | 21.00 |",
    ]
