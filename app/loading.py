"""One model file to a warm session with its card. Knows no other model."""

import time
from dataclasses import dataclass, field, replace
from typing import NoReturn

import structlog

from app.devices import EXECUTION_PROVIDERS, ExecutionProvider
from app.errors import ExecutionProviderUnavailable, InferenceFailed, ModelRefused
from app.model_structure import check_structure
from app.repository import ModelFile
from app.served_model import ServedModel
from app.session import Session
from app.settings import Settings
from app.trials import try_out

log = structlog.get_logger(__name__)

TRIAL_FACTOR = 4
"""So many times the size of the largest file is the memory in which a model is tried out."""


@dataclass(frozen=True, eq=False)
class LoadedModel(ServedModel):
    """A model that this process runs."""

    session: Session = field(repr=False)


def batch_sizes(provider: ExecutionProvider, settings: Settings) -> tuple[int, ...]:
    """The only batch sizes that are run, all of them warmed up; empty: any size."""
    if settings.exact_batch_size:
        return (settings.exact_batch_size,)
    if not provider.is_bucketed:
        return ()
    powers = (2**exponent for exponent in range(settings.max_batch_size.bit_length()))
    return tuple(sorted({*powers, settings.max_batch_size}))


def load_model(
    file: ModelFile,
    provider: ExecutionProvider,
    settings: Settings,
    *,
    served: LoadedModel | None = None,
) -> LoadedModel:
    """Read, verify, open and warm up one model; the one that is ``served``, where it is the same.

    One that SHA256SUMS does not list is tried out before.

    Raises:
        ModelRefused: the file is not a sound model that keeps its contract.
        ExecutionProviderUnavailable: the model is sound, but does not run on ``provider``.
    """
    start = time.perf_counter()
    content, digest, checksum = file.read(max_bytes=settings.max_model_bytes)
    if served is not None and served.digest == digest:
        is_as_before = served.checksum == checksum
        return served if is_as_before else replace(served, checksum=checksum)
    check_structure(content)
    if checksum == "unlisted" and settings.trial_timeout_s:
        max_bytes = TRIAL_FACTOR * settings.max_model_bytes
        try_out(content, max_bytes=max_bytes, timeout_s=settings.trial_timeout_s)
    session = Session(content, provider, batch_sizes=batch_sizes(provider, settings))
    try:
        session.warm_up()
    except InferenceFailed as error:
        _blame(content, provider, error)
    if session.card.name != file.name:
        log.info("model_renamed", model=file.name, name_in_card=session.card.name)
    model = LoadedModel(
        name=file.name,
        version=file.version,
        digest=digest,
        card=session.card.model_copy(update={"name": file.name}),
        checksum=checksum,
        execution_provider=session.execution_provider,
        directory=file.path.parent,
        mixes_classes=session.mixes_classes,
        session=session,
    )
    log.info(
        "model_loaded",
        model=model.name,
        version=model.version,
        digest=digest[:12],
        checksum=checksum,
        execution_provider=model.execution_provider,
        seconds=round(time.perf_counter() - start, 3),
    )
    return model


def _blame(content: bytes, provider: ExecutionProvider, error: InferenceFailed) -> NoReturn:
    """Raise what a failed warm-up means: the device is to blame if the model runs on the CPU."""
    cpu = EXECUTION_PROVIDERS["cpu"]
    if provider == cpu:
        raise ModelRefused(f"its first run failed: {error.detail}") from error
    try:
        Session(content, cpu).warm_up()
    except InferenceFailed:
        raise ModelRefused(f"its first run failed: {error.detail}") from error
    raise ExecutionProviderUnavailable(
        f"{provider.name} cannot run a sound model: {error.detail}"
    ) from error
