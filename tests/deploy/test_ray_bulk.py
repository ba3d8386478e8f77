"""Shards from workers on a real Ray: those of one machine, whoever dies on the way."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import ray
from ray._private import utils
from ray._private.node import Node

from app.bulk_shards import generate_shards
from app.datasets.shard_layout import ShardLayout
from app.errors import InvalidParameter, ModelNotFound
from app.settings import Settings
from deploy.ray import bulk, bulk_crew, bulk_worker
from deploy.ray.bulk_crew import Crew, CrewFailed
from deploy.ray.bulk_worker import BulkOrder, BulkWorker
from tests.deploy.bulk_workers import MortalOrder, MortalWorker, OddWorker
from tests.toy_models import make_card, write_model

FILES = [f"tiny-{index:06}.tar" for index in range(4)]
ASKED: dict[str, Any] = {"model": "tiny", "seed": 2**32 - 100, "n": 350}
SIZE = 100

NOT_ASKED_FOR = ("start_api_server", "start_log_monitor", "start_monitor")
"""Processes of Ray that cost seconds of a core to start, and that no worker needs."""


@pytest.fixture(scope="module")
def _cluster() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        patch.setenv("RAY_worker_niceness", "0")  # else whatever else runs here goes first
        for start in NOT_ASKED_FOR:
            patch.setattr(Node, start, lambda *_, **__: None)
        is_incomplete = ImportError("nobody asks for the dashboard")  # agents are smaller then
        patch.setattr(utils, "get_dashboard_dependency_error", lambda: is_incomplete)
        _connect_patiently()
        yield
        ray.shutdown()


def _connect_patiently() -> None:
    """Ray gives up on its own processes where a machine is busy for 15 seconds."""
    for attempt in range(3):
        try:
            bulk.connect(None)
        except Exception:  # of no class of its own
            ray.shutdown()
            if attempt == 2:
                raise
        else:
            return


@pytest.fixture
def order(tiny_repository: Path, tmp_path: Path) -> BulkOrder:
    settings = Settings(models=tiny_repository, device="cpu", trial_timeout_s=0)
    own = settings.model_dump() | {"num_threads": 1}
    return BulkOrder(tmp_path / "out", shard_size=SIZE, asked=ASKED, settings=own)


@pytest.fixture
def whole(tiny_settings: Settings, tmp_path: Path) -> dict[str, bytes]:
    """What one machine makes of it."""
    generate_shards(tiny_settings, out=tmp_path / "whole", shard_size=SIZE, **ASKED)
    return contents(tmp_path / "whole")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def crew(
    order: BulkOrder,
    worker: type[BulkWorker],
    told: list[str],
    *,
    num_workers: int = 1,
    on_progress: Callable[..., object] = lambda *_: None,
) -> Crew:
    actor = ray.remote(worker).options(num_cpus=1)
    return Crew(
        lambda: actor.remote(order),
        order.out,
        num_workers=num_workers,
        needs="1 CPU",
        tell=lambda sentence: None if _is_waiting(sentence) else told.append(sentence),
        on_progress=on_progress,
    )


def _is_waiting(sentence: str) -> bool:
    return sentence.startswith("waiting for the first of")  # on a slow machine


@pytest.mark.usefixtures("_cluster")
def test_a_job_goes_on_with_what_is_there_and_writes_the_shards_of_one_machine(
    order: BulkOrder,
    whole: dict[str, bytes],
    tiny_settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    generate_shards(tiny_settings, out=order.out, shard_size=SIZE, **ASKED)
    (order.out / FILES[0]).unlink()
    (order.out / FILES[2]).write_bytes(b"torn")
    monkeypatch.setattr(bulk, "connect", lambda address: None)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    monkeypatch.setenv("GANSERVE_TRIAL_TIMEOUT_S", "0")
    flags = {"model": "tiny", "n": 350, "shard-size": SIZE, "out": order.out}
    flags |= {"models": tiny_settings.models, "device": "cpu"}
    arguments = [text for name, value in flags.items() for text in (f"--{name}", str(value))]
    assert bulk.main(arguments) == 0
    printed = capsys.readouterr()
    assert "350 of tiny/1 from seed 4294967196 on" in printed.out
    assert f"{FILES[2]}.set-aside" in printed.err
    assert "350 of 350" in printed.err
    assert contents(order.out) == whole | {f"{FILES[2]}.set-aside": b"torn"}


@pytest.mark.usefixtures("_cluster")
def test_a_worker_that_is_killed_in_the_middle_of_a_shard_is_replaced_whatever_is_served_since(
    order: BulkOrder, whole: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "graves").mkdir()
    mortal = MortalOrder(**vars(order), graves=tmp_path / "graves")
    told: list[str] = []

    def new_version(_: ShardLayout, num_images: int, __: int) -> None:
        if num_images == SIZE:  # before a worker dies
            write_model(tmp_path / "models", make_card("tiny"), version=2, salt=2)

    crew(mortal, MortalWorker, told, on_progress=new_version).work()
    (sentence,) = told
    assert sentence.startswith("a worker died over shard 1 and is replaced")
    assert len([*(tmp_path / "graves").iterdir()]) == 1
    assert contents(order.out) == whole


@pytest.mark.usefixtures("_cluster")
def test_a_shard_that_kills_every_worker_ends_the_job_and_finished_ones_stay(
    order: BulkOrder, whole: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_crew, "MAX_DEATHS", 1)
    (tmp_path / "graves").mkdir()
    mortal = MortalOrder(**vars(order), graves=tmp_path / "graves")
    with pytest.raises(CrewFailed, match="1 workers died over shard 1; the last: "):
        crew(mortal, MortalWorker, []).work()
    left = contents(order.out)
    assert left[FILES[0]] == whole[FILES[0]]
    assert FILES[1] not in left
    assert not json.loads(left["manifest.json"])["is_complete"]


@pytest.mark.usefixtures("_cluster")
def test_a_worker_of_another_kind_is_refused_and_the_others_go_on(
    order: BulkOrder, whole: dict[str, bytes]
) -> None:
    told: list[str] = []
    crew(order, OddWorker, told, num_workers=2).work()
    (sentence,) = told
    assert sentence.startswith("a worker of another kind is refused: kind: onnxruntime is ")
    assert 'and "0.9" here' in sentence
    assert contents(order.out) == whole
    (order.out / FILES[3]).unlink()
    with pytest.raises(InvalidParameter, match="no worker may make the shards of") as error:
        crew(order, OddWorker, told).work()
    assert 'and "0.9" here' in str(error.value)


@pytest.mark.usefixtures("_cluster")
def test_what_stops_a_worker_stops_the_job_in_the_same_words(order: BulkOrder) -> None:
    wrong = replace(order, asked=ASKED | {"model": "nobody"})
    with pytest.raises(ModelNotFound, match="model 'nobody' is not in the repository"):
        crew(wrong, BulkWorker, []).work()


@pytest.mark.usefixtures("_cluster")
def test_whoever_waits_is_told_for_what_and_may_leave(
    tiny_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def tell(sentence: str) -> None:
        told.append(sentence)
        if _is_waiting(sentence):
            raise KeyboardInterrupt

    monkeypatch.setattr(bulk, "connect", lambda address: None)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    monkeypatch.setattr(bulk, "_tell", tell)
    monkeypatch.setattr(bulk_crew, "PATIENCE_S", 0.2)
    flags = ["--n", "5", "--out", str(tmp_path / "out"), "--models", str(tiny_settings.models)]
    assert bulk.main([*flags, "--node-label", "kind=nowhere"]) == bulk.INTERRUPTED
    waiting, interrupted = told
    assert "needs 1 CPU, 0 GPU, a machine labelled kind=nowhere; free are" in waiting
    assert "the same command goes on" in interrupted


def test_a_folder_that_machines_do_not_share_is_told(
    order: BulkOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_worker, "SHARED_WITHIN_S", 0.2)
    worker = BulkWorker(order)
    worker.load()
    with pytest.raises(InvalidParameter, match="has no manifest on this machine"):
        worker.ensure(0)


def test_a_folder_that_cannot_be_written_is_told(
    order: BulkOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = BulkWorker(order)
    worker.load()
    maker = worker._maker
    assert maker is not None
    maker.folder.open()
    monkeypatch.setattr(maker, "make", _full)
    with pytest.raises(InvalidParameter, match="No space left on device.*make room there"):
        worker.ensure(0)


def _full(index: int) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    "flags",
    [
        ["--cpus-per-worker", "0"],
        ["--cpus-per-worker", "nan"],
        ["--cpus-per-worker", "inf"],
        ["--gpus-per-worker", "-1"],
        ["--gpus-per-worker", "1.5"],
        ["--gpus-per-worker", "nan"],
        ["--node-label", "gpu"],
        ["--device", "tpu"],
        ["--shard-size", "0"],
        ["--workers", "0"],
    ],
)
def test_flags_that_mean_nothing_are_refused(
    flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        bulk.main(["--n", "5", "--out", "nowhere", *flags])
    assert flags[1] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--n", "0"], "n must be an integer from 1 to 4294967296, not 0"),
        (["--n", "5", "--seed", "-1"], "seed must be an integer from 0 to 4294967295, not -1"),
        (["--n", "5", "--format", "gif"], "format must be one of: "),
    ],
)
def test_what_cannot_be_made_is_told_before_ray_is_asked(
    flags: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delattr(bulk, "connect")
    assert bulk.main(["--out", str(tmp_path / "out"), *flags]) == bulk.FAILED
    assert told in capsys.readouterr().err


def test_a_setting_that_is_none_is_told_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delattr(bulk, "connect")
    monkeypatch.setenv("GANSERVE_MAX_IMAGS", "3")
    assert bulk.main(["--out", str(tmp_path / "out"), "--n", "5"]) == bulk.WRONG_USE
    assert "GANSERVE_MAX_IMAGS" in capsys.readouterr().err
