"""docs/scale.md is what its results say, and the results are what the plan gives."""

from pathlib import Path

import pytest

from benchmarks.scale import (
    autoscaling,
    cdn,
    costs,
    figures,
    markdown,
    page,
    plan,
    plots,
    results,
    simulating,
)

RECORD = results.load()
SIMULATED = RECORD["simulated"]


def test_the_page_is_made_of_the_results() -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.text(RECORD)


def test_what_the_page_says_of_another_page_stands_there() -> None:
    other = (page.PAGE.parent / "log.md").read_text(encoding="utf-8")
    assert "at 128 connections 1.43 against 1.31" in " ".join(other.split())
    assert "found 1.43 ms an image at 128 connections" in " ".join(page.text(RECORD).split())


def test_lines_are_wrapped_and_nothing_is_lost() -> None:
    text = "# One\n\na\nb\n\n1. first of\n   all\n2. second\n\n| x |\n| - |\n"
    assert markdown.wrapped(text) == "# One\n\na b\n\n1. first of all\n2. second\n\n| x |\n| - |\n"


def test_what_follows_from_the_measured_at_once_is_what_stands_there() -> None:
    measured = RECORD["measured"]
    for model in plan.MODELS:
        times = simulating.times_of(measured, model)
        assert SIMULATED["capacity"][model] == pytest.approx(simulating.capacity(times))
    by_load = SIMULATED["by_load"][plan.FLOAT]
    rushes = simulating.rushes(simulating.times_of(measured, plan.FLOAT), by_load)
    assert rushes == SIMULATED["rushes"]
    first = SIMULATED["cdn"][0]
    popularity = cdn.Popularity.zipf(first["num_urls"], first["exponent"])
    share = cdn.share_taken(popularity, num_requests=min(plan.RATES) * plan.DAY_S)
    assert first["first_day"][f"{min(plan.RATES)} 1"] == pytest.approx(share, abs=1e-4)


def test_one_row_simulated_again_is_the_same() -> None:
    times = simulating.times_of(RECORD["measured"], plan.FLOAT)
    assert simulating._scale(times, min(plan.RATES)) == figures.scale(
        RECORD, plan.FLOAT, min(plan.RATES)
    )


def test_more_requests_take_more_replicas_and_int8_fewer() -> None:
    for model in plan.MODELS:
        counts = [figures.scale(RECORD, model, rate)["replicas"] for rate in plan.RATES]
        assert counts == sorted(counts)
        for rate in plan.RATES:
            row = figures.scale(RECORD, model, rate)
            assert row["p99_ms"] <= plan.MOST_P99_MS
            assert row["replicas"] <= figures.planned(RECORD, model, rate)
    most = max(plan.RATES)
    by_model = [figures.scale(RECORD, model, most)["replicas"] for model in plan.MODELS]
    assert by_model[1] < by_model[0]


def test_claims_in_words_hold() -> None:
    """Where the page says what the tables show, the tables show it."""
    routed = {(row["load"], row["policy"]): row["p99_ms"] for row in SIMULATED["routing"]}
    assert routed[0.8, "at random"] > 1.5 * routed[0.8, "better of two"]
    rows = SIMULATED["by_load"][plan.FLOAT]
    p99_ms = {(row["load"], row["arrivals"]): row["p99_ms"] for row in rows}
    assert p99_ms[plan.LOADED, "even"] < 50
    assert p99_ms[plan.LOADED, "bursts"] > 3 * p99_ms[plan.LOADED, "even"]
    busy = {row["load"]: row["utilisation"] for row in rows if row["arrivals"] == "even"}
    target = autoscaling.Rules.of_manifests().cpu_target
    assert target is not None
    assert busy[0.4] < target < busy[0.5]  # docs/kubernetes.md: half the load that a pod can bear
    queue = {row["load"]: row["queue_images"] for row in rows if row["arrivals"] == "even"}
    assert queue[0.85] < autoscaling.Rules.of_manifests().queue_target < queue[0.95]
    refused = {row["looks_at"]: row["shed_share"] for row in SIMULATED["rushes"]}  # of the largest
    assert refused["CPU and queue"] < 0.6 * refused["CPU alone"]
    once, patient = SIMULATED["retries"]
    assert patient["shed_share"] < once["shed_share"] / 5


def test_costs_are_hours_times_prices() -> None:
    assert costs.per_million_on_cores(
        core_ms=3.6, price_per_core_hour=2.0, load=0.5
    ) == pytest.approx(4.0)
    assert costs.per_million_on_a_gpu(
        images_per_second=1000, price_per_gpu_hour=3.6, load=1
    ) == pytest.approx(1.0)
    even = costs.gpu_must_give(core_ms=2, price_per_core_hour=0.04, price_per_gpu_hour=4)
    assert costs.per_million_on_a_gpu(
        images_per_second=even, price_per_gpu_hour=4, load=0.6
    ) == pytest.approx(costs.per_million_on_cores(core_ms=2, price_per_core_hour=0.04, load=0.6))


def test_a_gpu_that_waits_for_the_loop_pays_from_where_cores_are_dearer() -> None:
    """With n images a request cores take 2 + 1 / n ms an image, and the GPU makes 1,000 n."""
    found = costs.least_images_in_a_request(
        core_ms=3, request_ms=1, price_per_core_hour=0.1, price_per_gpu_hour=1
    )
    assert found == 5  # 10 / 5,000 <= 2.2 / 1,000, but 10 / 4,000 > 2.25 / 1,000
    alone = costs.least_images_in_a_request(
        core_ms=3, request_ms=1, price_per_core_hour=0.5, price_per_gpu_hour=1
    )
    assert alone == 1


def test_the_picture_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plots, "PLOT", tmp_path / "scale.png")
    plots.draw(RECORD)
    assert (tmp_path / "scale.png").read_bytes()[:4] == b"\x89PNG"
    assert (page.PAGE.parent / "images" / "scale.png").is_file()
