"""Medians, winners, the page, and a record that survives an interruption."""

from pathlib import Path
from typing import Any

import pytest
from matplotlib.image import imread

from benchmarks.serving import page, plots
from benchmarks.serving.record import OtherRun, Record
from benchmarks.serving.results import Spread, at, collect, spread
from benchmarks.serving.tables import Row, table, winner

COST = Row("cost", "closed/32/cpu_ms", ".2f")
RATE = Row("rate", "closed/32/images_per_second", is_less_better=False)


def closed(cpu_ms: float, rate: float, failures: int = 0) -> dict[str, Any]:
    return {
        "images": 100, "failures": failures, "seconds": 1.0, "p50_ms": 1.0, "p99_ms": 2.0,
        "images_per_second": rate, "cpu_ms": cpu_ms,
    }  # fmt: skip


def opened(p99_ms: float | None, shed_percent: float) -> dict[str, Any]:
    return {
        "failures": 0, "p50_ms": 1.0, "p99_ms": p99_ms, "shed_percent": shed_percent,
        "images_per_second": 80.0, "cpu_ms": 1.0,
    }  # fmt: skip


def visit(cpu_ms: float, rate: float, *, failures: int = 0, bulk: bool = False) -> dict[str, Any]:
    return {
        "start_seconds": 1.25, "pss_bytes": 100 * 2**20, "num_processes": 1, "capacity": rate,
        "closed": {"1": closed(2 * cpu_ms, rate / 2), "32": closed(cpu_ms, rate, failures)},
        "open": {"80": opened(12.5, 0.0), "120": opened(99.0, 25.0)},
        "bulk": {"64 zip": closed(cpu_ms / 2, 2 * rate)} if bulk else {},
    }  # fmt: skip


def entry(name: str, title: str, visits: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    found = {"name": name, "title": title, "settings": f"How {title} is set up.", "versions": ["1"]}
    return found | {"not_run": None, "figures": collect(visits)} | fields


@pytest.fixture
def record() -> dict[str, Any]:
    """Ours is cheaper, the rival makes more images a second, a third never ran."""
    ours = [visit(cost, 900, bulk=True) for cost in (0.7, 0.5, 0.6)]
    rival = [visit(cost, 1000) for cost in (0.9, 0.8, 0.7)]
    plan = {"rounds": 3, "seconds": 4.0, "concurrencies": [1, 32], "loads_percent": [80, 120]}
    machine = dict.fromkeys(("cpu", "date", "kernel", "python", "wrk", "node", "undici"), "some")
    limits = [{"1": {"images_per_second": 2000.0, "cpu_ms": cost}} for cost in (0.5, 0.4, 0.3)]
    return {
        "model": {"name": "toy/3", "sha256": "0"},
        "plan": plan,
        "machine": machine | {"cores": 2},
        "limit": collect(limits),
        "contestants": [
            entry("ganserve", "ganserve", ours),
            entry("rival", "Rival", rival),
            entry("other", "Other", [], not_run="gave no image;\n  its log ends with: no CUDA"),
        ],
    }


def row_of(text: str, label: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {label} |"))
    return [cell.strip() for cell in line.strip("|").split("|")[1:]]


def test_a_median_stands_with_its_extremes_and_needs_every_round() -> None:
    assert spread([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)
    assert spread([3.0, None, 2.0]) is None
    assert spread([]) is None


def test_figures_of_visits_are_collected_leaf_by_leaf() -> None:
    found = collect([{"a": 1, "b": {"c": 2}}, {"a": 3, "b": {"c": 4}}])
    assert found == {"a": [1, 3], "b": {"c": [2, 4]}}
    assert at(found, "b/c") == Spread(3, 2, 4)
    assert at(found, "b/d") is None


def test_the_winner_is_the_best_median_whoever_it_is(record: dict[str, Any]) -> None:
    entries = record["contestants"][:2]
    assert winner(entries, COST) == "ganserve"
    assert winner(entries, RATE) == "rival"
    assert winner(entries, Row("shed", "open/120/shed_percent", has_winner=False)) is None


def test_who_failed_a_request_wins_no_row_and_the_cell_says_so() -> None:
    entries = [
        entry("fast", "Fast", [visit(0.1, 100), visit(0.1, 100, failures=1_200)]),
        entry("sound", "Sound", [visit(0.3, 100), visit(0.4, 100)]),
    ]
    assert winner(entries, COST) == "sound"
    assert row_of(table(entries, [COST]), "cost") == [
        "0.10<br>0.10–0.10<br>1,200 failed",
        "**0.35**<br>0.30–0.40",
    ]
    assert winner(entries, Row("other cell", "closed/1/cpu_ms")) == "fast"


def test_a_server_with_another_file_wins_nothing(record: dict[str, Any]) -> None:
    other = entry("other", "Other file", [visit(0.1, 9000)], is_quantised=True)
    assert winner([*record["contestants"][:2], other], COST) == "ganserve"
    assert winner([*record["contestants"][:2], other], RATE) == "rival"


def test_the_page_has_every_table(record: dict[str, Any]) -> None:
    text = page.render(record, chart="images/chart.png")
    assert row_of(text, "32 connections") == ["**0.600**<br>0.500–0.700", "0.800<br>0.700–0.900"]
    assert row_of(text, "32: images/s") == ["900<br>900–900", "**1,000**<br>1,000–1,000"]
    assert row_of(text, "120%: shed, %")[0] == "25.0<br>25.0–25.0"
    assert row_of(text, "80%: p99, ms")[0].startswith("**12.5**")
    assert row_of(text, "memory (PSS), MiB")[0].startswith("**100**")
    assert row_of(text, "start to first image, s")[1] == "1.25<br>1.25–1.25"
    assert row_of(text, "n = 64 zip: CPU-ms per image") == ["0.300<br>0.250–0.350"]
    assert "| 1 | 2,000 | 0.400 |" in text
    assert row_of(text, "at 32 connections")[0].startswith("**1.50**")  # 0.6 over 0.4
    assert "How Rival is set up." in text
    assert "- Other: gave no image; its log ends with: no CUDA" in text
    assert "images/chart.png" in text
    assert "toy/3" in text


def test_rounds_that_failed_are_told(record: dict[str, Any]) -> None:
    record["contestants"][1]["figures"] = collect([visit(0.8, 1000)])
    assert "- Rival: 1 of 3 rounds" in page.render(record, chart="x")


def test_a_latency_that_one_round_has_not_is_a_dash(record: dict[str, Any]) -> None:
    record["contestants"][1]["figures"]["open"]["80"]["p99_ms"] = [12.0, None, 11.0]
    assert row_of(page.render(record, chart="x"), "80%: p99, ms")[1] == "–"


def test_page_and_chart_are_written(record: dict[str, Any], tmp_path: Path) -> None:
    page.write(record, tmp_path / "page.md")
    assert (tmp_path / "page.md").read_text() == page.render(record, chart="images/page.png")
    assert imread(tmp_path / "images" / "page.png").std() > 0.05


def test_the_chart_shows_the_cheapest_on_top_and_the_limit(record: dict[str, Any]) -> None:
    left, right = plots.overview(record).axes
    assert [bar.get_width() for bar in left.patches] == pytest.approx([0.8, 0.6])  # from below
    assert plots.least_cpu_ms(record) == pytest.approx(0.4)
    assert [list(line.get_ydata()) for line in right.lines] == [[450, 900], [500, 1000]]


def test_a_record_goes_on_where_it_was(tmp_path: Path) -> None:
    path, subject = tmp_path / "deep" / "visits.jsonl", {"plan": (1, 2)}
    first = Record(path, subject, resume=False)
    first.add("a", 0, {"x": 1})
    first.add_failure("b", 0, "no luck")
    with path.open("a") as file:
        file.write('{"name": "c", "round": 0, "figu')  # killed while it wrote
    again = Record(path, subject, resume=True)
    assert again.is_done("a", 0)
    assert not again.is_done("a", 1)
    assert not again.is_done("b", 0)
    assert not again.is_done("c", 0)
    again.add("c", 0, {"x": 3})
    assert Record(path, subject, resume=True).figures_of("c") == [{"x": 3}]


def test_a_record_of_something_else_is_not_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "visits.jsonl"
    Record(path, {"model": "a"}, resume=False)
    with pytest.raises(OtherRun, match="'b'"):
        Record(path, {"model": "b"}, resume=True)


def test_an_older_record_is_put_aside_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "visits.jsonl"
    Record(path, {"model": "a"}, resume=False).add("a", 0, {"x": 1})
    assert Record(path, {"model": "a"}, resume=False).figures_of("a") == []
    kept = [other for other in tmp_path.iterdir() if other != path]
    assert len(kept) == 1
    assert '"x": 1' in kept[0].read_text()
