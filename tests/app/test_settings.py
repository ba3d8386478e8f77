"""Settings come from the environment, are checked, and refuse what nobody would read."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.devices import DEVICES
from app.settings import Settings


def test_the_environment_sets_what_arguments_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANSERVE_PORT", "9000")
    monkeypatch.setenv("GANSERVE_MODELS", "elsewhere")
    settings = Settings(port=9001)
    assert (settings.port, settings.models) == (9001, Path("elsewhere"))


def test_an_empty_variable_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANSERVE_EXACT_BATCH_SIZE", "")
    assert Settings().exact_batch_size is None


def test_an_unknown_variable_stops_start_up_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANSERVE_MAX_BATCHSIZE", "8")
    with pytest.raises(ValidationError, match="GANSERVE_MAX_BATCHSIZE.*GANSERVE_MAX_BATCH_SIZE"):
        Settings()


@pytest.mark.parametrize("service", ["GANSERVE", "GANSERVE_CANARY"])
def test_what_kubernetes_injects_for_a_service_is_ignored(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "SERVICE_HOST": "10.0.0.1",
        "SERVICE_PORT": "80",
        "SERVICE_PORT_HTTP": "80",
        "PORT": "tcp://10.0.0.1:80",
        "PORT_80_TCP": "tcp://10.0.0.1:80",
        "PORT_80_TCP_PROTO": "tcp",
        "PORT_80_TCP_PORT": "80",
        "PORT_80_TCP_ADDR": "10.0.0.1",
    }.items():
        monkeypatch.setenv(f"{service}_{name}", value)
    assert Settings().port == 8000


def test_the_largest_request_must_fit_the_queue() -> None:
    with pytest.raises(ValidationError, match="max_images 65 is greater than max_queue_size 64"):
        Settings(max_images=65, max_queue_size=64)


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": 65_536},
        {"device": "tpu"},
        {"max_images": 0},
        {"request_timeout_s": 0},
        {"max_queue_delay_ms": -1},
        {"num_threads": 0},
        {"log_format": "xml"},
        {"no_such_setting": 1},
    ],
)
def test_a_value_out_of_range_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Settings(**wrong)


def test_every_setting_says_what_it_means() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_every_device_is_accepted() -> None:
    assert [Settings(device=device).device for device in DEVICES] == ["auto", "cuda", "cpu"]
