"""Files that are whole or not there, whoever else writes the same."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from app import durable
from app.durable import create_durably, remove_unfinished, write_durably


def no_links(*_: Any) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


@pytest.mark.parametrize("has_links", [True, False])
def test_a_file_is_created_once_and_nothing_else_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    if not has_links:
        monkeypatch.setattr(durable.os, "link", no_links)
    create_durably(tmp_path / "file", b"first")
    with pytest.raises(FileExistsError):
        create_durably(tmp_path / "file", b"second")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"first"
    write_durably(tmp_path / "file", b"third")
    assert (tmp_path / "file").read_bytes() == b"third"


def test_a_disk_that_is_full_when_a_file_is_created_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(durable.os, "link", full)
    with pytest.raises(OSError, match="No space left"):
        create_durably(tmp_path / "file", b"first")
    assert not [*tmp_path.iterdir()]


def test_what_is_unfinished_is_removed_by_name_and_age(tmp_path: Path) -> None:
    names = [".a-1.tar.0.unfinished", ".a-2.tar.0.unfinished", ".b.csv.0.unfinished", "a-1.tar"]
    for name in names:
        (tmp_path / name).touch()
    os.utime(tmp_path / names[0], (0, 0))
    remove_unfinished(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*names[1:]}
    remove_unfinished(tmp_path, of="a-*", older_than_s=0)
    assert {path.name for path in tmp_path.iterdir()} == {*names[2:]}
