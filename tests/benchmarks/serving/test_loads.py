"""What the load generators print, read back. The outputs are real ones, of a server that fails."""

from pathlib import Path

import pytest

from benchmarks.serving.contestants import CONTESTANTS
from benchmarks.serving.load.closed_loop import LoadFailed, parse_wrk
from benchmarks.serving.load.crowd import parse_crowd
from benchmarks.serving.load.open_loop import OpenLoop, parse_open_loop
from benchmarks.serving.overload import Overload, render
from benchmarks.serving.plan import QUICK, Plan
from benchmarks.serving.tools import ToolMissing, require_tools

WRK = """\
Running 1s test @ http://127.0.0.1:8977/x
  1 threads and 8 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    41.94ms    8.46ms  46.30ms   95.65%
    Req/Sec   137.60     29.09   181.00     70.00%
  138 requests in 1.01s, 16.88KB read
  Non-2xx or 3xx responses: 54
Requests/sec:    137.25
Transfer/sec:     16.79KB
{"answers": 138, "bad_status": 54, "broken": 0, "seconds": 1.005497, "p50_ms": 43.663, "p99_ms": 45.360}
"""  # noqa: E501
OPEN = (
    '{"offered":319,"ok":191,"shed":64,"failed":63,"unanswered":1,"seconds":1.6206956989999999,'
    '"p50_ms":50.12551314342409,"p99_ms":1472.691136517734,"lag_p99_ms":62.57011548954142}\n'
)
NOBODY_THERE = (
    '{"offered":319,"ok":0,"shed":0,"failed":319,"unanswered":0,"seconds":1.003410833,'
    '"p50_ms":null,"p99_ms":null,"lag_p99_ms":47.99479398065671}\n'
)


def test_wrk_images_are_answers_that_were_no_errors() -> None:
    load = parse_wrk(WRK)
    assert (load.images, load.failures) == (138 - 54, 54)
    assert (load.seconds, load.p50_ms, load.p99_ms) == (1.005497, 43.663, 45.360)


def test_a_broken_connection_is_a_failure() -> None:
    assert parse_wrk(WRK.replace('"broken": 0', '"broken": 3')).failures == 57


def test_an_answer_may_hold_several_images() -> None:
    assert parse_wrk(WRK, images_per_answer=64).images == 64 * (138 - 54)


def test_wrk_without_our_line_is_told() -> None:
    with pytest.raises(LoadFailed, match="Requests/sec"):
        parse_wrk(WRK.partition("{")[0])


def test_open_loop_shed_requests_are_no_failures_and_unanswered_ones_are() -> None:
    load = parse_open_loop(OPEN)
    assert (load.offered, load.images, load.shed, load.failures) == (319, 191, 64, 64)
    assert load.p99_ms == pytest.approx(1472.69, abs=0.01)


def test_open_loop_without_any_image_has_no_latency() -> None:
    load = parse_open_loop(NOBODY_THERE)
    assert (load.failures, load.p50_ms, load.p99_ms) == (319, None, None)


@pytest.mark.parametrize("output", ["", "Error: no undici\n", '{"offered": 3}', "null"])
def test_open_loop_that_printed_something_else_is_told(output: str) -> None:
    with pytest.raises(LoadFailed, match="printed"):
        parse_open_loop(output)


CROWD = (
    '{"images":600,"shed":900,"failed":2,"kept":500,"admitted":450,"longest_retry_after_s":9,'
    '"image_p50_ms":900.5,"image_p99_ms":1900.25,"shed_p50_ms":2.5,"shed_p99_ms":11.5,'
    '"late_shed_p50_ms":1.5,"late_shed_p99_ms":9.5,'
    '"recovery":[[0.0,429,2.0],[0.5,200,90.0],[1.25,200,41.0],[1.5,200,5.0],[2.0,200,4.0]]}\n'
)


def test_an_overload_is_told_in_the_terms_of_who_runs_the_service() -> None:
    before = OpenLoop(100, 100, 0, 0, 10.0, 5.0, 20.0, 1.0)
    found = Overload(100.0, before, parse_crowd(CROWD), 6.25, 1_000, 100 * 2**20, 130 * 2**20)
    assert found.seconds_to_normal == 1.25  # the last above 40 ms
    text = render(found)
    assert "| images/s in the flood | 96 (96%) |" in text
    assert "| who came back as told and got an image | 90% |" in text
    assert "| memory (PSS), before and highest | 100 MiB, 130 MiB |" in text
    assert "| shed: p50, p99 | 2.5 ms and 11.5 ms |" in text
    assert "| shed, asked after the first 5 s: p50, p99 | 1.5 ms and 9.5 ms |" in text


def test_a_crowd_that_printed_something_else_is_told() -> None:
    for output in ("", "{}", "null", '{"failed": 1, "recovery": [[1]]}'):
        with pytest.raises(LoadFailed, match="crowd printed"):
            parse_crowd(output)


def test_a_missing_tool_is_told_with_its_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match="apt install wrk util-linux nodejs npm"):
        require_tools()
    for tool in ("taskset", "node", "npm"):
        (tmp_path / tool).touch(mode=0o755)
    with pytest.raises(ToolMissing, match=r"wrk\. On Debian: apt install wrk$"):
        require_tools()


def test_the_planned_seconds_of_a_visit_count_every_cell() -> None:
    plan = Plan(seconds=10.0, warm_up_seconds=0.0)
    cells = len(plan.concurrencies) + len(plan.loads_percent)
    assert plan.seconds_per_visit(has_bulk=False) > 10 * cells
    more = plan.seconds_per_visit(has_bulk=True) - plan.seconds_per_visit(has_bulk=False)
    assert more >= 10 * len(plan.bulk)
    assert QUICK.seconds_per_visit(has_bulk=True) < 20


def test_a_whole_run_takes_at_most_three_quarters_of_an_hour() -> None:
    plan = Plan()
    rounds = sum(plan.seconds_per_visit(has_bulk=each.is_ours) for each in CONTESTANTS)
    bare = len(plan.batch_sizes) * (plan.seconds + 1)
    assert plan.rounds >= 5
    assert plan.rounds * (rounds + bare) < 45 * 60
