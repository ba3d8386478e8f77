"""What a person sees who waits, and that nobody else sees it."""

import io

import pytest

from app.progress import progress_bar, progress_line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_rate_and_time_left_are_of_what_is_new() -> None:
    line = progress_line(1500, 3000, num_new=500, took_s=2)
    assert line == "[###############...............] 1,500 of 3,000, 250/s, 0:06 left"
    assert progress_line(1, 100_000, num_new=1, took_s=1).endswith("1/s, 27:46:39 left")
    assert progress_line(10, 30, num_new=0, took_s=1) == "[##########....................] 10 of 30"


def test_the_last_state_is_shown_and_the_line_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with progress_bar(3) as show:
        for num_done in range(1, 4):
            show(num_done)
    assert "3 of 3" in terminal.getvalue()
    assert terminal.getvalue().endswith("\n")


def test_a_file_or_pipe_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.StringIO()
    monkeypatch.setattr("sys.stderr", pipe)
    with progress_bar(3) as show:
        show(3)
    assert not pipe.getvalue()
