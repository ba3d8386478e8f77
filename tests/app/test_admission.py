"""Who may wait: not too many images, and none for too long."""

from app.admission import Admission, QueueLimits

LIMITS = QueueLimits(max_size=100, max_wait_s=1.0, few=8)


def at_speed(images_per_second: int, limits: QueueLimits = LIMITS) -> Admission:
    """Both of its runs have been taken for two seconds."""
    admission = Admission(limits, num_runs=2)
    for step in range(20):
        for _ in range(2):
            admission.batch_ended(images_per_second // 2, step / 10, step / 10 + 1)
    return admission


def test_as_long_as_no_speed_is_known_only_images_count() -> None:
    admission = Admission(LIMITS, num_runs=2)
    assert admission.has_room(1, num_queued=99, num_requests=99)
    assert not admission.has_room(2, num_queued=99, num_requests=99)


def test_what_waits_may_take_so_long_and_no_longer() -> None:
    admission = at_speed(50)
    assert admission.has_room(1, num_queued=50, num_requests=50)
    assert not admission.has_room(1, num_queued=51, num_requests=51)
    told = admission.refusal(1, num_queued=51, now=2.0)
    assert told.detail == (
        "51 images are waiting already, which take longer than max_queue_wait_s 1"
    )
    assert told.retry_after_s == 2


def test_a_request_of_any_size_may_wait_where_little_waits() -> None:
    assert at_speed(50).has_room(100, num_queued=0, num_requests=0)
    assert at_speed(50).has_room(60, num_queued=40, num_requests=40)


def test_a_few_requests_may_wait_however_long_they_take() -> None:
    slow = at_speed(10)
    assert slow.has_room(64, num_queued=30, num_requests=7)
    assert not slow.has_room(1, num_queued=30, num_requests=8)
    assert not slow.has_room(71, num_queued=30, num_requests=1)  # more than max_size


def test_a_fast_model_is_bounded_by_images() -> None:
    admission = at_speed(100_000)
    assert admission.has_room(1, num_queued=99, num_requests=99)
    told = admission.refusal(2, num_queued=99, now=2.0)
    assert "with 2 more there would be more than max_queue_size 100" in told.detail


def test_who_is_let_in_counts_as_coming() -> None:
    """Those leave no room for who was sent away: he is told a later time."""
    quiet, visited = at_speed(50), at_speed(50)
    for step in range(100):
        visited.admit(5, now=10 + step / 10)
    first, second = (
        [each.refusal(40, num_queued=50, now=20.0).retry_after_s for _ in range(2)][-1]
        for each in (quiet, visited)
    )
    assert first == 2
    assert second > first
