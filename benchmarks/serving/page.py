"""The page that readers see, made from results.json alone.

``python -m benchmarks.serving.page RESULTS PAGE`` writes PAGE and its chart in images/ beside it.
"""

import argparse
from pathlib import Path

from benchmarks.serving import plots, results
from benchmarks.serving.plan import BULK_CONCURRENCY, HEADLINE_CONCURRENCY
from benchmarks.serving.protocol import INTRODUCTION
from benchmarks.serving.results import Figures, at
from benchmarks.serving.tables import Row, table

MIB = 2**-20


def write(record: Figures, page: Path) -> None:
    """Write the page and, in ``images`` beside it, its chart."""
    chart = page.parent / "images" / f"{page.stem}.png"
    chart.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(render(record, chart=f"images/{chart.name}"), encoding="utf-8")
    plots.overview(record).savefig(chart, dpi=110)


def render(record: Figures, *, chart: str) -> str:
    """The page, in Markdown."""
    measured = [entry for entry in record["contestants"] if entry["figures"]]
    plan = record["plan"]
    parts = [
        INTRODUCTION.format(
            model=record["model"]["name"], chart=chart, rounds=plan["rounds"],
            seconds=plan["seconds"], **record["machine"],
        ),
        "\n## Server CPU-ms per image\n\n", table(measured, _cost_rows(plan)),
        "\n## The physical limit\n\n", _limit(record, measured),
        "\n## Closed loop, by connections\n\n", table(measured, _closed_loop_rows(plan)),
        "\n## Open loop, by load\n\n", table(measured, _open_loop_rows(plan)),
        "\n## Memory and start\n\n", table(measured, FOOTPRINT),
        "\n## Many images in a request\n\n", _bulk(measured),
        "\n## Settings\n", *(_settings(entry) for entry in record["contestants"]),
        "\n## What did not run\n\n", _not_run(record),
    ]  # fmt: skip
    return "".join(parts)


FOOTPRINT = (
    Row("memory (PSS), MiB", "pss_bytes", scale=MIB),
    Row("processes", "num_processes", has_winner=False),
    Row("start to first image, s", "start_seconds", ".2f"),
)


def _cost_rows(plan: Figures) -> list[Row]:
    return [Row(f"{c} connections", f"closed/{c}/cpu_ms", ".3f") for c in plan["concurrencies"]]


def _closed_loop_rows(plan: Figures) -> list[Row]:
    rates = [
        Row(f"{c}: images/s", f"closed/{c}/images_per_second", is_less_better=False)
        for c in plan["concurrencies"]
    ]
    latencies = [
        Row(f"{c}: {name}, ms", f"closed/{c}/{name}_ms", ",.1f")
        for name in ("p50", "p99")
        for c in plan["concurrencies"]
    ]
    return rates + latencies


def _open_loop_rows(plan: Figures) -> list[Row]:
    """Below capacity, images/s are no merit: they are the share that was asked for."""
    rows = [Row("capacity, images/s", "capacity", is_less_better=False)]
    for load in plan["loads_percent"]:
        where, is_overload = f"open/{load}", load > 100
        rows += [
            Row(f"{load}%: p50, ms", f"{where}/p50_ms", ",.1f"),
            Row(f"{load}%: p99, ms", f"{where}/p99_ms", ",.1f"),
            Row(f"{load}%: shed, %", f"{where}/shed_percent", ".1f", has_winner=False),
            Row(f"{load}%: images/s", f"{where}/images_per_second", is_less_better=False,
                has_winner=is_overload),
        ]  # fmt: skip
    return rows


def _limit(record: Figures, measured: list[Figures]) -> str:
    """Latents, session run and PNG in one process; and how far the servers are from it."""
    lines = [
        "No server at all: latents, session run and PNG files in one process, one thread per core.",
        "",
        "| batch | images/s | CPU-ms per image |",
        "|---|---|---|",
    ]
    for size, cell in record["limit"].items():
        rate, cost = at(cell, "images_per_second"), at(cell, "cpu_ms")
        assert rate is not None  # noqa: S101  # every record of the limit has both
        assert cost is not None  # noqa: S101  # every record of the limit has both
        lines.append(f"| {size} | {rate.median:,.0f} | {cost.median:.3f} |")
    least = plots.least_cpu_ms(record)
    row = Row(
        f"at {HEADLINE_CONCURRENCY} connections", f"closed/{HEADLINE_CONCURRENCY}/cpu_ms",
        ".2f", scale=1 / least,
    )  # fmt: skip
    what = f"CPU-ms per image as a multiple of the least, {least:.3f}; one image per request:"
    return "\n".join(lines) + f"\n\n{what}\n\n" + table(measured, [row])


def _bulk(measured: list[Figures]) -> str:
    ours = [entry for entry in measured if entry["figures"].get("bulk")]
    if not ours:
        return "Not measured.\n"
    keys = list(ours[0]["figures"]["bulk"])
    rows = [
        Row(f"n = {key}: {label}", f"bulk/{key}/{figure}", form, has_winner=False)
        for key in keys
        for figure, label, form in (
            ("cpu_ms", "CPU-ms per image", ".3f"),
            ("images_per_second", "images/s", ",.0f"),
        )
    ]
    return f"At {BULK_CONCURRENCY} connections.\n\n" + table(ours, rows)


def _settings(entry: Figures) -> str:
    versions = ", ".join(entry["versions"])
    return f"\n### {entry['title']}\n\n{entry['settings']}\n\n{versions}.\n"


def _not_run(record: Figures) -> str:
    rounds = record["plan"]["rounds"]
    lines = []
    for entry in record["contestants"]:
        done = len(entry["figures"].get("start_seconds", ()))
        if not done:
            reason = " ".join((entry["not_run"] or "failed in every round").split())
            lines.append(f"- {entry['title']}: {reason}")
        elif done < rounds:
            lines.append(f"- {entry['title']}: {done} of {rounds} rounds; the others failed")
    return "\n".join(lines or ["Everything ran."]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving.page", description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("page", type=Path)
    options = parser.parse_args()
    write(results.load(options.results), options.page)


if __name__ == "__main__":
    main()
