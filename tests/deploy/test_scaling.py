"""How many replicas are wanted, by images; and what a config file may say."""

from types import SimpleNamespace

from deploy.ray.scaling import IMAGES, ByImages
from deploy.ray.under_way import UnderWay


def wanted(
    *images: float, queued: float = 0, target: float = 8, now: int | None = None, fewest: int = 0
) -> float:
    context = SimpleNamespace(
        capacity_adjusted_min_replicas=fewest,
        current_num_replicas=len(images) if now is None else now,
        aggregated_metrics={IMAGES: dict(enumerate(images))},
        total_queued_requests=queued,
        total_num_requests=queued,
    )
    number, _ = ByImages(target_images=target)(context)  # type: ignore[arg-type]
    return number


def test_replicas_follow_the_images_of_all_of_them() -> None:
    assert wanted(30, 2) == 4
    assert wanted(8) == 1
    assert wanted(8.1) == 2


def test_one_image_keeps_a_replica_and_none_keeps_none() -> None:
    assert wanted(0.01, 0) == 1
    assert wanted(0, 0, 0) == 0
    assert wanted(0, 0, 0, fewest=2) == wanted(now=0, fewest=2) == 2


def test_requests_that_no_replica_has_yet_count() -> None:
    assert wanted(8, queued=8) == 2


def test_the_first_request_brings_the_first_replica() -> None:
    assert wanted(now=0) == 0
    assert wanted(now=0, queued=1) == 1


def test_a_replica_reports_a_mean_and_not_a_moment() -> None:
    now = 100.0
    under_way = UnderWay(clock=lambda: now)
    under_way.change(4)
    now += 3
    under_way.change(-4)
    now += 1
    assert under_way.mean() == 3.0
    assert under_way.mean() == 0.0
    under_way.change(7)
    assert under_way.mean() == 7.0
