"""LitServe with dynamic batching.

One inference worker per core, each with a session of one thread; batches of at most 32 images,
and a batch waits no longer than 1 ms for company: 0 and 5 cost more CPU time in a brief
trial. The fast queue (ZeroMQ) instead of the default one, one API server process on uvloop and
httptools, no access log.
"""

from collections.abc import Sequence
from typing import Any

import litserve
from fastapi import Response
from seeded_images import SeededImages, num_cores, server_options


class Generate(litserve.LitAPI):
    def __init__(self, model: str, **options: Any) -> None:
        super().__init__(**options)
        self._model = model

    def setup(self, device: str) -> None:
        self._draw = SeededImages(self._model)
        self._draw([0])

    def decode_request(self, request: dict[str, int]) -> int:
        return request["seed"]

    def batch(self, inputs: Sequence[int]) -> Sequence[int]:
        return inputs

    def predict(self, seeds: Sequence[int]) -> list[bytes]:
        return self._draw(seeds)

    def unbatch(self, output: list[bytes]) -> list[bytes]:
        return output

    def encode_response(self, output: bytes) -> Response:
        return Response(output, media_type="image/png")


def main() -> None:
    options = server_options()
    api = Generate(str(options.model), max_batch_size=32, batch_timeout=0.001, api_path="/generate")
    server = litserve.LitServer(
        api, accelerator="cpu", workers_per_device=num_cores(), fast_queue=True
    )
    server.run(
        host="127.0.0.1", port=options.port, num_api_servers=1, log_level="warning",
        generate_client_file=False, access_log=False,
    )  # fmt: skip


if __name__ == "__main__":
    main()
