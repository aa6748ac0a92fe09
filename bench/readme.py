"""Writes the README's tables from the results in bench/results, between their markers.

Usage: python -m bench.readme
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
RESULTS = ROOT / "bench" / "results"
_COMPARED = (
    "kodak-siren-4bit-fast",
    "kodak-siren-8bit-fast",
    "kodak-siren-4bit-balanced",
    "kodak-lapped-4bit-fast",
    "kodak-lapped-4bit-balanced",
)


def demo(result: dict[str, Any]) -> str:
    """The table of `make demo`."""
    source, where = result["source"], machine(result["machine"])
    picture = f"{source['file']}, {source['width']}×{source['height']}"
    lines = [
        f"`make demo` on {picture}: preset `{result['preset']}`, fitted in {result['fit_seconds']:.0f} s "
        f"({where}). Nothing smaller beats a ●.",
        "",
        "| | name | bytes | bpp | payload bpp | PSNR dB | decode ms |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for r in result["subnets"]:
        mark = "●" if r["pareto"] else ""
        rates = f"{r['bytes']:,} | {r['bpp']:.3f} | {r['payload_bpp']:.3f}"
        numbers = f"{rates} | {r['psnr']:.2f} | {r['decode_ms']:.0f}"
        lines.append(f"| {mark} | {r['name']} | {numbers} |")
    return "\n".join(lines)


def codecs(result: dict[str, Any]) -> str:
    """PSNR of the Pareto front against the best file of each codec that is no larger."""
    lines = [
        "The samples of `exported/`, preset `best`, against the best file of each codec that is no larger "
        f"(Pillow; {machine(result['machine'])}), PSNR in dB. "
        "Brackets: the codec's smallest file, which is so many times larger.",
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


def supernet(result: dict[str, Any]) -> str:
    """What four bits and sharing cost, in a line."""
    summary, config = result["summary"], result["config"]
    costs = [
        f"{what} **{summary['median'][kind]:.2f} dB** ({summary['most'][kind]:.2f} at most)"
        for kind, what in (("bits", "four bits"), ("sharing", "sharing one training"))
    ]
    return (
        f"- {config['family']}, preset `{config['preset']}`: {', '.join(costs)} "
        f"(median of the sixteen; {summary['pictures']} pictures, {machine(result['machine'])})"
    )


def decode(result: dict[str, Any]) -> str:
    """Speed at 768×512 of the subnets that every way was measured for, then start, crops and memory."""
    lines = [
        f"Random weights at 768×512, medians of {result['repetitions']} turns; in brackets how much "
        f"slower the others are ({machine(result['machine'])}). Obvious graph: N×2 coordinates in, a sine "
        "per pixel, a default session. torch: eager, in blocks of pixels; COIN's way: all pixels at once. "
        "Share: multiply-accumulates that each pixel by itself would take, against those of a large product "
        f"in the same run, {result['peak_gmacs']:.0f} · 10⁹/s; beyond 100% where pixels come of few points. "
        "MiB: the whole process's peak. Opening a file comes once.",
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
        f"Parts of the pixels in parts of the time: {crops}.",
    ]
    if result["huge"]:
        sides = "; ".join(
            f"{h['side']}×{h['side']} in {h['ms'] / 1e3:.0f} s and {h['memory_mib']:.0f} MiB"
            for h in result["huge"]
        )
        lines.append(f"To a PNG, smallest network: {sides}.")
    return "\n".join(lines)


def _cell(codec: dict[str, float], budget: int) -> str:
    larger = codec["bytes"] / budget
    return f"{codec['psnr']:.2f}" if larger <= 1 else f"({codec['psnr']:.2f}, {larger:.1f}×)"


def kodak(result: dict[str, Any]) -> str:
    """Mean curves over a set of pictures, ours and the codecs', and what each subnet reaches."""
    summary, config = result["summary"], result["config"]
    codecs = {"JPEG": "JPEG", "JPEG2000": "JPEG 2000", "WEBP": "WebP", "AVIF": "AVIF"}
    curves = {codec: dict(summary["codec_curves"][codec]) for codec in codecs}
    lines = [
        f"Mean PSNR in dB over {summary['pictures']} Kodak pictures (768×512), {config['family']}, "
        f"{config['bits']} bits, preset `{config['preset']}` ({machine(result['machine'])}): "
        "each picture's best network within the rate, and Pillow's codecs at that rate. "
        f"Encoding all sixteen takes {summary['encode_seconds']:.0f} s a picture (median"
        f"{'; two at a time, a core each' if result.get('jobs', 1) == 2 else ''}).",
        "",
        f"| bpp | anir | {' | '.join(codecs.values())} |",
        "|--:|--:|--:|--:|--:|--:|",
    ]
    for bpp, psnr in summary["curve"]:
        others = (f"{curves[codec][bpp]:.2f}" if bpp in curves[codec] else "–" for codec in codecs)
        lines.append(f"| {bpp} | {psnr:.2f} | {' | '.join(others)} |")
    lines += ["", "| name | bytes | bpp | payload bpp | PSNR dB | MS-SSIM |", "|---|--:|--:|--:|--:|--:|"]
    for r in summary["subnets"]:
        quality = f"{r['psnr']:.2f} ± {r['psnr_std']:.2f} | {r['ms_ssim']:.3f}"
        lines.append(
            f"| {r['name']} | {r['bytes']:,.0f} | {r['bpp']:.3f} | {r['payload_bpp']:.3f} | {quality} |"
        )
    return "\n".join(lines)


def compared(result: dict[str, Any]) -> str:
    """Families and presets against one another and JPEG, each picture's best network within a rate."""
    others = [_load(name) for name in _COMPARED]
    rates = sorted({bpp for other in others for bpp, _ in other["summary"]["curve"]})
    rows = {"bpp": [f"{bpp}" for bpp in rates]}
    for name, other in zip(_COMPARED, others, strict=True):
        config, summary = other["config"], other["summary"]
        if summary["pictures"] != result["summary"]["pictures"]:
            raise ValueError(f"{name}: other pictures")
        label = (
            f"{config['family']}, {config['bits']} bits, `{config['preset']}`, "
            f"{summary['encode_cpu_seconds']:.0f} s"
        )
        rows[label] = _cells(summary["curve"], rates)
    rows["JPEG"] = _cells(result["summary"]["codec_curves"]["JPEG"], rates)
    header, *lines = (f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items())
    return "\n".join(
        [
            f"The same over {result['summary']['pictures']} pictures, with the "
            f"median processor time of a picture's sixteen ({machine(result['machine'])}):",
            "",
            header,
            "|---" + "|--:" * len(rates) + "|",
            *lines,
        ]
    )


def _cells(points: list[tuple[float, float]], rates: list[float]) -> list[str]:
    known = dict(points)
    return [f"{known[bpp]:.2f}" if bpp in known else "–" for bpp in rates]


def alone(result: dict[str, Any]) -> str:
    """One network trained alone, in a space of one."""
    summary, config = result["summary"], result["config"]
    [r] = summary["subnets"]
    return (
        f"- {config['bits']}-bit {r['name']}, preset `{config['preset']}`{_steps(config)}: "
        f"**{r['psnr']:.2f} ± {r['psnr_std']:.2f} dB** at {r['payload_bpp']:.3f} payload bpp, "
        f"{r['bpp']:.3f} with all of the file ({summary['pictures']} pictures, {machine(result['machine'])})"
    )


def _steps(config: dict[str, Any]) -> str:
    return f" with {config['steps']:,} steps" if config.get("steps") else ""


def decode_web(result: dict[str, Any]) -> str:
    """The browser's decode against the obvious graph."""
    about, (width, height) = result["machine"], result["size"]
    where = (
        f"{about['date']}, {about['processor']}, {about['cores']} cores, Chromium {about['chromium']}, "
        f"onnxruntime-web {about['onnxruntime-web']}"
    )
    lines = [
        f"`npm run bench` in `web_demo`, {width}×{height}, ms ({where}); in brackets how many times "
        "as fast as the obvious graph on as many threads. Cold: with the start of ONNX Runtime.",
        "",
        "| family | network | one thread, cold | one thread | two | gain | obvious, one thread |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for r in result["decodes"]:
        one, two = r["threads_1"], r["threads_2"]
        times = " | ".join(f"{t['ours']['warm_ms']:.0f} ({t['ratio']:.1f}×)" for t in (one, two))
        gain = one["ours"]["warm_ms"] / two["ours"]["warm_ms"]
        lines.append(
            f"| {r['family']} | {r['name']} | {one['ours']['cold_ms']:.0f} | {times} | {gain:.2f}× "
            f"| {one['obvious']['warm_ms']:.0f} |"
        )
    coarse = ", ".join(f"{r['family']} {r['name']} {r['ms']:.0f} ms" for r in result["coarse"])
    lines += ["", f"From a network's bytes to its first, coarse picture in a warm page: {coarse}."]
    return "\n".join(lines)


def download(result: dict[str, Any]) -> str:
    """What the page's visitor fetches."""
    lines = ["| part of the page | bytes | gzip | Brotli |", "|---|--:|--:|--:|"]
    total = {
        "part": "together",
        **{k: sum(p[k] for p in result["parts"]) for k in ("bytes", "gzip", "brotli")},
    }
    for p in [*result["parts"], total]:
        lines.append(f"| {p['part']} | {p['bytes']:,} | {p['gzip']:,} | {p['brotli']:,} |")
    return "\n".join(lines)


def machine(about: dict[str, Any]) -> str:
    """Where and with what a result was measured, in a few words."""
    return (
        f"{about['date']}, {about['processor']}, {about['cores']} cores, "
        f"torch {about['torch']}, onnxruntime {about['onnxruntime']}"
    )


TABLES: dict[str, Callable[[dict[str, Any]], str]] = {
    "demo": demo,
    "codecs": codecs,
    "kodak-lapped-4bit-fast": kodak,
    "kodak-compared": compared,
    "kodak-siren-4bit-fast": kodak,
    "kodak-siren-4bit-balanced-d2w128": alone,
    "kodak-siren-4bit-best-d2w128": alone,
    "kodak-siren-4bit-balanced-d2w128-20000steps": alone,
    "kodak-siren-8bit-balanced-d3w64": alone,
    "kodak-siren-8bit-best-d3w64": alone,
    "kodak-siren-8bit-balanced-d3w64-20000steps": alone,
    "supernet-siren-fast": supernet,
    "supernet-lapped-fast": supernet,
    "decode": decode,
    "decode_web": decode_web,
    "download": download,
}


RESULT_OF = {"kodak-compared": "kodak-lapped-4bit-fast"}
"""Of a table that is not named like its result."""


def _load(name: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return result


def rendered(text: str) -> str:
    """`text` with what stands between `<!-- name -->` and `<!-- /name -->` made anew."""
    for name, table in TABLES.items():
        before, rest = text.split(f"<!-- {name} -->\n")
        _, after = rest.split(f"<!-- /{name} -->\n")
        body = table(_load(RESULT_OF.get(name, name)))
        text = f"{before}<!-- {name} -->\n{body}\n<!-- /{name} -->\n{after}"
    return text


if __name__ == "__main__":
    README.write_text(rendered(README.read_text(encoding="utf-8")), encoding="utf-8")
