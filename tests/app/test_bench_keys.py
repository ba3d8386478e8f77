"""ganserve bench of a service that has API keys."""

from pathlib import Path

import pytest

from app import cli
from app.benching import bench
from app.settings import Settings
from tests.access_files import add_key, guarded
from tests.live_server import live_server


@pytest.fixture(autouse=True)
def _briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "WARM_UP_S", 0.05)
    monkeypatch.setattr(bench, "MEASURE_S", 0.1)
    monkeypatch.setattr(bench, "CELLS", ((1, 2),))


def test_the_key_in_the_file_is_shown(
    tiny_settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = add_key(tmp_path / "keys.toml", "load")
    shown = tmp_path / "key"
    shown.write_text(f"{key}\n")
    with live_server(guarded(tiny_settings, tmp_path / "keys.toml")) as server:
        assert cli.main(["bench", "--url", server.url]) == cli.FAILED
        assert "401" in capsys.readouterr().err
        assert cli.main(["bench", "--url", server.url, "--key-file", str(shown)]) == 0
    printed = capsys.readouterr()
    assert "CPU-ms/image" in printed.out
    assert key not in printed.out + printed.err


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"two keys", b"key\r\nX-Other: 1", b"schl\xc3\xbcssel", b"\xff", None]
)
def test_a_file_that_holds_no_key_is_refused(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    asked = ["bench", "--url", "http://127.0.0.1:1", "--key-file", str(path)]
    assert cli.main(asked) == cli.FAILED
    message = capsys.readouterr().err
    assert f"--key-file {str(path)!r}" in message
    assert not any(part in message for part in ("two keys", "X-Other", "schl"))


def test_a_server_of_its_own_has_no_keys(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["bench", "--key-file", str(tmp_path / "key")]) == cli.FAILED
    assert "--key-file is for the service of --url" in capsys.readouterr().err
