"""FastAPI + ONNX Runtime, one run per request, no batching.

An async handler hands each request to a pool of as many threads as cores, which share one session
of one thread each (intra_op_num_threads=1: fastest under load). uvloop and httptools, no access
log, one process. Latent, run and PNG all happen in the pool, off the event loop.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import uvicorn
from fastapi import FastAPI, Response
from pydantic import BaseModel
from seeded_images import SeededImages, num_cores, server_options


class Body(BaseModel):
    seed: int


def main() -> None:
    options = server_options()
    draw = SeededImages(options.model)
    draw([0])
    pool = ThreadPoolExecutor(num_cores())
    app = FastAPI()

    @app.post("/generate")
    async def generate(body: Body) -> Response:
        (png,) = await asyncio.get_running_loop().run_in_executor(pool, draw, [body.seed])
        return Response(png, media_type="image/png")

    uvicorn.run(app, host="127.0.0.1", port=options.port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
