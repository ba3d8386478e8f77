"""A model is tried out in a process of its own: what goes wrong there is told, and ends there."""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.errors import ModelRefused
from app.trials import try_out
from tests import hostile_models as models
from tests.hostile_models import Change, hostile
from tests.live_server import server_process

LITTLE = 268_435_456  # bytes
PATIENCE_S = 600.0  # on a machine that is busy with something else; a second is usual


def refusal(change: Change, *, timeout_s: float = PATIENCE_S) -> str:
    with pytest.raises(ModelRefused) as refused:
        try_out(hostile(change), max_bytes=LITTLE, timeout_s=timeout_s)
    return refused.value.detail


def test_a_sound_model_passes() -> None:
    try_out(hostile(lambda model: None), max_bytes=LITTLE, timeout_s=PATIENCE_S)


def test_a_model_that_takes_more_memory_than_allowed_is_refused_with_how_much_that_was() -> None:
    assert refusal(models.vast_tensor).endswith(
        "; 268,435,456 bytes of memory must do for one image"
    )


def test_a_model_that_never_ends_is_refused() -> None:
    assert refusal(models.endless_loop, timeout_s=2) == (
        "it did not start and make one image within 2 s (the setting trial_timeout_s)"
    )


def test_what_a_session_refuses_is_told_in_its_words() -> None:
    assert refusal(models.another_contract).startswith("it has the outputs images, t;")


def test_a_process_that_breaks_is_told_by_how_it_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.trials._COMMAND", ["-c", "import os; os.kill(os.getpid(), 11)"])
    assert refusal(lambda model: None) == "the process that tried it out ended by SIGSEGV"
    monkeypatch.setattr("app.trials._COMMAND", ["-c", "raise KeyError('no such thing')"])
    assert refusal(lambda model: None) == (
        "the process that tried it out ended with status 1: KeyError: 'no such thing'"
    )


def test_the_service_as_people_start_it_tries_models_out(tmp_path: Path) -> None:
    for name, change in (("sound", lambda model: None), ("vast", models.vast_tensor)):
        path = tmp_path / "models" / name / "1/model.onnx"
        path.parent.mkdir(parents=True)
        path.write_bytes(hostile(change))
    variables = {"GANSERVE_TRIAL_TIMEOUT_S": "600", "GANSERVE_MAX_MODEL_BYTES": "50000000"}
    with server_process(tmp_path / "models", **variables) as (_, client):
        listed = client.get("/models").json()
    assert [model["name"] for model in listed["models"]] == ["sound"]
    (failed,) = listed["failed"]
    assert failed["reason"].endswith("; 200,000,000 bytes of memory must do for one image")


def test_trials_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    under_way: list[None] = []
    most = 0

    def run(*_: object, **__: object) -> subprocess.CompletedProcess[bytes]:
        nonlocal most
        under_way.append(None)
        most = max(most, len(under_way))
        time.sleep(0.01)  # for the others to come
        under_way.pop()
        return subprocess.CompletedProcess([], 0)

    monkeypatch.setattr("app.trials.subprocess.run", run)
    with ThreadPoolExecutor(4) as pool:
        trials = [pool.submit(try_out, b"", max_bytes=1, timeout_s=1) for _ in range(8)]
        assert [trial.result() for trial in trials] == [None] * 8
    assert most == 1
