"""The command ganserve in this process: what it writes, what it refuses, with which status."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import structlog

from app import cli
from app.benching import bench
from app.logs import configure_logs
from app.settings import Settings
from tests.live_server import PATIENCE_S, is_ready, live_server, wait_until


@pytest.fixture(autouse=True)
def _logs_and_signals_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers, root.level
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    structlog.reset_defaults()
    root.handlers, root.level = before
    for number, handler in handlers.items():
        signal.signal(number, handler)


def run(command: str, models: Path, *flags: object) -> int:
    return cli.main([command, "--models", str(models), "--device", "cpu", *map(str, flags)])


def test_generate_writes_what_the_service_answers(
    tiny_settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "images"
    assert run("generate", tiny_settings.models, "--seed", 4, "--n", 3, "--out", out) == 0
    assert "from seed 4 on" in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == [
        "4.png",
        "5.png",
        "6.png",
        "manifest.json",
    ]
    model = tiny_settings.model_copy(update={"default_model": "tiny"})
    with live_server(model) as server:
        name = server.client.get("/generate").headers["x-model"]
        for path in out.glob("*.png"):
            answer = server.client.get("/generate", params={"seed": path.stem, "model": name})
            assert path.read_bytes() == answer.content


def test_generate_writes_shards(
    tiny_repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "shards"
    flags = ("--model", "tiny", "--seed", 4, "--n", 5, "--shards", 3, "--out", out)
    assert run("generate", tiny_repository, *flags) == 0
    assert "5 of tiny/1 from seed 4 on" in capsys.readouterr().out
    assert sorted(path.name for path in out.glob("*.tar")) == ["tiny-000000.tar", "tiny-000001.tar"]
    (out / "tiny-000001.tar").write_bytes(b"")
    assert run("generate", tiny_repository, *flags) == 0
    assert "lies aside as tiny-000001.tar.set-aside" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "part_of_message"),
    [
        (["--shards", "0"], "10000 would be right"),
        (["--label", "sneakr"], "t_shirt_top"),
        (["--model", "nobody"], "tiny-two"),
        (["--seed", "-1"], "seed"),
        (["--n", "0"], "n"),
        (["--out", "image.gif"], "png, webp, jpeg"),
    ],
)
def test_generate_explains_what_it_refuses(
    tiny_repository: Path,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    part_of_message: str,
) -> None:
    assert run("generate", tiny_repository, *flags) == cli.FAILED
    written = capsys.readouterr().err
    assert written.startswith("ganserve generate: ")
    assert part_of_message in written


def test_a_missing_repository_and_a_wrong_setting_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("serve", tmp_path / "nowhere") == cli.FAILED
    assert "nowhere" in capsys.readouterr().err
    monkeypatch.setenv("GANSERVE_MAX_IMAGS", "3")
    assert run("serve", tmp_path) == cli.WRONG_USE
    assert "GANSERVE_MAX_IMAGS" in capsys.readouterr().err


def test_a_flag_wins_over_the_environment(
    tiny_repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GANSERVE_PORT", "99999")
    assert run("serve", tiny_repository) == cli.WRONG_USE
    assert "99999" in capsys.readouterr().err
    assert run("serve", tiny_repository, "--port", 1, "--host", "203.0.113.1") == cli.FAILED
    assert "port 1 " in capsys.readouterr().err


def test_serve_ends_with_0_on_sigterm(tiny_repository: Path, port: int) -> None:
    statuses: list[int] = []

    def ask_and_terminate() -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client:
            wait_until(lambda: is_ready(client))
            statuses.append(client.get("/generate").status_code)
        os.kill(os.getpid(), signal.SIGTERM)

    client = threading.Thread(target=ask_and_terminate)
    client.start()
    assert run("serve", tiny_repository, "--port", port) == 0
    client.join(PATIENCE_S)
    assert statuses == [200]


@pytest.mark.parametrize("options", [(), ("--engine", "--model", "tiny")])
def test_bench_prints_what_serving_costs_beside_the_bare_model(
    options: tuple[str, ...],
    tiny_repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(bench, "WARM_UP_S", 0.05)
    monkeypatch.setattr(bench, "CELLS", ((1, 2), (64, 2)))
    for measure_s in (0.5, 5, 30):  # more where the server got no tick of the processor's time
        monkeypatch.setattr(bench, "MEASURE_S", measure_s)
        assert run("bench", tiny_repository, *options) == 0
        *_, header, one, many = capfd.readouterr().out.splitlines()
        assert header.endswith("CPU-ms/image  bare CPU-ms/image  ratio")
        if "-" not in (one + many).split():
            break
    for row, num_images in ((one, 1), (many, 64)):
        n, clients, rate, images, p50_ms, p99_ms, cost, bare, ratio = map(float, row.split())
        assert (n, clients) == (num_images, 2)
        assert images == pytest.approx(rate * num_images, abs=0.06 * (num_images + 1))
        assert 0 < p50_ms <= p99_ms
        of_rounding = 0.0006 * (1 + ratio) + 0.006 * bare
        assert ratio * bare == pytest.approx(cost, abs=of_rounding)


def test_bench_drives_a_running_service(
    tiny_settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(bench, "WARM_UP_S", 0.05)
    monkeypatch.setattr(bench, "MEASURE_S", 0.2)
    with live_server(tiny_settings) as server:
        assert cli.main(["bench", "--url", server.url, "--model", "tiny"]) == 0
        *_, row = capsys.readouterr().out.splitlines()
        assert row.split()[:2] == ["64", "8"]
        assert row.split()[-3:] == ["-", "-", "-"]  # its CPU time is not ours to see
        assert cli.main(["bench", "--url", server.url, "--model", "nothing"]) == 1
        assert "not an image but 'http/1.1 404" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--url", "http://127.0.0.1:1"], "the connection broke"),
        (["--url", "ftp://127.0.0.1"], "is no address such as http://127.0.0.1:8000"),
        (["--url", "http://127.0.0.1:port"], "is no address"),
        (["--url", "http://127.0.0.1:1", "--models", "models"], "--models is for a server of its"),
    ],
)
def test_bench_of_what_is_not_there_is_explained(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["bench", *arguments]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_logs_are_lines_for_machines_or_people(
    log_format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs(Settings.model_validate({"log_format": log_format, "log_level": "info"}))
    structlog.get_logger("app").info("model_loaded", model="tiny")
    logging.getLogger("library").warning("something %s", "else")
    logging.getLogger("library").debug("never")
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("{") == (log_format == "json")
    assert "model_loaded" in first
    assert "tiny" in first
    assert "something else" in second
