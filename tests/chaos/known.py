"""What every model of the changing repository answers, asked before any fault. Knows no fault."""

import itertools
import shutil
from pathlib import Path

from app.settings import Settings
from tests.chaos.clients import LARGEST, QUERIES, Known
from tests.chaos.repository import NUM_MAKES, SOUND_VERSIONS, ChangingRepository
from tests.live_server import live_server


def known_answers(folder: Path, *, beside: list[Path]) -> Known:
    """Ask a service of its own, which has all versions in ``folder`` at once."""
    repository = ChangingRepository(folder, beside=beside)
    repository.add_all_versions()
    models = [f"tiny-two/{version}" for version in SOUND_VERSIONS] + repository.steady
    known = _answers(folder, [*models, "tiny-colour"])
    for model in ("tiny-two", *repository.steady):  # known by now
        shutil.rmtree(folder / model)
    for make in range(1, NUM_MAKES):
        repository.set_make(make)
        known |= _answers(folder, ["tiny-colour"])
    num_models = len(SOUND_VERSIONS) + NUM_MAKES + len(repository.steady)
    assert len(known) == num_models * (len(QUERIES) + 1), "two models have one digest"
    return known


def _answers(folder: Path, models: list[str]) -> dict[tuple[str, str], bytes]:
    found = {}
    with live_server(Settings(models=folder, device="cpu")) as server:
        for model, query in itertools.product(models, (*QUERIES, LARGEST)):
            answer = server.client.get(f"/generate?model={model}&{query}")
            assert answer.status_code == 200, answer.text
            found[answer.headers["x-model-digest"], query] = answer.content
    return found
