"""Keys come and go while the service answers; a wrong file changes nothing."""

import signal
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.access.key_file import read_key_file
from app.access.keyring import Keyring
from app.access.keys import new_key
from app.access.rereading import reread_keys
from app.errors import RateLimited, Unauthorized
from app.settings import Settings
from tests.access_files import add_key, bearer
from tests.live_server import server_process, wait_until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.toml"


def names(keyring: Keyring, *keys: str) -> list[str | None]:
    """Of whoever holds these keys; None for nobody."""
    found: list[str | None] = []
    for key in keys:
        headers = [(name.lower().encode(), value.encode()) for name, value in bearer(key).items()]
        try:
            found.append(keyring.holder_of({"headers": headers}).name)
        except Unauthorized:
            found.append(None)
    return found


def test_whom_the_file_names_now_is_let_in_and_nobody_else(path: Path) -> None:
    first = add_key(path, "first")
    keyring = Keyring(read_key_file(path), num_processes=1)
    path.unlink()
    second = add_key(path, "second")
    assert names(keyring, first, second, new_key()) == ["first", None, None]
    reread_keys(keyring, Settings(api_keys_file=path))
    assert names(keyring, first, second, new_key()) == [None, "second", None]


def test_a_file_that_is_wrong_changes_nothing_and_the_log_says_why(path: Path) -> None:
    first = add_key(path, "first")
    keyring = Keyring(read_key_file(path), num_processes=3)
    for wrong in ("", "[[keys]]\nname = 'x'", f"{path.read_text()}max_concurrent = 2"):
        path.write_text(wrong)
        with capture_logs() as lines:
            reread_keys(keyring, Settings(api_keys_file=path))
        assert [line["event"] for line in lines] == ["keys_refused"]
        assert str(path) in lines[0]["reason"] or "workers 3" in lines[0]["reason"]
        assert names(keyring, first) == ["first"]


def test_what_was_used_of_a_limit_stays_used(path: Path) -> None:
    key = add_key(path, "limited", requests_per_minute=1)
    keyring = Keyring(read_key_file(path), num_processes=1)
    headers = [(b"authorization", f"Bearer {key}".encode())]
    limits = keyring.holder_of({"headers": headers}).limits
    assert limits is not None
    with limits.one_request():
        pass
    add_key(path, "newcomer")
    reread_keys(keyring, Settings(api_keys_file=path))
    same = keyring.holder_of({"headers": headers}).limits
    assert same is not None
    with pytest.raises(RateLimited), same.one_request():
        pass


def test_a_service_without_keys_has_none_to_read_again() -> None:
    with capture_logs() as lines:
        reread_keys(None, Settings())
    assert lines == []


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_signal_lets_a_key_in_and_shuts_one_out_in_every_worker(
    workers: str, tiny_repository: Path, path: Path
) -> None:
    old = add_key(path, "old")
    variables = {"GANSERVE_API_KEYS_FILE": str(path)}
    with server_process(tiny_repository, "--workers", workers, **variables) as (process, client):

        def answers(key: str) -> set[int]:
            """The statuses of several connections, each to whichever worker."""
            headers = bearer(key) | {"Connection": "close"}
            return {client.get("/models", headers=headers).status_code for _ in range(8)}

        assert answers(old) == {200}
        path.unlink()
        new = add_key(path, "new")
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: (answers(old), answers(new)) == ({401}, {200}))
