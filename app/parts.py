"""What an app is made of, made in its lifespan and handed to its routes. Knows no route."""

from dataclasses import dataclass

from starlette.requests import Request

from app.catalogue import Catalogue
from app.engine import Engine
from app.metrics import Metrics
from app.reloading import Reloader
from app.reproducibility import Reproducibility
from app.settings import Settings
from app.stream_budget import StreamBudget
from app.upload_budget import UploadBudget


@dataclass(frozen=True)
class Parts:
    settings: Settings
    metrics: Metrics
    registry: Catalogue
    engine: Engine
    reloader: Reloader
    uploads: UploadBudget
    streams: StreamBudget
    reproducibility: Reproducibility


def parts_of(request: Request) -> Parts:
    """The parts, and the models that are served now: one look at them for each request."""
    parts: Parts = request.app.state.parts
    return parts
