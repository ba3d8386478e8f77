"""The models are looked at again when their folder changes, and on SIGHUP, in every worker."""

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from app import reload_triggers, repository_watch
from app.backend import OwnBackend
from app.errors import ReloadRefused
from app.repository_watch import look_at
from app.settings import Settings
from tests.access_files import add_key, bearer
from tests.live_server import PATIENCE_S, live_server, server_process, wait_until
from tests.toy_models import make_card, write_model

LOOKS_S = 0.1


def is_served(client: httpx.Client, model: str) -> bool:
    return client.get(f"/models/{model}").status_code == 200


def test_a_folder_that_changes_is_served_as_it_is_now(tiny_settings: Settings) -> None:
    watching = tiny_settings.model_copy(update={"watch_models_s": LOOKS_S})
    with live_server(watching) as server:
        write_model(tiny_settings.models, make_card("newcomer"))
        wait_until(lambda: is_served(server.client, "newcomer"))
        (tiny_settings.models / "newcomer/1/model.onnx").unlink()
        wait_until(lambda: not is_served(server.client, "newcomer"))


def test_a_model_that_comes_while_others_are_loaded_is_served(
    tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    really_load = OwnBackend.load

    async def load(backend: OwnBackend, **options: Any) -> Any:
        loaded = await really_load(backend, **options)
        write_model(tiny_settings.models, make_card("newcomer"))
        return loaded

    monkeypatch.setattr(OwnBackend, "load", load)
    watching = tiny_settings.model_copy(update={"watch_models_s": LOOKS_S})
    with live_server(watching) as server:
        wait_until(lambda: is_served(server.client, "newcomer"))


def test_a_change_counts_once_it_has_come_to_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look for each letter; a file that is being copied looks different each time."""
    seen, reloaded_after = "", []

    def look(models: Path) -> str:
        nonlocal seen
        if seen == looks:
            raise EOFError
        seen = looks[: len(seen) + 1]
        return seen[-1]

    async def reload() -> None:
        reloaded_after.append(seen)
        raise ReloadRefused("what was refused is tried again after the next change only")

    looks = "abcddddeaa"
    monkeypatch.setattr(repository_watch, "look_at", look)
    with pytest.raises(EOFError):
        asyncio.run(
            repository_watch.watch(Path("models"), 0.001, reload, before="a")  # type: ignore[arg-type]
        )
    assert reloaded_after == ["abcdd", looks]


def test_a_folder_that_vanishes_and_comes_back_is_served_throughout(
    tiny_settings: Settings,
) -> None:
    watching = tiny_settings.model_copy(update={"watch_models_s": LOOKS_S})
    models, away = tiny_settings.models, tiny_settings.models.with_name("away")
    with live_server(watching) as server:
        models.rename(away)
        for _ in range(10):
            assert server.client.get("/generate?model=tiny").status_code == 200
            time.sleep(LOOKS_S / 2)
        away.rename(models)
        write_model(models, make_card("newcomer"))
        wait_until(lambda: is_served(server.client, "newcomer"))


@pytest.mark.parametrize("num_workers", [1, 2])
def test_every_worker_follows_a_signal_and_a_request(
    num_workers: int, tiny_repository: Path, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.toml"
    key = add_key(keys, "boss", role="admin")
    flags = ("--workers", str(num_workers))

    def all_serve(model: str) -> bool:
        """Asked on new connections, which any worker may take."""
        answers = [
            httpx.get(client.base_url.join(f"/models/{model}"), headers=bearer(key), timeout=60)
            for _ in range(16)
        ]
        return all(answer.status_code == 200 for answer in answers)

    with server_process(tiny_repository, *flags, GANSERVE_API_KEYS_FILE=str(keys)) as (
        process,
        client,
    ):
        client.headers.update(bearer(key))
        write_model(tiny_repository, make_card("signalled"))
        os.kill(process.pid, signal.SIGHUP)
        wait_until(lambda: all_serve("signalled"))
        wait_until(lambda: is_served(client, "signalled"))  # by the one that is asked next, too
        write_model(tiny_repository, make_card("requested"))
        report = client.post("/models/reload").json()
        assert report["added"] == ["requested/1"]
        wait_until(lambda: all_serve("requested"))
        assert process.poll() is None


def test_a_signal_that_comes_before_the_service_does_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reload_triggers, "_may_take_the_signal", lambda: True)
    previous = signal.getsignal(signal.SIGHUP)
    num_signals, reloads = 0, []

    class Registry:
        async def reload(self) -> None:
            reloads.append(num_signals)

    def count() -> None:
        nonlocal num_signals
        num_signals += 1

    async def serve(num_reloads: int = 0) -> None:
        with reload_triggers.reloading(
            Registry(),  # type: ignore[arg-type]
            Settings(),
            before=frozenset(),
            on_signal=count,
        ):
            async with asyncio.timeout(PATIENCE_S):
                while len(reloads) < num_reloads:
                    await asyncio.sleep(0.001)
            await asyncio.sleep(0.05)  # what was held back is heard of at once

    try:
        reload_triggers.hold_early_signal_back()
        asyncio.run(serve())
        assert (num_signals, reloads) == (0, [])
        reload_triggers.hold_early_signal_back()
        signal.raise_signal(signal.SIGHUP)
        asyncio.run(serve(1))
        assert (num_signals, reloads) == (1, [1])
        reload_triggers.hold_early_signal_back()
        asyncio.run(serve())
        assert num_signals == 1
    finally:
        signal.signal(signal.SIGHUP, previous)
        reload_triggers.let_signal_come()


def test_two_looks_differ_where_a_file_does(tiny_repository: Path) -> None:
    before = look_at(tiny_repository)
    assert look_at(tiny_repository) == before
    path = tiny_repository / "tiny/1/model.onnx"
    same_bytes = path.with_name("copy")
    same_bytes.write_bytes(path.read_bytes())
    same_bytes.replace(path)
    assert look_at(tiny_repository) != before
