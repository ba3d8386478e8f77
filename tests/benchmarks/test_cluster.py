"""What the proof on a cluster rests on: its environment, its processes, and clients that count."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.settings import Settings
from benchmarks.cluster.environment import HOST, read
from benchmarks.cluster.load import Found, Load, Question, questions
from benchmarks.cluster.processes import below, cpu_seconds, title
from tests.live_server import ROOT, live_server
from tests.toy_models import make_card, write_model


def test_the_environment_asks_for_haproxy_and_for_requests_to_be_sent_again() -> None:
    found = read(ROOT / "deploy" / "ray" / "serve.env")
    assert found["RAY_SERVE_ENABLE_HA_PROXY"] == "1"
    assert found["RAY_USAGE_STATS_ENABLED"] == "0"
    assert "empty-response" in found["RAY_SERVE_HAPROXY_RETRY_ON"].split()


def test_processes_are_found_by_who_started_them() -> None:
    busy = "import time\nwhile time.process_time() < 0.05: pass\n"  # seen in ticks of 0.01 s
    code = f"{busy}import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    parent = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    try:
        # Between fork and exec a child has no title yet.
        while not (titles := [found for pid in below([parent.pid]) if (found := title(pid))]):
            assert parent.poll() is None
            time.sleep(0.01)
        assert titles[0].endswith(Path(sys.executable).name)
        assert cpu_seconds([parent.pid]) > 0
    finally:
        parent.communicate(b"\n")
    assert below([parent.pid]) == []
    assert title(parent.pid) == ""


def asked_of(settings: Settings, asked: list[Question], seconds: float = 0.3) -> Found:
    async def ask(port: int) -> Found:
        load = Load(port, asked, clients=2)
        running = asyncio.create_task(load.run())
        await asyncio.sleep(seconds)
        load.stop()
        return await running

    with live_server(settings) as server:
        return asyncio.run(ask(server.client.base_url.port or 0))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    write_model(tmp_path / "models", make_card("tiny"))
    return Settings(models=tmp_path / "models", device="cpu", num_threads=1)


def test_equal_answers_are_counted_as_equal(settings: Settings) -> None:
    found = asked_of(settings, asyncio.run(questions(settings, "tiny", number=8)))
    assert found.num_answers > 0
    assert (found.failures, found.num_different) == ([], 0)


def test_other_bytes_and_refusals_are_seen(settings: Settings) -> None:
    (question,) = asyncio.run(questions(settings, "tiny", number=1))
    other = Question(question.head, question.etag, "0" * 64)
    assert asked_of(settings, [other]).num_different > 0
    unknown = Question(question.head.replace(b"seed=0", b"seed=x"), None, "")
    refused = asked_of(settings, [unknown])
    assert not refused.num_answers
    assert "422" in refused.failures[0]


def test_nobody_there_is_a_failure() -> None:
    async def ask() -> Found:
        load = Load(1, [Question(b"", None, "")], clients=1)
        running = asyncio.create_task(load.run())
        await asyncio.sleep(0.01)
        load.stop()
        return await running

    assert asyncio.run(ask()).failures
    assert HOST == "127.0.0.1"
