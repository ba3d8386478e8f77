"""Ray Serve with @serve.batch, behind its HAProxy ingress.

HAProxy (the build that comes with Ray) sends requests straight to the replicas: the Python proxy
is several times slower. Ray's own throughput settings (user code on the replica's event loop).
Workers are not niced.
One replica per core; batches of at most 32 images that wait no longer than 1 ms for company; a
batch runs in a thread, on a session of one thread, so that the event loop stays free. No FastAPI
on top, no access log, no dashboard; enough ongoing requests that no queue is in front of HAProxy.
"""

import asyncio
import json
import os
import secrets
import signal
import sys

os.environ |= {  # Ray reads them when it is imported
    "RAY_SERVE_ENABLE_HA_PROXY": "1",
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
    "RAY_SERVE_HAPROXY_METRICS_ENABLED": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),  # or it keeps one in the home directory
    "RAY_worker_niceness": "0",
}

import ray
from ray import serve
from seeded_images import SeededImages, num_cores, server_options
from starlette.requests import Request
from starlette.responses import Response


@serve.deployment(num_replicas=num_cores(), max_ongoing_requests=2048)
class Generator:
    def __init__(self, model: str) -> None:
        self._draw = SeededImages(model)
        self._draw([0])

    @serve.batch(max_batch_size=32, batch_wait_timeout_s=0.001, max_concurrent_batches=2)
    async def _batch(self, seeds: list[int]) -> list[bytes]:
        return await asyncio.to_thread(self._draw, seeds)

    async def __call__(self, request: Request) -> Response:
        seed: int = json.loads(await request.body())["seed"]
        return Response(await self._batch(seed), media_type="image/png")


def main() -> None:
    options = server_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ray.init(
        num_cpus=2 * num_cores(), include_dashboard=False, log_to_driver=False,
        _node_ip_address="127.0.0.1",
    )  # fmt: skip
    serve.start(
        http_options={"host": "127.0.0.1", "port": options.port},
        logging_config={"enable_access_log": False, "log_level": "WARNING"},
    )
    app = Generator.bind(str(options.model))
    serve.run(app, route_prefix="/generate", logging_config={"enable_access_log": False})
    signal.pause()


if __name__ == "__main__":
    main()
