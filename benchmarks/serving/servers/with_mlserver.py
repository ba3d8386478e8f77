"""MLServer with a custom runtime and adaptive batching.

One process (parallel_workers 0: its worker processes add a hop to every batch); batches of at most
32 images that wait no longer than 1 ms for company; a batch runs in a pool of as many threads as
cores, which share one session of one thread each, so that the event loop stays free. A custom
route takes {"seed": N} and answers the PNG itself: the standard one would wrap it as base64. No
gzip, no metrics, no access log.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from fastapi import Response
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.codecs import NumpyCodec
from mlserver.context import model_context
from mlserver.handlers import custom_handler
from mlserver.settings import ModelParameters
from mlserver.types import InferenceRequest, InferenceResponse, RequestInput, ResponseOutput
from pydantic import BaseModel
from seeded_images import SeededImages, num_cores, server_options


class Body(BaseModel):
    seed: int


class Runtime(MLModel):
    async def load(self) -> bool:
        self._draw = SeededImages(self.settings.parameters.uri)
        self._draw([0])
        self._pool = ThreadPoolExecutor(num_cores())
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        seeds = [int(seed) for seed in NumpyCodec.decode_input(payload.inputs[0])[:, 0]]
        loop = asyncio.get_running_loop()
        files = await loop.run_in_executor(self._pool, self._draw, seeds)
        output = ResponseOutput(name="png", shape=[len(files), 1], datatype="BYTES", data=files)
        return InferenceResponse(model_name=self.name, outputs=[output])

    @custom_handler(rest_path="/generate")
    async def generate(self, body: Body) -> Response:
        seed = RequestInput(name="seed", shape=[1, 1], datatype="INT64", data=[body.seed])
        with model_context(self.settings):  # MLServer sets it on its own routes only
            response = await self.predict(InferenceRequest(inputs=[seed]))
        (png,) = response.outputs[0].data
        return Response(png, media_type="image/png")


async def main() -> None:
    options = server_options()
    settings = Settings(
        host="127.0.0.1", http_port=options.port, grpc_port=0,  # any that is free
        metrics_endpoint=None, parallel_workers=0, gzip_enabled=False, debug=False,
        load_models_at_startup=False,
    )  # fmt: skip
    model = ModelSettings(
        name="generator", implementation=Runtime, max_batch_size=32, max_batch_time=0.001,
        parameters=ModelParameters(uri=str(options.model)),
    )  # fmt: skip
    await MLServer(settings).start([model])


if __name__ == "__main__":
    asyncio.run(main())
