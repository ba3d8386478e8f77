"""Tar entries: byte for byte those of the standard library."""

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.datasets.tar_stream import TarStream, tar_entry

NAMES = st.text(
    st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=100
).filter(lambda name: not name.endswith("/"))


@given(name=NAMES, data=st.binary(max_size=1500))
def test_an_entry_is_that_of_tarfile(name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    expected = info.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % 512)
    assert tar_entry(name, data) == expected


@pytest.mark.parametrize("num_entries", [0, 1, 17, 18, 19, 20])
def test_an_archive_ends_at_a_whole_record(num_entries: int) -> None:
    stream = TarStream()
    archive = b"".join(stream.add(tar_entry(f"{i}", b"x")) for i in range(num_entries))
    archive += stream.end()
    assert len(archive) % tarfile.RECORDSIZE == 0
    with tarfile.open(fileobj=io.BytesIO(archive)) as read:
        assert read.getnames() == [f"{i}" for i in range(num_entries)]


@pytest.mark.parametrize("name", ["", "x" * 101, "schön.png"])
def test_a_name_that_does_not_fit_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"does not fit|ascii"):
        tar_entry(name, b"")
