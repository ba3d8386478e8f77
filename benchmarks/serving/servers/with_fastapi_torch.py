"""FastAPI + PyTorch, eager, one image per request: the script that most people would write.

The network is rebuilt from the ONNX file, operator by operator, with its weights. An async handler
hands each request to a pool of as many threads as cores, under inference_mode; torch itself runs
on one thread in each (its own threads on top would fight for the same cores). uvloop and
httptools, no access log, one process.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import torch
import uvicorn
from fastapi import FastAPI, Response
from onnx_in_torch import OnnxInTorch
from pydantic import BaseModel
from seeded_images import draw_latents, encode_png, num_cores, server_options


class Body(BaseModel):
    seed: int


def main() -> None:
    options = server_options()
    torch.set_num_threads(1)
    network = OnnxInTorch(options.model).eval()

    def draw(seed: int) -> bytes:
        with torch.inference_mode():
            images = network(torch.from_numpy(draw_latents([seed], network.latent_dim)))
        return encode_png(images[0].numpy())

    draw(0)
    pool = ThreadPoolExecutor(num_cores())
    app = FastAPI()

    @app.post("/generate")
    async def generate(body: Body) -> Response:
        png = await asyncio.get_running_loop().run_in_executor(pool, draw, body.seed)
        return Response(png, media_type="image/png")

    uvicorn.run(app, host="127.0.0.1", port=options.port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
