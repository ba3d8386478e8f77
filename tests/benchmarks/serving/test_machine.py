"""What a record says of the machine: above all what makes figures of two machines differ."""

import platform
import sys
import sysconfig

import pytest

from benchmarks.serving.machine import describe_machine


@pytest.mark.parametrize(
    ("prefix", "arguments", "build"),
    [
        ("/usr/local", "'--enable-optimizations' '--with-lto'", "optimised build"),
        ("/opt/python", "'--enable-shared'", "plain build, not optimised"),
        ("/opt/python", None, "plain build, not optimised"),
        ("/usr", "'--enable-shared'", "Someone's build"),
    ],
)
def test_how_python_was_built(
    prefix: str, arguments: str | None, build: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "base_prefix", prefix)
    monkeypatch.setattr(sysconfig, "get_config_var", {"CONFIG_ARGS": arguments}.get)
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"NAME": "Someone"})
    assert describe_machine()["python"] == f"{platform.python_version()} ({build})"


def test_nothing_is_left_out_where_a_program_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> dict[str, str]:
        raise FileNotFoundError("/etc/os-release")

    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    monkeypatch.setattr(platform, "freedesktop_os_release", nowhere)
    machine = describe_machine()
    assert "the system's build" in str(machine["python"])
    assert (machine["wrk"], machine["node"]) == ("unknown", "unknown")
    assert machine["cpu"]
