"""Zip files written from front to back are read by the standard library, whatever their size."""

import io
import zipfile
import zlib
from pathlib import Path

import pytest

from app.datasets.zip_stream import ZipStream


def archive(files: dict[str, bytes]) -> bytes:
    stream, names = ZipStream(), list(files)
    parts = [stream.add(n, size=len(d), crc=zlib.crc32(d)) + d for n, d in files.items()]
    return b"".join([*parts, *stream.directory(names.__getitem__)])


@pytest.mark.parametrize("num_files", [0, 1, 3, 255, 256, 257])
def test_files_come_back(num_files: int) -> None:
    files = {f"class_{i % 3}/{i}.png": b"x" * i for i in range(num_files)}
    with zipfile.ZipFile(io.BytesIO(archive(files))) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == list(files)
        assert {name: opened.read(name) for name in files} == files
        for info in opened.infolist():
            assert info.date_time == (1980, 1, 1, 0, 0, 0)
            assert not info.flag_bits & 0x08  # sizes come first: it can be read from a pipe
            assert info.external_attr >> 16 == 0o100644


def test_names_may_be_of_any_language() -> None:
    files = {"größe/1.png": b"a", "数/2.png": b"b"}
    with zipfile.ZipFile(io.BytesIO(archive(files))) as opened:
        assert opened.namelist() == list(files)


@pytest.mark.parametrize("num_files", [65_534, 65_535, 70_000])
def test_more_files_than_sixteen_bits_count(num_files: int) -> None:
    files = dict.fromkeys(map(str, range(num_files)), b"")
    with zipfile.ZipFile(io.BytesIO(archive(files))) as opened:
        assert len(opened.namelist()) == num_files
        assert opened.namelist()[-1] == str(num_files - 1)


def test_more_bytes_than_thirty_two_bits_count(tmp_path: Path) -> None:
    """Holes in a sparse file stand for large entries."""
    sizes = {"a": 3 * 2**30, "b": 2**30 - 100, "c": 2**30, "d": 5}
    stream, path = ZipStream(), tmp_path / "large.zip"
    with path.open("wb") as file:
        for name, size in sizes.items():
            file.write(stream.add(name, size=size, crc=zlib.crc32(bytes(5))))
            file.seek(size, io.SEEK_CUR)
        for piece in stream.directory(list(sizes).__getitem__):
            file.write(piece)
    with zipfile.ZipFile(path) as opened:
        assert [info.file_size for info in opened.infolist()] == list(sizes.values())
        assert opened.infolist()[-1].header_offset > 2**32
        assert opened.read("d") == bytes(5)


def test_a_file_beyond_the_format_is_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        ZipStream().add("a", size=2**32, crc=0)
