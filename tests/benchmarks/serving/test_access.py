"""The benchmark of API keys measures requests that are let through."""

import pytest

from benchmarks.serving import access


def test_what_keys_cost_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["access", "--keys", "2", "--requests", "50"])
    access.main()
    lines = capsys.readouterr().out.splitlines()
    alone, open_to_all, key, limits = (float(line.split()[-2]) for line in lines)
    assert 0 < alone < key < 1000
    assert open_to_all < limits < 1000
