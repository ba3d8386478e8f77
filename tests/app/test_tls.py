"""HTTPS without a proxy, and how little it takes to be safe: where the service listens."""

import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from app.cli import main
from app.settings import Settings
from app.tls import CIPHERS, TlsUnusable, check_tls
from tests.live_server import PATIENCE_S, ROOT, LiveServer, live_server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two certificates for this machine with their keys, and the first key under a password."""
    if shutil.which("openssl") is None:
        assert os.environ.get("CI") != "1", "no openssl on this machine"
        pytest.skip("no openssl on this machine")
    folder = tmp_path_factory.mktemp("tls")
    for name in ("first", "second"):
        openssl(
            folder,
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
            f"-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 -keyout {name}.key "
            f"-out {name}.pem",
        )
    openssl(folder, "ec -in first.key -out locked.key -aes256 -passout pass:secret")
    return folder


def openssl(folder: Path, arguments: str) -> None:
    subprocess.run(["openssl", *arguments.split()], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def server(served_models: Path, folder: Path) -> Iterator[LiveServer]:
    settings = Settings(
        models=served_models,
        device="cpu",
        tls_certificate=folder / "first.pem",
        tls_key=folder / "first.key",
    )
    with live_server(settings) as running:
        yield running


def trusting(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=folder / "first.pem")


def secure(server: LiveServer) -> str:
    return server.url.replace("http:", "https:")


def asking(server: LiveServer, context: ssl.SSLContext) -> httpx.Client:
    return httpx.Client(base_url=secure(server), verify=context, timeout=PATIENCE_S)


def test_a_client_that_trusts_the_certificate_is_answered(server: LiveServer, folder: Path) -> None:
    with asking(server, trusting(folder)) as client:
        assert client.get("/health/ready").json()["status"] == "ready"
        answers = [client.get("/generate?model=tiny&seed=1") for _ in range(2)]
        assert answers[0].content == answers[1].content
        url = client.post("/v1/images/generations", json={"prompt": "7", "response_format": "url"})
        assert url.json()["data"][0]["url"].startswith("https://127.0.0.1:")
    with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
        httpx.get(f"{secure(server)}/health/ready", timeout=PATIENCE_S)


def test_plain_http_is_not_spoken_there(server: LiveServer) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{server.url}/health/ready", timeout=PATIENCE_S)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_in_use_encrypt_with_authentication(
    server: LiveServer, folder: Path, version: ssl.TLSVersion
) -> None:
    context = trusting(folder)
    context.minimum_version = context.maximum_version = version
    with asking(server, context) as client:
        answer = client.get("/health/live")
        name, *_ = answer.extensions["network_stream"].get_extra_info("ssl_object").cipher()
        assert "GCM" in name or "CHACHA20" in name
    assert "SHA1" not in CIPHERS


@pytest.mark.parametrize(
    ("certificate", "key", "reason"),
    [
        ("first.pem", "second.key", "KEY_VALUES_MISMATCH"),
        ("first.pem", "nowhere.key", "No such file or directory"),
        ("first.pem", "locked.key", "not readable"),
        ("first.key", "first.key", "not readable"),
    ],
)
def test_files_that_do_not_fit_are_told(
    folder: Path, certificate: str, key: str, reason: str
) -> None:
    settings = Settings(tls_certificate=folder / certificate, tls_key=folder / key)
    with pytest.raises(TlsUnusable, match=reason) as refused:
        check_tls(settings)
    assert "without a password, would be right" in str(refused.value)


def test_they_stop_the_start_in_one_sentence(
    tiny_repository: Path, folder: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("GANSERVE_TLS_CERTIFICATE", str(folder / "first.pem"))
    monkeypatch.setenv("GANSERVE_TLS_KEY", str(folder / "second.key"))
    assert main(["serve", "--models", str(tiny_repository), "--port", "0"]) == 1
    assert "ganserve serve: tls_certificate" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "missing"), [("tls_key", "tls_certificate"), ("tls_certificate", "tls_key")]
)
def test_one_without_the_other_is_refused(given: str, missing: str) -> None:
    with pytest.raises(ValidationError, match=f"{given} is set and {missing} is not"):
        Settings.model_validate({given: "file.pem"})


def test_workers_and_the_log_speak_https(tiny_repository: Path, folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "app", "serve", "--models", str(tiny_repository), "--port", "0",
         "--workers", "2"],
        cwd=ROOT,
        env=os.environ
        | {
            "GANSERVE_TLS_CERTIFICATE": str(folder / "first.pem"),
            "GANSERVE_TLS_KEY": str(folder / "first.key"),
            "GANSERVE_LOG_FORMAT": "json",
            "GANSERVE_TRIAL_TIMEOUT_S": "0",
        },
        stderr=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        line = next(line for line in process.stderr if '"starting"' in line)
        url = line.partition('"url": "')[2].partition('"')[0]
        try:
            transport = httpx.HTTPTransport(verify=trusting(folder), retries=3)
            with httpx.Client(transport=transport, timeout=PATIENCE_S) as client:
                assert client.get(f"{url}/health/live").status_code == 200
        finally:
            process.terminate()
        process.stderr.read()
    assert process.returncode == 0
    assert url.startswith("https://127.0.0.1:")


def test_as_it_comes_only_this_machine_reaches_the_service() -> None:
    assert Settings().host == "127.0.0.1"
