"""Triton: the tritonserver binary with its Python backend, without PyTriton's proxy in front.

One model instance (a process of its own) per core, each with a session of one thread; the dynamic
batcher takes what is waiting, up to 32 images, and delays nothing (half a millisecond of delay
gained nothing in a brief trial). The seed comes as a JSON tensor, the PNG goes back as a binary
tensor. Metrics, gRPC and logs are off, which saves it some CPU time.
"""

import os
import shutil
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

from seeded_images import MODEL_VARIABLE, num_cores, server_options

CONFIG = """
name: "generator"
backend: "python"
max_batch_size: 32
input [{{ name: "seed", data_type: TYPE_INT64, dims: [1] }}]
output [{{ name: "png", data_type: TYPE_UINT8, dims: [-1] }}]
instance_group [{{ count: {count}, kind: KIND_CPU }}]
dynamic_batching {{ max_queue_delay_microseconds: 0 }}
"""


def main() -> None:
    options = server_options()
    repository = Path.cwd() / "triton-repository"
    backends = _server_folder() / "backends"
    _write_repository(repository)
    _place_stub(backends / "python")
    os.environ[MODEL_VARIABLE] = str(options.model)
    os.environ["PYTHONPATH"] = os.pathsep.join([sys.path[0], sysconfig.get_path("purelib")])
    binary = str(_server_folder() / "bin" / "tritonserver")
    flags = {
        "--model-repository": str(repository),
        "--backend-directory": str(backends),
        "--http-address": "127.0.0.1",
        "--http-port": str(options.port),
        "--http-thread-count": str(2 * num_cores()),
        "--allow-grpc": "false",
        "--allow-metrics": "false",
        "--log-info": "false",
    }
    arguments = [f"{name}={value}" for name, value in flags.items()]
    os.execv(binary, [binary, "--disable-auto-complete-config", *arguments])  # noqa: S606  # no shell is what is wanted


def _server_folder() -> Path:
    spec = find_spec("pytriton")
    assert spec is not None  # noqa: S101  # installed, by its own pins
    assert spec.origin is not None  # noqa: S101  # a package with a file
    return Path(spec.origin).parent / "tritonserver"


def _write_repository(repository: Path) -> None:
    version = repository / "generator" / "1"
    version.mkdir(parents=True, exist_ok=True)
    (version.parent / "config.pbtxt").write_text(CONFIG.format(count=num_cores()))
    shutil.copy(Path(__file__).with_name("triton_backend.py"), version / "model.py")


def _place_stub(backend: Path) -> None:
    """The wheel holds one stub per Python version, none of them where the backend looks."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stub = backend.parents[1] / "python_backend_stubs" / version / "triton_python_backend_stub"
    target = backend / stub.name
    if not target.exists():
        shutil.copy(stub, target)


if __name__ == "__main__":
    main()
