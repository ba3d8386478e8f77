"""The hardening of the images and of the Compose file, held where it could drift unseen."""

import http.server
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.devices import DEVICES
from app.settings import PREFIX, Settings
from tests.live_server import reserved_port
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).resolve().parents[1]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DEFAULTS = {name: field.default for name, field in Settings.model_fields.items()}

# (stage, instruction, arguments), continuation lines joined and comments dropped
Instruction = tuple[str, str, str]


def _read_dockerfile() -> list[Instruction]:
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    stage, instructions = "", []
    for line in filter(None, map(str.strip, re.sub(r"\\\n", "", text).splitlines())):
        name, _, arguments = line.partition(" ")
        if name == "FROM":
            stage = re.split(r"\s+AS\s+", arguments)[1]
        instructions.append((stage, name, arguments.strip()))
    return instructions


DOCKERFILE = _read_dockerfile()
STAGES = [stage for stage, name, _ in DOCKERFILE if name == "FROM"]


def _only(instruction: str) -> str:
    (arguments,) = [arguments for _, name, arguments in DOCKERFILE if name == instruction]
    return arguments


def test_the_default_image_is_the_gpu_image_and_the_cpu_image_stands_beside_it() -> None:
    assert STAGES[-1] == "gpu"
    assert "cpu" in STAGES
    assert {name: service["build"]["target"] for name, service in SERVICES.items()} == {
        "ganserve": "gpu",
        "ganserve-cpu": "cpu",
    }


def test_both_images_run_as_the_same_numbered_user_who_is_not_root() -> None:
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", _only("USER"))
    after_user = DOCKERFILE[[name for _, name, _ in DOCKERFILE].index("USER") :]
    assert {name for _, name, _ in after_user} <= {
        "USER", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD", "FROM", "ENV", "COPY",
    }  # fmt: skip
    froms = dict(
        arguments.split(" AS ")[::-1] for _, name, arguments in DOCKERFILE if name == "FROM"
    )
    assert froms["cpu"] == froms["gpu"] == "runtime"


def test_the_images_hold_one_package_of_debians_more_and_nothing_to_install_or_rise_with() -> None:
    runs = [
        arguments for stage, name, arguments in DOCKERFILE if (stage, name) == ("runtime", "RUN")
    ]
    (install,) = [run for run in runs if "apt-get install" in run]
    packages = re.search(r"apt-get install(.*?)>/dev/null", install)
    assert packages is not None
    assert [word for word in packages[1].split() if not word.startswith("-")] == ["tini"]
    assert "--no-install-recommends" in install
    assert "rm -rf /var/lib/apt/lists/*" in install
    (strip,) = [run for run in runs if "pip uninstall" in run]
    assert {"pip", "setuptools", "wheel;"} <= set(strip.split())
    assert "find / -xdev -type f -perm /6000 -exec chmod a-s" in strip
    assert not [name for _, name, _ in DOCKERFILE if name == "ADD"]


def test_no_bit_that_lends_a_user_is_left_where_it_is_looked_for(tmp_path: Path) -> None:
    """The command of the Dockerfile, in a folder in place of /."""
    (command,) = re.findall(
        r"find / .*?\{\} \+", " ".join(arguments for *_, arguments in DOCKERFILE)
    )
    for name, mode in (("su", 0o4755), ("wall", 0o2755), ("plain", 0o755)):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    subprocess.run(command.replace("find /", f"find {tmp_path}", 1).split(), check=True)
    assert {each.stat().st_mode & 0o7777 for each in tmp_path.iterdir()} == {0o755}


def test_by_hand_a_container_is_held_in_as_by_compose() -> None:
    page = (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^docker run (.*?[^\\])$", page, re.MULTILINE | re.DOTALL)
    options = " ".join(command.replace("\\\n", " ").split())
    for service in SERVICES.values():
        for option in (
            "--read-only",
            "--tmpfs /tmp",
            f"--cap-drop {service['cap_drop'][0]}",
            "--security-opt no-new-privileges",
            f"--pids-limit {service['pids_limit']}",
            "--publish 127.0.0.1:8000:8000",
        ):
            assert option in options
    assert ":/models:ro" in options


def test_the_images_hold_neither_training_nor_models() -> None:
    copied = " ".join(arguments for _, name, arguments in DOCKERFILE if name in {"COPY", "ADD"})
    assert not re.search(r"\b(training|models|tests)\b", copied)
    let_through = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    from_context = {
        word
        for _, name, arguments in DOCKERFILE
        if name == "COPY" and "--from" not in arguments
        for word in arguments.split()[:-1]
    }
    assert set(let_through) == from_context


def test_each_image_installs_the_base_with_its_own_extra_pinned() -> None:
    installs = {
        stage: arguments
        for stage, name, arguments in DOCKERFILE
        if name == "RUN" and "--requirement" in arguments
    }
    assert installs.keys() == {"build-cpu", "build-gpu"}
    for stage, command in installs.items():
        assert "--constraint constraints.txt" in command
        assert f"--requirement {stage.removeprefix('build-')}.txt" in command
    assert ("cpu", "COPY", "--from=build-cpu /opt/venv /opt/venv") in DOCKERFILE
    assert ("gpu", "COPY", "--from=build-gpu /opt/venv /opt/venv") in DOCKERFILE
    assert not re.search(r"nvidia/cuda", " ".join(STAGES)), "the extras bring CUDA: never twice"


def test_the_images_start_the_service_without_a_shell_and_stop_it_with_sigterm() -> None:
    assert json.loads(_only("ENTRYPOINT")) == ["tini", "--"]
    assert json.loads(_only("CMD")) == ["ganserve", "serve"]
    assert _only("STOPSIGNAL") == "SIGTERM"


def test_the_environment_of_the_images_is_known_to_the_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment = " ".join(arguments for _, name, arguments in DOCKERFILE if name == "ENV")
    for name, value in re.findall(rf"({PREFIX}\w+)=(\S+)", environment):
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.host == "0.0.0.0"  # noqa: S104  # inside a container
    assert str(settings.port) == _only("EXPOSE")
    assert settings.models == Path("/models")


@pytest.mark.parametrize(("status", "is_healthy"), [(200, True), (503, False), (None, False)])
def test_the_health_check_follows_readiness(status: int | None, is_healthy: bool) -> None:
    _, _, command = _only("HEALTHCHECK").partition("CMD ")
    python, flags, code = json.loads(command)
    assert python.startswith("/opt/venv/bin/python")
    assert str(DEFAULTS["port"]) in code
    code, num_limits = re.subn(r"timeout=\d\b", f"timeout={PATIENCE_S}", code)
    assert num_limits == 1  # not that of a busy machine
    with _answering_readiness(status) as port:
        check = subprocess.run(
            [sys.executable, flags, code.replace(str(DEFAULTS["port"]), str(port))],
            capture_output=True,
            timeout=2 * PATIENCE_S,
        )
    assert (check.returncode == 0) == is_healthy, check.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] == 1024
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert [mount.partition(":")[0] for mount in service["tmpfs"]] == ["/tmp"]  # noqa: S108  # a mount, not a file
    assert not {"privileged", "user", "cap_add", "network_mode", "pid", "ipc"} & service.keys()
    (models,) = service["volumes"]
    assert (models["source"], models["target"], models["read_only"]) == (
        "./models",
        "/models",
        True,
    )


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_published_on_loopback_unless_told_otherwise(name: str) -> None:
    port = DEFAULTS["port"]
    assert SERVICES[name]["ports"] == [f"${{GANSERVE_PUBLISH:-127.0.0.1:{port}}}:{port}"]


@pytest.mark.parametrize("name", SERVICES)
def test_the_kill_comes_later_than_the_graceful_end(name: str) -> None:
    grace = re.fullmatch(r"(\d+)s", SERVICES[name]["stop_grace_period"])
    assert grace is not None
    assert int(grace[1]) > DEFAULTS["shutdown_timeout_s"]


def test_the_gpu_service_reserves_the_gpus_and_the_cpu_service_does_not() -> None:
    (device,) = SERVICES["ganserve"]["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}
    assert "deploy" not in SERVICES["ganserve-cpu"]
    for service in SERVICES.values():
        assert not {"runtime", "gpus", "devices"} & service.keys(), "never beside the reservation"


def test_the_cpu_service_waits_for_its_profile() -> None:
    assert "profiles" not in SERVICES["ganserve"]
    assert SERVICES["ganserve-cpu"]["profiles"] == ["cpu"]


def test_the_services_choose_a_device_that_the_settings_know() -> None:
    command = SERVICES["ganserve"]["command"]
    assert command == ["ganserve", "serve", "--device", "${GANSERVE_DEVICE:-auto}"]
    assert SERVICES["ganserve-cpu"]["command"] == ["ganserve", "serve", "--device", "cpu"]
    assert {"auto", "cpu", "cuda"} <= set(DEVICES)


@pytest.mark.parametrize("variable", ["GANSERVE_DEVICE", "GANSERVE_PUBLISH", "GANSERVE_REVISION"])
def test_each_variable_of_the_compose_file_is_explained(variable: str) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert set(re.findall(r"\$\{(\w+)", text)) == {
        "GANSERVE_DEVICE",
        "GANSERVE_PUBLISH",
        "GANSERVE_REVISION",
    }
    assert f"`{variable}`" in (ROOT / "docs" / "containers.md").read_text()


@contextmanager
def _answering_readiness(status: int | None) -> Iterator[int]:
    """The port of a server that answers /health/ready with ``status``; None: nobody listens."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if status and self.path == "/health/ready" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    if status is None:
        with reserved_port() as port:
            yield port
        return
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
