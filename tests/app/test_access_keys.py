"""API keys: how one is made, what the file may hold, and what is wrong with a file that is not."""

import hashlib
import re
import stat
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app import cli
from app.access.key_file import KeyFileInvalid, read_key_file
from app.access.keygen import append, make_key
from app.access.keys import is_key, new_key, redacted
from app.secret_files import warn_of_readable_secrets
from app.settings import Settings
from tests.access_files import add_key

HASH = "0123456789abcdef" * 4


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    return tmp_path / "keys.toml"


def test_a_key_is_256_random_bits_behind_a_name_of_ours() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(re.fullmatch(r"ganserve_[A-Za-z0-9_-]{43}", key) and is_key(key) for key in keys)


def test_keygen_prints_the_key_once_and_an_entry_without_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["keygen", "ci", "--role", "admin", "--requests-per-minute", "60"]) == 0
    printed = capsys.readouterr()
    key = printed.out.strip()
    assert is_key(key)
    assert key not in printed.err
    assert tomllib.loads(printed.err)["keys"] == [
        {
            "name": "ci",
            "sha256": hashlib.sha256(key.encode()).hexdigest(),
            "role": "admin",
            "requests_per_minute": 60,
        }
    ]


def test_keygen_adds_to_a_file_that_only_its_owner_may_read_and_keeps_what_is_there(
    keys_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(keys_file, "# of our team\n").chmod(0o644)
    for name in ("first", "second"):
        assert cli.main(["keygen", name, "--max-concurrent", "2", "--append", str(keys_file)]) == 0
        assert is_key(capsys.readouterr().out.strip())
    assert stat.S_IMODE(keys_file.stat().st_mode) == 0o600
    assert keys_file.read_text().startswith("# of our team\n\n[[keys]]\n")
    assert [entry.name for entry in read_key_file(keys_file)] == ["first", "second"]
    assert [entry.max_concurrent for entry in read_key_file(keys_file)] == [2, 2]
    assert list(keys_file.parent.iterdir()) == [keys_file]


def test_of_keys_that_are_added_at_once_none_is_lost(keys_file: Path) -> None:
    names = {f"key-{number}" for number in range(16)}
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda name: add_key(keys_file, name), names))) == 16
    assert {entry.name for entry in read_key_file(keys_file)} == names


def test_keygen_follows_a_link_to_the_file(keys_file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(keys_file)
    add_key(link, "ci")
    assert link.is_symlink()
    assert read_key_file(keys_file) == read_key_file(link)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a name"], "not 'a name'"),
        (["ci", "--requests-per-minute", "0"], "requests_per_minute: .*not 0"),
        (["ci", "--append", "nowhere/keys.toml"], "nowhere/keys.toml' cannot be written"),
    ],
)
def test_keygen_tells_what_is_wrong(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["keygen", *arguments]) in (1, 2)
    assert re.search(message, capsys.readouterr().err)


def test_a_name_that_is_taken_changes_nothing(keys_file: Path) -> None:
    add_key(keys_file, "ci")
    before = keys_file.read_bytes()
    with pytest.raises(KeyFileInvalid, match=r"key 2: name 'ci' is that of key 1 too"):
        add_key(keys_file, "ci")
    assert keys_file.read_bytes() == before
    assert list(keys_file.parent.iterdir()) == [keys_file]


def test_one_key_under_two_names_is_refused(keys_file: Path) -> None:
    _, entry = make_key("one", role="generate", requests_per_minute=None, max_concurrent=None)
    append(entry, keys_file)
    with pytest.raises(KeyFileInvalid, match=f"key 2: sha256 '{entry.sha256}' is that of key 1"):
        append(entry.model_copy(update={"name": "two"}), keys_file)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('sha256 = "X"', r"key 1: name is missing"),
        (f'name = "ci"\nsha256 = "{HASH}"', r"key 1 \('ci'\): role is missing: generate, or admin"),
        (f'name = "ci"\nsha256 = "{HASH}"\nrole = "root"', r"role 'root' is not right: generate"),
        (
            'name = "ci"\nsha256 = "12ab"\nrole = "admin"',
            r"sha256 '12ab' is not right: .*64 digits",
        ),
        (f'name = "a b"\nsha256 = "{HASH}"\nrole = "admin"', r"name 'a b' is not right: 1 to 64"),
        (
            f'name = "ci"\nsha256 = "{HASH}"\nrole = "admin"\nmax_concurrent = "2"',
            r"max_concurrent '2' is not right: .*an integer from 1",
        ),
        (
            f'name = "ci"\nsha256 = "{HASH}"\nrole = "admin"\nrequests_per_minute = 0',
            r"requests_per_minute 0 is not right: an integer from 1",
        ),
        (
            f'name = "ci"\nsha256 = "{HASH}"\nrole = "admin"\nper_minute = 1',
            r"unknown field 'per_minute'; known are: name, sha256, role, requests_per_minute",
        ),
    ],
)
def test_an_entry_that_is_wrong_is_told_with_its_file_place_and_value(
    lines: str, message: str, keys_file: Path
) -> None:
    written(keys_file, f"[[keys]]\n{lines}\n")
    with pytest.raises(KeyFileInvalid, match=message) as refused:
        read_key_file(keys_file)
    assert str(keys_file) in str(refused.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no key"),
        ("keys = 3", "'keys' is no list"),
        ("keys = [3]", r"key 1: 3 is no table; \[\[keys\]\] begins one"),
        ("[[key]]\nname = 'x'", r"unknown field 'key'; a key is a table that begins with \[\[keys"),
        ("[[keys]", "is no TOML"),
    ],
)
def test_a_file_that_is_none_is_told(text: str, message: str, keys_file: Path) -> None:
    with pytest.raises(KeyFileInvalid, match=message):
        read_key_file(written(keys_file, text))


def test_a_file_that_is_not_there_is_told_with_the_setting_that_names_it(keys_file: Path) -> None:
    with pytest.raises(KeyFileInvalid, match="No such file or directory; the setting api_keys_fi"):
        read_key_file(keys_file)
    keys_file.write_bytes(b"\xff\xfe")
    with pytest.raises(KeyFileInvalid, match="not in UTF-8"):
        read_key_file(keys_file)


def test_a_key_in_place_of_its_hash_is_not_shown(keys_file: Path) -> None:
    key = new_key()
    written(keys_file, f'[[keys]]\nname = "ci"\nsha256 = "{key}"\nrole = "admin"\n')
    with pytest.raises(KeyFileInvalid, match=r"sha256 'ganserve_\[redacted\]'") as refused:
        read_key_file(keys_file)
    assert key not in str(refused.value)


@pytest.mark.parametrize(("mode", "is_told"), [(0o600, False), (0o640, False), (0o604, True)])
def test_a_file_that_everybody_may_read_is_warned_about(
    keys_file: Path, mode: int, is_told: bool
) -> None:
    add_key(keys_file, "ci")
    keys_file.chmod(mode)
    with capture_logs() as lines:
        warn_of_readable_secrets(Settings(api_keys_file=keys_file))
    assert [line["remedy"] for line in lines] == [f"chmod 600 {keys_file}"] * is_told


def test_keys_are_taken_out_of_a_text_and_names_of_metrics_are_not() -> None:
    key = new_key()
    assert redacted(f"a {key}.") == "a ganserve_[redacted]."
    assert redacted(f"cut off: {key[:45]}") == "cut off: ganserve_[redacted]"
    metric = "ganserve_request_duration_seconds_bucket"
    assert redacted(metric) == metric
