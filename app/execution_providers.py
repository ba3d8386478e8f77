"""Sessions on the execution provider that was asked for, or an error. Knows no card."""

import contextlib
import functools
import io
from collections import Counter
from importlib import metadata

import onnxruntime as ort
import structlog

from app.devices import EXECUTION_PROVIDERS, ExecutionProvider
from app.errors import ExecutionProviderUnavailable, ModelRefused

log = structlog.get_logger(__name__)

# Packages that all install themselves as ``onnxruntime``: two at once break each other silently.
_DISTRIBUTIONS = (
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-directml",
    "onnxruntime-openvino",
    "onnxruntime-rocm",
)
# A model must be one file. Made from bytes, a session would otherwise look for external data in
# the current directory; nothing can lie below this "folder".
_NO_FOLDER = "/dev/null"
GRAPH_OPTIMIZATION = "ORT_ENABLE_ALL"  # decides the order of sums, and so the last bits
_SILENT = 4  # whatever matters arrives as an exception; the log repeats it with C++ source paths


def candidates(device: str) -> list[ExecutionProvider]:
    """Execution providers to try for ``device``, best first.

    Raises:
        ExecutionProviderUnavailable: the installed ONNX Runtime cannot run on this device.
    """
    _warn_if_installed_twice()
    offered = ort.get_available_providers()
    if device != "auto":
        provider = EXECUTION_PROVIDERS[device]
        if provider.name not in offered:
            raise ExecutionProviderUnavailable(
                f"device {device!r} needs {provider.name}, but the installed ONNX Runtime "
                f"{ort.__version__} offers only {', '.join(offered)}; install ganserve with the "
                "extra 'gpu' in place of 'cpu', or start with --device cpu"
            )
        return [provider]
    for provider in EXECUTION_PROVIDERS.values():
        if provider.name not in offered:
            log.info("execution_provider_not_installed", execution_provider=provider.name)
    return [provider for provider in EXECUTION_PROVIDERS.values() if provider.name in offered]


def open_session(model: bytes, provider: ExecutionProvider) -> ort.InferenceSession:
    """Open ``model`` on ``provider`` and nowhere else; ONNX Runtime would fall back to the CPU.

    Raises:
        ModelRefused: ONNX Runtime cannot read the model.
        ExecutionProviderUnavailable: the model is sound, but the execution provider is not active.
    """
    is_cpu = provider == EXECUTION_PROVIDERS["cpu"]
    complaints = "" if is_cpu else _preload_cuda()
    try:
        session = _session(model, provider)
    except Exception as error:
        if is_cpu:
            raise ModelRefused(f"ONNX Runtime cannot read it: {first_line(error)}") from error
        open_session(model, EXECUTION_PROVIDERS["cpu"])  # raises if it is the model that is broken
        raise ExecutionProviderUnavailable(
            f"{provider.name} cannot start: {first_line(error)} {complaints}".strip()
        ) from error
    if session.get_providers()[0] != provider.name:
        raise ExecutionProviderUnavailable(
            f"{provider.name} was asked for, but ONNX Runtime fell back to "
            f"{session.get_providers()[0]}: driver or libraries are missing. {complaints}".strip()
        )
    session.disable_fallback()  # run() would otherwise move to the CPU after a failure
    if not is_cpu:
        _tell_what_runs_elsewhere(session, provider)
    return session


def _session(model: bytes, provider: ExecutionProvider) -> ort.InferenceSession:
    ort.set_default_logger_severity(_SILENT)  # the only thing that hushes the provider's loader
    options = ort.SessionOptions()
    options.log_severity_level = _SILENT
    options.graph_optimization_level = ort.GraphOptimizationLevel.__members__[GRAPH_OPTIMIZATION]
    options.intra_op_num_threads = 1  # parallel runs beat parallel operators, and spin less
    options.inter_op_num_threads = 1
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", _NO_FOLDER
    )
    # Else ONNX Runtime's own format would be taken, too, which nobody has looked through.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    providers = [(provider.name, dict(provider.options))]
    return ort.InferenceSession(model, options, providers=providers, enable_fallback=0)


def _tell_what_runs_elsewhere(session: ort.InferenceSession, provider: ExecutionProvider) -> None:
    if not hasattr(session, "get_provider_graph_assignment_info"):  # ONNX Runtime before 1.24
        return
    num_nodes = Counter[str]()
    for part in session.get_provider_graph_assignment_info():
        num_nodes[part.ep_name] += len(part.get_nodes())
    if set(num_nodes) != {provider.name}:
        log.warning("nodes_on_other_execution_providers", num_nodes=dict(num_nodes))


def first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0]


@functools.cache
def _preload_cuda() -> str:
    """Load the CUDA and cuDNN libraries that pip installed; give what ONNX Runtime says of it."""
    if not hasattr(ort, "preload_dlls"):  # ONNX Runtime before 1.21
        return ""
    complaints = io.StringIO()
    with contextlib.redirect_stdout(complaints):  # it prints them
        ort.preload_dlls()
    return "; ".join(complaints.getvalue().split("\n")).strip("; ")


def _warn_if_installed_twice() -> None:
    installed = []
    for name in _DISTRIBUTIONS:
        with contextlib.suppress(metadata.PackageNotFoundError):
            installed.append(f"{name} {metadata.version(name)}")
    if len(installed) > 1:
        log.warning(
            "onnxruntime_installed_twice",
            distributions=installed,
            advice="they overwrite each other; uninstall all of them and install one",
        )
