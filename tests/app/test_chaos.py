"""A short chaos finds nothing wrong with the service, and finds one that is wrong on purpose."""

from pathlib import Path

import pytest

from benchmarks.serving.load.until_stopped import Fate
from tests.chaos.clients import Asked, Wish, judged
from tests.chaos.faults import FAULTS, Noted
from tests.chaos.judge import Found, failures
from tests.chaos.run import chaos

CHEAP = tuple(name for name in FAULTS if name != "worker stopped for a moment")

# Of the answers that are encoded beside the loop, one in five has another last byte.
LYING_SERVER = """
import itertools, sys
from app import answers
from app.cli import main

really, numbers = answers.encoded, itertools.count()

async def lying(*arguments, **options):
    body = await really(*arguments, **options)
    is_lie = next(numbers) % 5 == 4
    return body[:-1] + bytes([body[-1] ^ 1]) if is_lie else body

answers.encoded = lying
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_faults_under_load_spoil_no_answer_and_lose_what_died_alone(tmp_path: Path) -> None:
    outcome = chaos(tmp_path, seconds=8, seed=1, faults=CHEAP)
    assert outcome.failures == []
    assert outcome.found.outcomes["right bytes"] > 20
    assert outcome.found.noted.faults.total() >= 3


@pytest.mark.slow
def test_a_service_that_answers_with_wrong_bytes_is_found(tmp_path: Path) -> None:
    outcome = chaos(
        tmp_path, seconds=1, seed=1, faults=["SIGHUP"], num_workers=1,
        program=("-c", LYING_SERVER),
    )  # fmt: skip
    assert any("bytes that are not the" in each for each in outcome.failures)


WISH = Wish("tiny-two", "seed=1")
KNOWN = {("abc", "seed=1"): b"right"}
HEAD = b"http/1.1 200 ok\r\nx-model: tiny-two/1\r\nx-model-digest: abc\r\n\r\n"


def asked(fate: Fate = Fate.ANSWERED, *, at: float = 10.0, status: int | None = None) -> Asked:
    return Asked(WISH, at - 0.1, at - 0.1, at, fate, status)


@pytest.mark.parametrize(
    ("head", "body", "fault"),
    [
        (HEAD, b"right", ""),
        (HEAD, b"wrong", "has 5 bytes that are not the 5 of digest abc"),
        (HEAD.replace(b"abc", b"def"), b"right", "digest 'def', which was never sound"),
        (HEAD.replace(b"two/1", b"one/1"), b"right", "is of tiny-one/1"),
        (b"http/1.1 404 no\r\n\r\n", b"", "has status 404 and no words"),
        (
            b"http/1.1 429 no\r\ncontent-type: application/problem+json\r\n\r\n",
            b"{}",
            "has status 429 and no Retry-After",
        ),
    ],
)
def test_an_answer_is_right_or_says_what_is_wrong(head: bytes, body: bytes, fault: str) -> None:
    assert judged(asked(), head, body, KNOWN).fault.endswith(fault)


def judge(*every: Asked, noted: Noted | None = None) -> list[str]:
    return failures(Found(list(every), noted or Noted(), stopped_at=100.0, num_clients=2))


def test_what_is_refused_as_documented_is_no_failure() -> None:
    assert judge(asked(status=200), asked(Fate.REFUSED, status=429)) == []
    (failure,) = judge(asked(Fate.REFUSED, status=500))
    assert failure == f"1 times: {WISH.path} was answered with status 500"


def test_a_worker_that_starts_without_the_folder_may_have_no_models() -> None:
    refused = asked(Fate.REFUSED, status=404)
    assert judge(refused, noted=Noted(away=[(9.0, 12.0)])) == []
    assert judge(refused, noted=Noted(away=[(11.0, 12.0)])) != []


def test_what_is_lost_must_have_died_with_a_worker() -> None:
    lost = asked(Fate.LOST)
    assert judge(lost, lost, noted=Noted(kills=[9.95])) == []
    assert "no worker had been killed under it" in judge(lost, noted=Noted(kills=[20.0]))[0]
    (failure,) = judge(lost, lost, lost, noted=Noted(kills=[9.95]))
    assert failure == "3 requests were lost with one worker; at most 2 were under way"


def test_a_kept_connection_may_end_with_the_service_and_no_other_way() -> None:
    assert judge(asked(Fate.CLOSED_IDLE, at=101.0)) == []
    assert judge(asked(Fate.CLOSED_IDLE, at=50.0)) != []
    assert judge(asked(Fate.LOST, at=101.0)) != []


def test_nonsense_must_be_refused_with_its_status() -> None:
    noted = Noted(nonsense=[("no images", 1.0, 422), ("half a JSON", 1.0, 500)])
    (failure,) = judge(noted=noted)
    assert failure == "1 times: nonsense (half a JSON) was answered with 500; [422] would be right"
