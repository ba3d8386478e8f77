"""The proof of the GPU, rehearsed on the CPU: what holds there, and what it would not let pass."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import onnxruntime as ort
import pytest

from app.devices import EXECUTION_PROVIDERS
from app.registry import Registry
from app.session import Session
from app.settings import Settings
from benchmarks import gpu
from benchmarks.gpu import main, prove

CPU, CUDA = EXECUTION_PROVIDERS["cpu"].name, EXECUTION_PROVIDERS["cuda"].name


def test_it_rehearses_on_the_cpu(
    tiny_repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gpu, "CONNECTIONS", (1, 8))
    options = ("--models", str(tiny_repository), "--device", "cpu", "--model", "tiny")
    assert main([*options, "--seconds", "0.2"]) == 0
    output = capsys.readouterr().out
    assert f"| tiny-translator/1 | {CPU} | 0 | 0.0000% | yes |" in output
    assert "| 8 | " in output
    assert "All of it holds." in output


def test_another_provider_and_other_pixels_do_not_hold(
    tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, on_cpu = (Registry.load(tiny_settings).resolve("tiny") for _ in range(2))
    assert prove(served, on_cpu).holds(CPU)
    assert not prove(served, on_cpu).holds(CUDA)

    really_run = Session.run

    def run(session: Session, inputs: Any) -> Any:
        images = really_run(session, inputs).copy()
        if session is served.session:
            images[-1] ^= 2  # of the last in a batch alone
        return images

    monkeypatch.setattr(Session, "run", run)
    proof = prove(served, on_cpu)
    assert (proof.difference, proof.is_same_everywhere) == (2, False)
    assert not proof.holds(CPU)
    assert not replace(proof, is_quantised=True).holds(CPU)
    assert replace(proof, is_quantised=True, is_same_everywhere=True).holds(CPU)


@pytest.mark.gpu
@pytest.mark.skipif(CUDA not in ort.get_available_providers(), reason="no GPU package")
def test_every_shipped_model_keeps_its_promise_on_cuda() -> None:
    assert main(["--seconds", "1"]) == 0
