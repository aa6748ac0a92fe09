"""The documents' tables, in Markdown, each from the JSON of one or more results in bench/results.

bench/documents.py says which table belongs where.
"""

from collections.abc import Sequence
from statistics import mean
from typing import Any

_CODECS = {
    "JPEG": "JPEG",
    "JPEG2000": "JPEG 2000",
    "WEBP": "WebP",
    "AVIF": "AVIF",
    "AVIF 4:4:4": "AVIF 4:4:4",
    "JXL": "JPEG XL",
}
"""Printed name of each codec, by its name in results."""
_HEADLINE_RATES = (0.1, 0.18, 0.25, 0.35, 0.5, 0.75, 1.0)
"""Bits per pixel of the rows of the README's table."""

Result = dict[str, Any]
"""The content of bench/results/<name>.json; the command that wrote it defines its fields."""


def demo(result: Result) -> str:
    """Returns the table of `make demo`: each level's bytes, PSNR and times."""
    source, where = result["source"], measured_with(result["machine"])
    picture = f"{result['picture']}, {source['width']}×{source['height']}"
    lines = [
        f"`make demo` on {picture}: `{result['family']}`, preset `{result['preset']}`, fitted in "
        f"{result['fit_seconds']:.0f} s ({where}). The levels of one `.anir` file, with the bytes up to the "
        "end of each.",
        "",
        "| level | name | bytes | bpp | PSNR dB | open ms | draw ms |",
        "|--:|---|--:|--:|--:|--:|--:|",
    ]
    for number, r in enumerate(result["subnets"], start=1):
        times = f"{r['open_ms']:.0f} | {r['decode_ms']:.0f}"
        numbers = f"{r['bytes']:,} | {r['bpp']:.3f} | {r['psnr']:.2f} | {times}"
        lines.append(f"| {number} | {r['name']} | {numbers} |")
    return "\n".join(lines)


def codecs(result: Result) -> str:
    """Compares the PSNR of the Pareto front with the best file of each codec that is no larger."""
    lines = [
        "The samples of `exported/`, preset `best`, against the best file of each codec that is no larger "
        f"(Pillow; {measured_with(result['machine'])}), PSNR in dB. "
        "In brackets: the codec's smallest file, which is larger than the network, and by which factor.",
        "",
        "| picture | network | bytes | bpp | anir | JPEG | WebP | AVIF |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for picture, rows in result["pictures"].items():
        best = 0.0
        for r in sorted(rows, key=lambda row: row["bytes"]):
            if r["psnr"] <= best:
                continue
            best = r["psnr"]
            others = " | ".join(_cell(r[codec], r["bytes"]) for codec in ("jpeg", "webp", "avif"))
            lines.append(
                f"| {picture} | {r['name']} | {r['bytes']:,} | {r['bpp']:.2f} | {r['psnr']:.2f} | {others} |"
            )
    return "\n".join(lines)


def supernet(result: Result) -> str:
    """Returns a line with the PSNR in dB that four bits and a shared training cost."""
    summary, config = result["summary"], result["config"]
    costs = [
        f"{what} **{summary['median'][kind]:.2f} dB** ({summary['most'][kind]:.2f} at most)"
        for kind, what in (("bits", "four bits"), ("sharing", "sharing one training"))
    ]
    return (
        f"- {config['family']}, preset `{config['preset']}`: {', '.join(costs)} "
        f"(median of the sixteen; {summary['pictures']} pictures, {measured_with(result['machine'])})"
    )


def decode(result: Result) -> str:
    """Returns speed and memory at 768×512 of subnets drawn in all ways; start-up, crops and huge PNGs."""
    lines = [
        f"Random weights at 768×512, medians of {result['repetitions']} alternating runs "
        f"({measured_with(result['machine'])}). ms: drawing the picture; in brackets, how many times as long "
        "other ways take. opening: reading the file, once. obvious graph: N×2 coordinates as input, a sine "
        "per pixel, an ONNX Runtime session with default options. torch: eager, in blocks of pixels; COIN's "
        "way: eager, all pixels at once. share: multiply-accumulates per second, counted as if the network "
        "were evaluated at every pixel, relative to those of a large matrix product in the same run, "
        f"{result['peak_gmacs']:.0f} · 10⁹/s; it exceeds 100% where pixels are interpolated from few points. "
        "MiB: peak memory of the whole process.",
        "",
        "| family | network | ms | opening | MPixel/s | share | MiB | obvious graph | torch | COIN's way |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for r in result["subnets"]:
        if r["size"] == "768x512" and "torch_ms" in r:
            others = " | ".join(
                f"{r[way]:,.0f} ({r[way] / r['ms']:.1f}×)" for way in ("obvious_ms", "torch_ms", "coin_ms")
            )
            times = f"{r['ms']:.0f} | {r['open_ms']:.0f} | {r['mpixel_s']:.1f}"
            numbers = f"{times} | {r['peak_share']:.0%} | {r['memory_mib']:.0f}"
            lines.append(f"| {r['family']} | {r['name']} | {numbers} | {others} |")
    crops = ", ".join(f"{c['pixel_share']:.1%} in {c['time_share']:.1%}" for c in result["crops"])
    lines += [
        "",
        f"`anir-run` as a whole process, smallest network: {result['cold_start_ms'] / 1e3:.2f} s. "
        f"Crops, share of the pixels in share of the time: {crops}.",
    ]
    if result["huge"]:
        sides = "; ".join(
            f"{h['side']}×{h['side']} in {h['ms'] / 1e3:.0f} s and {h['memory_mib']:.0f} MiB"
            for h in result["huge"]
        )
        lines.append(f"To a PNG, smallest network: {sides}.")
    return "\n".join(lines)


def _cell(codec: dict[str, float], budget: int) -> str:
    """Returns a codec's PSNR, in brackets with the factor if its file is larger than `budget` bytes."""
    larger = codec["bytes"] / budget
    return f"{codec['psnr']:.2f}" if larger <= 1 else f"({codec['psnr']:.2f}, {larger:.1f}×)"


def kodak(result: Result) -> str:
    """Returns mean curves over a set of pictures, ours and the codecs', and the means of each subnet."""
    summary, config = result["summary"], result["config"]
    curves = {codec: dict(own) for codec, own in summary["codec_curves"].items()}
    names = [_CODECS[codec] for codec in curves]
    lines = [
        f"Mean PSNR in dB over {summary['pictures']} Kodak pictures (768×512), {config['family']}, "
        f"{config['bits']} bits, preset `{config['preset']}` ({measured_with(result['machine'])}): "
        f"{_what_is_compared(summary)}, and codecs at that rate{_codecs_date(result)}. "
        f"Encoding all sixteen takes {summary['encode_seconds']:.0f} s a picture (median"
        f"{'; two at a time, a core each' if result.get('jobs', 1) == 2 else ''}).",
        "",
        f"| bpp | anir | {' | '.join(names)} |",
        "|--:" * (2 + len(names)) + "|",
    ]
    for bpp, psnr in summary["curve"]:
        others = (f"{own[bpp]:.2f}" if bpp in own else "–" for own in curves.values())
        lines.append(f"| {bpp} | {psnr:.2f} | {' | '.join(others)} |")
    lines += ["", "| name | bytes | bpp | payload bpp | PSNR dB | MS-SSIM |", "|---|--:|--:|--:|--:|--:|"]
    for r in summary["subnets"]:
        quality = f"{r['psnr']:.2f} ± {r['psnr_std']:.2f} | {r['ms_ssim']:.3f}"
        lines.append(
            f"| {r['name']} | {r['bytes']:,.0f} | {r['bpp']:.3f} | {r['payload_bpp']:.3f} | {quality} |"
        )
    return "\n".join(lines)


def _what_is_compared(summary: dict[str, Any]) -> str:
    if "decode_ms" in summary:
        return "the `.anir` file cut at the rate"
    return "each picture's best network within the rate"


def headline(lapped: Result, siren: Result) -> str:
    """Returns the README's table: the two main families and the codecs at a few rates, on equal pictures."""
    summaries = (lapped["summary"], siren["summary"])
    pictures = _same_pictures([lapped, siren])
    columns = {
        **{f"anir, `{r['config']['family']}`": dict(r["summary"]["curve"]) for r in (lapped, siren)},
        **{_CODECS[codec]: dict(own) for codec, own in summaries[0]["codec_curves"].items()},
    }
    times = " and ".join(f"{summary['encode_cpu_seconds']:.0f}" for summary in summaries)
    lines = [
        f"Mean PSNR in dB over the {pictures} Kodak pictures at equal file size; higher is better:",
        "",
        f"| bits per pixel | {' | '.join(columns)} |",
        "|--:" * (1 + len(columns)) + "|",
    ]
    for rate in _HEADLINE_RATES:
        cells = (f"{curve[rate]:.2f}" if rate in curve else "–" for curve in columns.values())
        lines.append(f"| {rate} | {' | '.join(cells)} |")
    lines += [
        "",
        "At 768×512 pixels, 0.18 bits per pixel are 8.8 kB. `lapped`: one `.anir` file, cut at each rate, "
        f"preset `{lapped['config']['preset']}`; `siren`: each picture's best file within the rate, preset "
        f"`{siren['config']['preset']}`. Making a picture's sixteen networks takes {times} s of processor "
        "time, respectively. Codecs: as Pillow writes them, AVIF 4:4:4 at speed 2, interpolated between "
        f"settings{_codecs_date(lapped)} ({measured_with(lapped['machine'])}).",
    ]
    return "\n".join(lines)


def _codecs_date(result: Result) -> str:
    """Returns when the codecs were measured, if their points come from an earlier result."""
    return f", measured on {result['codecs_measured']['date']}" if "codecs_measured" in result else ""


def compared(*results: Result) -> str:
    """Compares families and presets with one another and with JPEG, at fixed rates."""
    pictures, first = _same_pictures(results), results[0]
    rates = sorted({bpp for result in results for bpp, _ in result["summary"]["curve"]})
    rows = {"bpp": [f"{bpp}" for bpp in rates]}
    for result in results:
        config, summary = result["config"], result["summary"]
        label = (
            f"{config['family']}, {config['bits']} bits, `{config['preset']}`, "
            f"{summary['encode_cpu_seconds']:.0f} s"
        )
        rows[label] = _cells(summary["curve"], rates)
    rows["JPEG"] = _cells(first["summary"]["codec_curves"]["JPEG"], rates)
    header, *lines = (f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items())
    return "\n".join(
        [
            f"Mean PSNR in dB over {pictures} pictures, with the median processor time of making a picture's "
            f"sixteen networks (first row: {measured_with(first['machine'])}):",
            "",
            header,
            "|---" + "|--:" * len(rates) + "|",
            *lines,
        ]
    )


def depths(siren: Result, *others: Result) -> str:
    """Returns each family's mean PSNR by depth, over widths and the pictures that all results have."""
    results = (siren, *others)
    names = sorted(set.intersection(*(set(result["pictures"]) for result in results)))
    lines = ["| | 2 layers | 3 layers | 4 layers | 5 layers |", "|---|--:|--:|--:|--:|"]
    for result in results:
        subnets = [own for name in names for own in result["pictures"][name]["subnets"]]
        cells = [f"{mean(own['psnr'] for own in subnets if own['name'][1] == k):.2f}" for k in "2345"]
        lines.append(f"| {result['config']['family']} | {' | '.join(cells)} |")
    config = siren["config"]
    return "\n".join(
        [
            f"Mean PSNR in dB of four widths, over {len(names)} Kodak pictures ({', '.join(names)}), preset "
            f"`{config['preset']}`, {config['bits']} bits "
            f"(last row: {measured_with(others[-1]['machine'])}):",
            "",
            *lines,
        ]
    )


def bjontegaard(result: Result) -> str:
    """Returns the Bjøntegaard deltas of one family's mean curve to those of codecs and to published ones."""
    config, rows = result["config"], result["summary"]["against"]
    lines = [
        f"Bjøntegaard deltas of {config['family']}, preset `{config['preset']}`, where both curves overlap: "
        "how many per cent more bits it takes at the same PSNR (negative: fewer), and how many dB more it "
        "has at the same rate.",
        "",
        "| against | bits | PSNR, dB |",
        "|---|--:|--:|",
    ]
    for name, delta in rows.items():
        if delta and "bd_psnr_db" in delta:
            other = _CODECS.get(name, name)
            bits, quality = f"{delta['bd_rate_percent']:+.0f} %", f"{delta['bd_psnr_db']:+.2f}"
            lines.append(f"| {other} | {bits} | {quality} |".replace(" -", " −"))
    return "\n".join(lines)


def _same_pictures(results: Sequence[Result]) -> int:
    """Returns the number of pictures that each result has. Raises ValueError if the numbers differ."""
    counts = {result["summary"]["pictures"] for result in results}
    if len(counts) != 1:
        raise ValueError(f"results over different numbers of pictures: {sorted(counts)}")
    return int(counts.pop())


def _cells(points: list[tuple[float, float]], rates: list[float]) -> list[str]:
    """Returns the PSNR at each rate, or a dash where the curve has no point."""
    known = dict(points)
    return [f"{known[bpp]:.2f}" if bpp in known else "–" for bpp in rates]


def alone(result: Result) -> str:
    """Returns a line on one network that was trained alone."""
    summary, config = result["summary"], result["config"]
    [r] = summary["subnets"]
    return (
        f"- {config['bits']}-bit {r['name']}, preset `{config['preset']}`{_steps(config)}: "
        f"**{r['psnr']:.2f} ± {r['psnr_std']:.2f} dB** at {r['payload_bpp']:.3f} payload bpp, "
        f"{r['bpp']:.3f} for the whole file "
        f"({summary['pictures']} pictures, {measured_with(result['machine'])})"
    )


def _steps(config: Result) -> str:
    return f" with {config['steps']:,} steps" if config.get("steps") else ""


def measured_with(about: Result) -> str:
    """Returns date, processor, cores and versions of a measurement, in a few words."""
    return (
        f"{about['date']}, {about['processor']}, {about['cores']} cores, "
        f"torch {about['torch']}, onnxruntime {about['onnxruntime']}"
    )
