"""Every knob of the service: unit, default and one-line meaning. Knows no model and no request."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.devices import DEVICES
from app.environment import PREFIX, is_kubernetes_port, refuse_unknown_variables
from app.strict_parameters import REFERENCE

__all__ = ["PREFIX", "Settings", "what_is_wrong"]


class Settings(BaseSettings):
    """Read once at start-up, from arguments, then from ``GANSERVE_`` environment variables."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True
    )

    host: str = Field("127.0.0.1", min_length=1, description="address to listen on")
    port: int = Field(
        8000, ge=0, le=65_535, description="TCP port to listen on; 0 takes a free one"
    )
    workers: int = Field(
        1, ge=1, le=256, description="server processes; each loads every model (one per GPU)"
    )
    api_keys_file: Path | None = Field(
        None,
        description="TOML file of the API keys that may ask; unset: everybody may ask, and nobody "
        "is an admin",
    )
    tls_certificate: Path | None = Field(
        None,
        description="PEM file of a certificate chain: HTTPS in place of HTTP, with tls_key",
    )
    tls_key: Path | None = Field(
        None, description="PEM file of the certificate's key, without a password"
    )
    models: Path = Field(Path("models"), description="folder of the model repository")
    device: str = Field(
        "auto",
        description="where to run: cpu; cuda, or refuse to start; auto takes the best there is",
        json_schema_extra={"enum": list(DEVICES)},
    )
    num_threads: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="threads that run models on the CPU; unset: as many as CPU affinity and "
        "the cgroup's quota grant",
    )

    gpu_memory_limit_mib: int | None = Field(
        None,
        ge=1,
        description="MiB of GPU memory that each model may take; unset: as much as there is",
    )

    watch_models_s: float | None = Field(
        None,
        ge=0.1,
        le=86_400,
        description="seconds between two looks at the models folder, whose changes are then served",
    )

    max_model_bytes: int = Field(
        1_073_741_824, ge=1, description="bytes of a model file; a larger one is refused"
    )
    trial_timeout_s: float = Field(
        60,
        ge=0,
        le=3600,
        description="seconds in which a model that SHA256SUMS does not list must start and make "
        "one image, in a process of its own, before it is loaded; 0: no such trial",
    )

    default_model: str = Field("dcgan-mnist", pattern=REFERENCE, description="model of /generate")
    default_conditional_model: str = Field(
        "cgan-mnist", pattern=REFERENCE, description="model of /generate/{label}"
    )
    default_translator: str | None = Field(
        None,
        pattern=REFERENCE,
        description="model of /translate; unset: the first translator by name",
    )

    max_images: int = Field(256, ge=1, le=4096, description="images in one request")
    max_batch_size: int = Field(32, ge=1, le=4096, description="images in one run of a model")
    exact_batch_size: int | None = Field(
        None,
        ge=1,
        le=4096,
        description="images in every run of a model, padded where fewer are asked for: exact "
        "reproducibility on a GPU; replaces max_batch_size",
    )
    bulk_batch_size: int = Field(
        8,
        ge=1,
        le=4096,
        description="images in one run for a data set: a request may wait for one such run; at "
        "most max_batch_size",
    )
    max_queue_delay_ms: float = Field(
        0,
        ge=0,
        le=1000,
        description="milliseconds for which the first image of a batch may wait for company; "
        "0: none, an idle model starts at once",
    )
    max_queue_size: int = Field(
        1024, ge=1, le=1_000_000, description="images that wait for one model; more get 429"
    )
    max_queue_wait_s: float = Field(
        1,
        ge=0.05,
        le=3600,
        description="seconds that the images that wait for one model take, as fast as it is; where "
        "it is more, requests get 429. As many requests as a batch has images may always wait",
    )
    max_dataset_images: int = Field(
        100_000, ge=1, le=10_000_000, description="images in one data set"
    )
    max_dataset_streams: int = Field(
        2, ge=1, le=1024, description="data sets that are streamed at once; more get 429"
    )
    dataset_stall_timeout_s: float = Field(
        60,
        gt=0,
        le=3600,
        description="seconds without progress, for want of a free run or of a client that reads, "
        "after which a data set is cut off",
    )
    request_timeout_s: float = Field(
        10, gt=0, le=3600, description="seconds from arrival to an encoded answer; then 504"
    )
    run_timeout_s: float = Field(
        120,
        ge=0.1,
        le=86_400,
        description="seconds after which one run of a model is taken to hang; the process ends "
        "with status 75, to be started again",
    )
    max_upload_bytes: int = Field(
        10_000_000, ge=1, le=1_000_000_000, description="bytes of an uploaded body; more get 413"
    )
    max_connections: int = Field(
        8192,
        ge=1,
        le=1_000_000,
        description="connections open at once, of one process; more get 429",
    )
    max_url_bytes: int = Field(
        16_384, ge=256, le=65_536, description="bytes of a URL; more get 414"
    )
    max_head_fields: int = Field(
        100, ge=16, le=10_000, description="header fields of a request; more get 431"
    )
    max_head_bytes: int = Field(
        65_536,
        ge=1024,
        le=16_777_216,
        description="bytes of a request's URL and header fields together; more get 431",
    )
    head_timeout_s: float = Field(
        10,
        gt=0,
        le=3600,
        description="seconds in which the URL and header fields of a request must arrive; then 408",
    )
    send_timeout_s: float = Field(
        30,
        gt=0,
        le=3600,
        description="seconds in which a client must read 16 KiB of its answer, or be cut off",
    )
    keep_alive_timeout_s: float = Field(
        5, ge=1, le=3600, description="seconds for which a connection may be idle, rounded up"
    )
    shutdown_timeout_s: float = Field(
        20, gt=0, le=3600, description="seconds that running requests are given after SIGTERM"
    )

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least severity that is logged"
    )
    access_log: bool = Field(False, description="a log line for each request")
    tracing: bool = Field(
        False,
        description="a span of OpenTelemetry for each request; needs the extra otel",
    )
    log_format: Literal["console", "json"] = Field(
        "console", description="log lines for people or for machines"
    )

    @model_validator(mode="before")
    @classmethod
    def _environment_holds_only_known_names(cls, values: dict[str, Any]) -> dict[str, Any]:
        refuse_unknown_variables({PREFIX + name.upper() for name in cls.model_fields})
        # A Service named ganserve also sets GANSERVE_PORT=tcp://..., which is not our port.
        if is_kubernetes_port(str(values.get("port", ""))):
            values = {name: value for name, value in values.items() if name != "port"}
        return values

    @field_validator("device")
    @classmethod
    def _device_is_known(cls, device: str) -> str:
        if device not in DEVICES:
            raise ValueError(f"device {device!r} is not one of: {', '.join(DEVICES)}")
        return device

    @model_validator(mode="after")
    def _largest_request_fits_the_queue(self) -> Self:
        if self.max_images > self.max_queue_size:
            raise ValueError(
                f"max_images {self.max_images} is greater than max_queue_size "
                f"{self.max_queue_size}: the largest request could never be accepted"
            )
        return self

    @model_validator(mode="after")
    def _certificate_and_key_come_together(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            given, missing = ("tls_key", "tls_certificate")[:: -1 if self.tls_key is None else 1]
            raise ValueError(f"{given} is set and {missing} is not: HTTPS needs both")
        return self


def what_is_wrong(error: ValidationError) -> str:
    """With settings that were refused: each with its value."""
    problems = (
        f"{'.'.join(map(str, problem['loc'])) or 'settings'}: "
        f"{problem['msg']}, not {problem['input']!r}"
        if problem["loc"]
        else problem["msg"]
        for problem in error.errors(include_url=False)
    )
    return "; ".join(problems)
