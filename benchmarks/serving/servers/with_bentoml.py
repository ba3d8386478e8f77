"""BentoML with adaptive batching.

One API process per core, each with a session of one thread: a process runs one batch at a time,
so that more processes is how it uses more cores. Batches of at most 32 images. max_latency_ms is
1000: at 20, as in many an example, it sheds with 503 what it could have served. Metrics, tracing
and access log are off. A batchable method takes and gives lists, so that the body is
{"seeds": [N]} and the answer a JSON list of one base64 string; a second service in front that
turned it into a plain PNG would cost another process and hop per request.
"""

import base64
import os
import sys
from pathlib import Path

import bentoml
from seeded_images import MODEL_VARIABLE, SeededImages, num_cores, server_options


@bentoml.service(
    workers=num_cores(),
    threads=1,
    traffic={"timeout": 60, "max_concurrency": 4096},
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
    tracing={"sample_rate": 0.0},
)
class Generator:
    def __init__(self) -> None:
        self._draw = SeededImages(os.environ[MODEL_VARIABLE])
        self._draw([0])

    @bentoml.api(batchable=True, max_batch_size=32, max_latency_ms=1000)
    def generate(self, seeds: list[int]) -> list[str]:
        return [base64.b64encode(png).decode() for png in self._draw(seeds)]


def main() -> None:
    options = server_options()
    os.environ[MODEL_VARIABLE] = str(options.model)
    os.environ["BENTOML_DO_NOT_TRACK"] = "True"
    command = [sys.executable, "-m", "bentoml", "serve", f"{Path(__file__).stem}:Generator"]
    command += ["--working-dir", str(Path(__file__).parent)]
    os.execv(sys.executable, [*command, "--host", "127.0.0.1", "--port", str(options.port)])  # noqa: S606  # no shell is what is wanted


if __name__ == "__main__":
    main()
