"""A model file that harms is refused with its reason, and harms no model that is served."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app import loading
from app.registry import Registry
from app.settings import Settings
from app.trials import try_out
from tests import hostile_models as hostile
from tests.access_files import add_key, bearer, guarded
from tests.live_server import live_server
from tests.toy_models import make_card, write_model

MAX_MODEL_BYTES = 50_000_000

FILES: dict[str, Callable[[Path], object]] = {
    **{
        change.__name__.replace("_", "-"): lambda path, change=change: path.write_bytes(
            hostile.hostile(change)
        )
        for change in (
            hostile.external_data,
            hostile.custom_operator,
            hostile.another_contract,
            hostile.vast_images,
            hostile.vast_tensor,
        )
    },
    "leading-out": hostile.leading_out,
    "pipe": hostile.pipe,
    "too-large": hostile.too_large,
    "wrong-checksum": lambda path: path.write_bytes(hostile.hostile(lambda model: None)),
}
REASONS = {
    "external-data": "its tensor 'half' lies in another file",
    "custom-operator": "its operator 'com.evil.Evil' is a custom one",
    "another-contract": "it has the outputs images, t; its card asks for images",
    "vast-images": "its images have 60,000x60,000 pixels; at most 16,383 on a side",
    "vast-tensor": "200,000,000 bytes of memory must do for one image",
    "leading-out": "it is a link that leads out of the models folder",
    "pipe": "it is no regular file",
    "too-large": "it has 1,099,511,627,776 bytes; at most 50,000,000 would be right "
    "(the setting max_model_bytes)",
    "wrong-checksum": "but SHA256SUMS lists 000",
}


@pytest.fixture(autouse=True)
def _models_are_tried_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "try_out", try_out)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    write_model(tmp_path / "models", make_card("bystander"))
    sums = tmp_path / "models/SHA256SUMS"
    sums.write_text(f"{'0' * 64}  wrong-checksum/1/model.onnx\n")
    settings = Settings(
        models=tmp_path / "models",
        device="cpu",
        max_model_bytes=MAX_MODEL_BYTES,
        trial_timeout_s=600,  # on a machine that is busy with something else; a second is usual
    )
    return guarded(settings, tmp_path / "keys.toml")


def test_at_the_start_each_is_refused_and_the_others_are_served(settings: Settings) -> None:
    for name, write in FILES.items():
        path = settings.models / name / "1/model.onnx"
        path.parent.mkdir(parents=True)
        write(path)
    registry = Registry.load(settings)
    reasons = {model.name: model.reason for model in registry.failed}
    assert set(reasons) == set(REASONS)
    for name, reason in REASONS.items():
        assert reason in reasons[name]
    assert [model.name for model in registry.models] == ["bystander"]


def test_at_a_reload_the_models_before_go_on(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sums = settings.models / "SHA256SUMS"
    listed = sums.read_text()
    sums.write_text("")
    for name in FILES:
        write_model(settings.models, make_card(name))
    monkeypatch.setattr(loading, "try_out", lambda *_, **__: None)  # these are sound
    assert settings.api_keys_file is not None
    key = add_key(settings.api_keys_file, "boss", role="admin")
    urls = {name: f"/generate?model={name}&seed=3" for name in ("bystander", *FILES)}
    with live_server(settings) as server:
        monkeypatch.setattr(loading, "try_out", try_out)
        server.client.headers.update(bearer(key))
        before = {name: server.client.get(url).content for name, url in urls.items()}
        for name, write in FILES.items():
            path = settings.models / name / "1/model.onnx"
            path.unlink()
            write(path)
        sums.write_text(listed)
        report = server.client.post("/models/reload").json()
        assert report["replaced"] == report["removed"] == report["added"] == []
        failed = {each["name"]: each["reason"] for each in report["failed"]}
        assert set(failed) == set(REASONS)
        for name, reason in REASONS.items():
            assert reason in failed[name]
            assert failed[name].endswith("; the file that was there before is still served")
        assert server.client.get("/models").json()["failed"] == report["failed"]
        assert {name: server.client.get(url).content for name, url in urls.items()} == before
        assert server.client.get("/health/ready").status_code == 200


def test_a_model_that_the_checksums_list_is_not_tried_out(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def note(model: bytes, *, max_bytes: int, timeout_s: float) -> None:
        tried.append(max_bytes)

    monkeypatch.setattr(loading, "try_out", note)
    (model,) = Registry.load(settings).models
    assert tried == [4 * MAX_MODEL_BYTES]
    Registry.load(settings.model_copy(update={"trial_timeout_s": 0.0}))
    (settings.models / "SHA256SUMS").write_text(f"{model.digest}  bystander/1/model.onnx\n")
    assert Registry.load(settings).models[0].checksum == "verified"
    assert tried == [4 * MAX_MODEL_BYTES]
