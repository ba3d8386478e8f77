"""Models in memory: what is served, what failed and why, and how a request names a model."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app import execution_providers, loading, registry
from app import session as app_session
from app.devices import EXECUTION_PROVIDERS
from app.errors import (
    ExecutionProviderUnavailable,
    InferenceFailed,
    InvalidParameter,
    ModelNotFound,
)
from app.loading import batch_sizes
from app.registry import Registry
from app.session import Session
from app.settings import Settings
from tests.toy_models import make_card, make_model, write_model

CPU, CUDA = EXECUTION_PROVIDERS["cpu"], EXECUTION_PROVIDERS["cuda"]


@pytest.fixture
def tiny(tiny_settings: Settings) -> Registry:
    return Registry.load(tiny_settings)


def test_every_model_is_served_in_order(tiny: Registry) -> None:
    assert [f"{model.name}/{model.version}" for model in tiny.models] == [
        "tiny/1",
        "tiny-colour/1",
        "tiny-conditional/1",
        "tiny-translator/1",
        "tiny-two/1",
        "tiny-two/2",
    ]
    assert tiny.is_ready
    assert tiny.failed == ()


def test_a_model_tells_where_it_runs_and_whether_its_checksum_is_known(tiny: Registry) -> None:
    model = tiny.resolve("tiny-colour")
    assert model.execution_provider == "CPUExecutionProvider"
    assert model.checksum == "unlisted"
    assert model.directory.name == "1"


def test_bad_models_fail_with_a_reason_and_stop_no_other(tiny_repository: Path) -> None:
    write_model(tiny_repository, make_card("broken")).write_bytes(b"no model")
    foreign = make_model(make_card("foreign"))
    del foreign.metadata_props[:]
    write_model(tiny_repository, make_card("foreign")).write_bytes(foreign.SerializeToString())
    (tiny_repository / "tiny/1/model.onnx").write_bytes(b"differs")
    (tiny_repository / "hollow").mkdir()
    loaded = Registry.load(Settings(models=tiny_repository, device="cpu"))
    reasons = {model.name: model.reason for model in loaded.failed}
    assert set(reasons) == {"broken", "foreign", "tiny", "hollow"}
    assert "it is no ONNX file" in reasons["broken"]
    assert "not made by ganserve" in reasons["foreign"]
    assert "SHA256SUMS" in reasons["tiny"]
    assert len(loaded.models) == 5
    assert loaded.is_ready
    with pytest.raises(ModelNotFound, match=r"it failed to load: .*SHA256SUMS"):
        loaded.resolve("tiny")


def test_a_missing_folder_is_told_and_serves_nothing(tmp_path: Path) -> None:
    with capture_logs() as lines:
        loaded = Registry.load(Settings(models=tmp_path / "missing", device="cpu"))
    assert not loaded.is_ready
    (line,) = (line for line in lines if line["event"] == "repository_unreadable")
    assert line["reason"] == "No such file or directory"


def test_a_model_whose_first_run_fails_is_refused(
    tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(session: Session) -> None:
        raise InferenceFailed("no")

    monkeypatch.setattr(Session, "warm_up", fail)
    loaded = Registry.load(tiny_settings)
    assert {model.reason for model in loaded.failed} == {"its first run failed: no"}


@pytest.mark.parametrize("folder", ["empty", "missing"])
def test_an_empty_repository_is_not_ready(tmp_path: Path, folder: str) -> None:
    (tmp_path / "empty").mkdir()
    loaded = Registry.load(Settings(models=tmp_path / folder, device="cpu"))
    assert not loaded.is_ready
    with pytest.raises(ModelNotFound, match=r"no generator is served; served are: \(none\)"):
        loaded.default_generator()


def test_the_folder_names_the_model_whatever_its_card_says(tmp_path: Path) -> None:
    write_model(tmp_path, make_card("original"))
    (tmp_path / "original").rename(tmp_path / "copy")
    model = Registry.load(Settings(models=tmp_path, device="cpu")).resolve("copy")
    assert (model.name, model.card.name) == ("copy", "copy")


def test_a_bare_name_means_the_highest_version(tiny: Registry) -> None:
    assert tiny.resolve("tiny-two").version == 2


def test_a_version_and_a_digest_pin_a_model(tiny: Registry) -> None:
    first = tiny.resolve("tiny-two/1")
    assert first.version == 1
    assert tiny.resolve(f"tiny-two@{first.digest[:12]}") is first
    assert tiny.resolve(f"tiny-two@{first.digest.upper()}") is first


@pytest.mark.parametrize("reference", ["other", "other/1", f"other@{'0' * 12}"])
def test_an_unknown_model_is_answered_with_what_is_served(tiny: Registry, reference: str) -> None:
    with pytest.raises(ModelNotFound, match=f"{reference}.*tiny, tiny-colour, tiny-conditional"):
        tiny.resolve(reference)


@pytest.mark.parametrize("reference", ["tiny-two/3", f"tiny-two@{'0' * 12}"])
def test_an_unknown_version_is_answered_with_those_served(tiny: Registry, reference: str) -> None:
    with pytest.raises(ModelNotFound, match=r"versions are: 1 \(@[0-9a-f]{12}\), 2"):
        tiny.resolve(reference)


@pytest.mark.parametrize(
    "reference", ["", "a/b", "a/0", "a/1/2", "a@abc", f"a@{'g' * 12}", "a/1@0123456789ab", "/1"]
)
def test_a_malformed_reference_is_answered_with_the_right_forms(
    tiny: Registry, reference: str
) -> None:
    with pytest.raises(InvalidParameter, match="is not NAME, NAME/VERSION or NAME@DIGEST"):
        tiny.resolve(reference)


def test_the_defaults_are_those_of_the_settings(tiny_repository: Path) -> None:
    loaded = Registry.load(
        Settings(models=tiny_repository, device="cpu", default_model="tiny-two/1")
    )
    assert loaded.default_generator() is loaded.resolve("tiny-two/1")


def test_defaults_that_are_not_served_give_way_to_the_first_suitable_by_name(
    tiny: Registry,
) -> None:
    assert tiny.default_generator().name == "tiny"
    assert tiny.default_conditional().name == "tiny-conditional"
    assert tiny.default_translator().name == "tiny-translator"


def test_the_first_suitable_model_is_taken_in_its_highest_version(tmp_path: Path) -> None:
    for version in (1, 2):
        write_model(tmp_path, make_card("a"), version=version)
    write_model(tmp_path, make_card("b"), version=3)
    model = Registry.load(Settings(models=tmp_path, device="cpu")).default_generator()
    assert (model.name, model.version) == ("a", 2)


def test_a_default_that_does_not_suit_gives_way_too(tiny_repository: Path) -> None:
    settings = Settings(models=tiny_repository, device="cpu", default_conditional_model="tiny")
    assert Registry.load(settings).default_conditional().name == "tiny-conditional"


def test_auto_falls_back_to_the_cpu_and_says_so(
    tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    really_load = loading.load_model

    def load(file: object, provider: object, settings: Settings) -> loading.LoadedModel:
        if provider == CUDA:
            raise ExecutionProviderUnavailable("no driver")
        return really_load(file, provider, settings)  # type: ignore[arg-type]

    monkeypatch.setattr(registry, "load_model", load)
    monkeypatch.setattr(registry, "candidates", lambda device: [CUDA, CPU])
    with capture_logs() as logs:
        loaded = Registry.load(tiny_settings)
    assert {model.execution_provider for model in loaded.models} == {"CPUExecutionProvider"}
    assert logs[0] == {
        "event": "execution_provider_unavailable",
        "log_level": "warning",
        "reason": "no driver",
    }
    monkeypatch.setattr(registry, "candidates", lambda device: [CUDA])
    with pytest.raises(ExecutionProviderUnavailable, match="no driver"):
        Registry.load(tiny_settings)


@pytest.mark.parametrize("is_sound", [True, False])
def test_a_failing_first_run_is_blamed_on_the_device_only_if_the_cpu_can_do_it(
    tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch, is_sound: bool
) -> None:
    def warm_up(session: Session) -> None:
        if session.execution_provider == CUDA.name or not is_sound:
            raise InferenceFailed("no libcudnn")

    really_open = execution_providers.open_session
    monkeypatch.setattr(app_session, "open_session", lambda model, _: really_open(model, CPU))
    monkeypatch.setattr(Session, "warm_up", warm_up)
    monkeypatch.setattr(registry, "candidates", lambda device: [CUDA])
    if is_sound:
        with pytest.raises(ExecutionProviderUnavailable, match=r"sound model: no libcudnn"):
            Registry.load(tiny_settings)
    else:
        assert len(Registry.load(tiny_settings).failed) == 6


def test_batch_sizes_are_buckets_on_cuda_and_free_on_the_cpu() -> None:
    assert batch_sizes(CPU, Settings()) == ()
    assert batch_sizes(CUDA, Settings(max_batch_size=8)) == (1, 2, 4, 8)
    assert batch_sizes(CUDA, Settings(max_batch_size=12)) == (1, 2, 4, 8, 12)
    assert batch_sizes(CPU, Settings(exact_batch_size=5)) == (5,)
