"""Two processes that train one run: equal weights, shares of the same batches, one voice."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist

from tests.live_server import ROOT
from tests.training.conftest import Gantrain, stats
from tests.training.together import AT_LAST, LIMIT_S
from training.checkpoints import CHECKPOINT, FINAL, load_checkpoint
from training.data.sampling import EpochSampler
from training.devices import choose_device
from training.doctor.command_line import command_line
from training.doctor.disease import Remedy
from training.errors import ToldError, TrainingError
from training.interrupts import StopRequest
from training.launching import Place, read_place
from training.processes import Together, joined
from training.runs import resolve_config
from training.systems import list_systems, load_system

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
BATCH_SIZE = 16


def start_together(errors: Path, *arguments: object) -> subprocess.Popen[str]:
    with errors.open("w") as file:
        return subprocess.Popen(
            [*TORCHRUN, *map(str, arguments)], cwd=ROOT, text=True,
            stdout=subprocess.PIPE, stderr=file,
            env=os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
        )  # fmt: skip


@dataclass(frozen=True)
class Played:
    """What one launch left behind."""

    folder: Path
    seen: tuple[dict[str, list[dict[str, Any]]], ...]  # by each process, a run's steps by its name
    output: str
    errors: str


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, colours: Path) -> Played:
    """In one launch, which takes longest. The launcher is told to stop the last run, which would
    go on for minutes."""
    folder = tmp_path_factory.mktemp("together")
    told = folder / "errors"
    process = start_together(told, "-m", "tests.training.together", folder, colours)
    assert process.stdout is not None
    output = ""
    is_last = False
    for line in process.stdout:
        output += line
        is_last |= AT_LAST in line
        if is_last and "s/kimg" in line:
            process.send_signal(signal.SIGTERM)
            break
    rest, _ = process.communicate(timeout=LIMIT_S)
    errors = told.read_text()
    assert is_last, output + errors
    seen = tuple(json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1))
    return Played(folder, seen, output + rest, errors)


@pytest.mark.parametrize("run", [*list_systems(), "rules"])
def test_weights_statistics_and_optimizers_are_equal_after_every_step(
    run: str, played: Played
) -> None:
    first, second = ([step["tensors"] for step in seen[run]] for seen in played.seen)
    assert first == second
    assert len(set(first)) == len(first) == 4


@pytest.mark.parametrize("run", [*list_systems(), "rules"])
def test_processes_share_the_batches_of_one_and_draw_other_random_numbers(
    run: str, played: Played
) -> None:
    name = "dcgan" if run == "rules" else run
    num_images = 1442 if load_system(name).kind == "generator" else None
    sampler = None if num_images is None else EpochSampler(num_images, seed=0)
    for steps in zip(*(seen[run] for seen in played.seen), strict=True):
        assert steps[0]["random state"] != steps[1]["random state"]
        for shares in zip(*(step["dealt"] for step in steps), strict=True):
            assert len(shares[0]) == len(shares[1]) == BATCH_SIZE // 2
            assert not set(shares[0]) & set(shares[1])
            if sampler:
                assert shares[0] + shares[1] == sampler.next_batch(BATCH_SIZE).tolist()


@pytest.mark.parametrize("system", list_systems())
def test_a_signal_to_one_stops_both_and_resuming_ends_as_if_undisturbed(
    system: str, played: Played
) -> None:
    for seen in played.seen:
        stopped, resumed = seen[f"{system}-stopped"], seen[f"{system}-stopped,resumed"]
        assert len(stopped) == 2
        assert stopped + resumed == seen[system]
    whole, stopped = played.folder / system, played.folder / f"{system}-stopped"
    for name in (CHECKPOINT, FINAL):
        assert (whole / name).read_bytes() == (stopped / name).read_bytes()
    assert [record["images_shown"] for record in stats(whole)] == [
        record["images_shown"] for record in stats(stopped)
    ]


def test_a_checkpoint_holds_what_each_process_has_of_its_own(played: Played) -> None:
    tensors, record = load_checkpoint(played.folder / "cyclegan" / CHECKPOINT)
    assert record["recipe"]["processes"] == 2
    for name in ("rng.cpu", "buffer.pool_a", "buffer.pool_b"):
        assert tensors[name].shape == tensors[f"process1.{name}"].shape
        assert not torch.equal(tensors[name], tensors[f"process1.{name}"])


def test_one_process_alone_cannot_continue_what_two_began(
    played: Played, train_tiny: Gantrain, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train_tiny("dcgan", played.folder / "dcgan", "--resume") == 1
    message = capsys.readouterr().err
    assert "was started by 2 processes and cannot be continued by one process" in message
    assert "torchrun --nproc-per-node 2 -m training train" in message


def test_what_one_process_cannot_do_ends_all_and_is_said_once(played: Played) -> None:
    told = {error["run"]: error["says"] for error in played.seen[0]["errors"]}
    assert played.seen[0]["errors"] == played.seen[1]["errors"]
    assert "batch_size 17 is for all 2 processes together" in told["odd"]
    assert "batch_size 2 is for all 2 processes together" in told["few"]
    assert "already holds a run" in told["dcgan"]
    assert "data 'nowhere' is not one of" in told["elsewhere"]
    assert "seed is 1 in process 0 and 2 in process 1" in told["unlike"]
    half_over = told["dcgan,half-over"]
    assert "whether the run is finished is True in process 0 and False in process 1" in half_over
    assert "full-disk cannot be written: no space left on device" in told["full-disk"]
    assert "generator_loss" in told["sick"]
    assert "is not a finite number" in told["sick"]
    assert "the processes differ: sha256 of generator.0.weight is" in told["diverged"]
    for run, message in told.items():
        assert played.errors.count(message) == 1, run
    assert "gantrain: process 1: data 'nowhere'" in played.errors
    for run in ("odd", "few", "elsewhere", "unlike"):
        assert not (played.folder / run).exists()
    for run in ("sick", "diverged"):
        assert not (played.folder / run / CHECKPOINT).exists()


def test_only_the_first_process_speaks(played: Played) -> None:
    assert played.output.count(f"finished: {played.folder / 'dcgan'}\n") == 1
    assert "2 processes, the first on cpu, from 0 kimg" in played.output


def test_the_launcher_stops_all_and_one_checkpoint_is_written(played: Played) -> None:
    assert played.output.count("stopped by SIGTERM, saved; the same") == len(list_systems()) + 1
    _, last = played.output.split(AT_LAST, 1)
    assert "stopped by SIGTERM, saved; the same command with --resume" in last, played.errors
    run = played.folder / "launched"
    _, record = load_checkpoint(run / CHECKPOINT)
    assert 40_000 > record["images_shown"] == stats(run)[-1]["images_shown"] > 0
    assert not list(run.glob(".*partial*"))


def test_when_one_process_dies_the_others_say_so_and_end(tmp_path: Path) -> None:
    told = tmp_path / "errors"
    process = start_together(told, "-m", "tests.training.dying")
    process.communicate(timeout=LIMIT_S)
    assert process.returncode != 0
    assert "process 0 of 2 has lost the others" in told.read_text()


def test_a_signal_that_comes_while_they_agree_is_heeded_the_next_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop = StopRequest()

    def reduce(*_: object) -> None:
        stop.signal_number = signal.SIGTERM

    monkeypatch.setattr(dist, "all_reduce", reduce)
    processes = Together(Place(0, 1))
    assert not processes.heed(stop)
    assert processes.heed(stop)
    assert stop.signal_number == signal.SIGTERM


def test_only_what_fails_while_they_meet_is_a_loss_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("connection closed by peer")

    monkeypatch.setattr(dist, "all_reduce", fail)
    processes = Together(Place(0, 2))
    with pytest.raises(TrainingError, match="has lost the others"):
        processes.average([torch.ones(2)])
    monkeypatch.setattr(torch, "cat", lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError()))
    with pytest.raises(torch.OutOfMemoryError):
        processes.average([torch.ones(2)])


@pytest.mark.parametrize(
    ("error", "ending", "told"),
    [
        (None, "destroyed", ""),
        (ToldError("is told"), "destroyed", ""),
        (TrainingError("lost"), "ended with 1", "gantrain: lost\n"),
        (SystemExit(143), "ended with 143", ""),
        (ZeroDivisionError("unforeseen"), "ended with 1", "ZeroDivisionError: unforeseen\n"),
    ],
)
def test_with_gpus_a_process_that_leaves_alone_waits_for_nobody(
    error: BaseException | None, ending: str, told: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    class Ended(BaseException):
        pass

    def end(status: int) -> None:
        endings.append(f"ended with {status}")
        raise Ended

    endings: list[str] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(dist, "is_nccl_available", lambda: True)
    monkeypatch.setattr(dist, "init_process_group", lambda *_, **__: None)
    monkeypatch.setattr(dist, "destroy_process_group", lambda: endings.append("destroyed"))
    monkeypatch.setattr(os, "_exit", end)
    with suppress(ToldError, Ended), joined(Place(0, 2)):
        if error:
            raise error
    assert endings == [ending]
    assert capsys.readouterr().err.endswith(told)


@pytest.mark.parametrize(("rank", "is_heard"), [("0", True), ("1", False)])
def test_a_bad_option_is_said_once(
    rank: str, is_heard: bool, gantrain: Gantrain, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for name, value in {"RANK": rank, "WORLD_SIZE": "2", "LOCAL_RANK": rank}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        gantrain("train", "dcgan", "--data", "digits", "--out", "run", "--kimg", "many")
    assert ("invalid float value: 'many'" in capsys.readouterr().err) == is_heard


def test_only_training_heeds_what_a_launcher_says(
    gantrain: Gantrain, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"RANK": "0", "WORLD_SIZE": "4"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    assert gantrain("list") == 0
    assert gantrain("train", "dcgan", "--data", "digits", "--out", "run") == 1
    assert "the environment says RANK=0 WORLD_SIZE=4, but" in capsys.readouterr().err
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("LOCAL_RANK", "1")
    with pytest.raises(SystemExit):
        gantrain("list", "nothing")
    assert "unrecognized arguments: nothing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"batch_size": 16, "processes": 3}, "at least 2; 15 would"),
        ({"batch_size": 4, "processes": 4}, "at least 2; 8 would"),
        ({"batch_size": 64, "processes": 64}, "at least 2; 128 would"),
        ({"batch_size": 20, "processes": 2, "pack": 4}, "at least 2, in packs of 4; 16 would"),
    ],
)
def test_a_batch_that_cannot_be_dealt_equally_is_refused(
    options: dict[str, int], complaint: str, tmp_path: Path
) -> None:
    given = {"system": "dcgan", "data": "digits", **options}
    with pytest.raises(TrainingError, match=complaint):
        resolve_config(given, run_dir=tmp_path, resume=False, device=torch.device("cpu"))


def test_a_run_of_one_process_says_nothing_of_processes(tmp_path: Path) -> None:
    given = {"system": "dcgan", "data": "digits"}
    alone, four = (
        resolve_config(
            {**given, "processes": count},
            run_dir=tmp_path,
            resume=False,
            device=torch.device("cpu"),
        )
        for count in (1, 4)
    )
    assert "processes" not in alone.recipe()
    assert four.recipe() == alone.recipe() | {"processes": 4}
    assert (alone.process_batch_size, four.process_batch_size) == (64, 16)
    remedy = Remedy("", {"pack": 2})
    assert command_line(alone, remedy, tmp_path / "run").startswith("gantrain train dcgan ")
    assert command_line(four, remedy, tmp_path / "run").startswith(
        "torchrun --nproc-per-node 4 -m training train dcgan --data digits --out "
    )


def test_the_place_of_a_process_is_what_its_launcher_says() -> None:
    assert read_place({}) == read_place({"RANK": "0", "WORLD_SIZE": "1"}) == Place()
    third = {"RANK": "2", "WORLD_SIZE": "4", "LOCAL_RANK": "0"}
    assert read_place(third) == Place(rank=2, count=4, local_rank=0)
    for wrong in ({"LOCAL_RANK": "x"}, {"WORLD_SIZE": "4"}):
        environment = third | wrong if "LOCAL_RANK" in wrong else wrong
        with pytest.raises(TrainingError, match="needs RANK, WORLD_SIZE, LOCAL_RANK as whole"):
            read_place(environment)


def test_every_process_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    assert choose_device("auto", Place(3, 4, local_rank=1)) == torch.device("cuda", 1)
    assert chosen == [1]
    assert choose_device("cpu", Place(3, 4, local_rank=3)) == torch.device("cpu")
    with pytest.raises(TrainingError, match="2 GPUs, none for the process of local rank 2; use"):
        choose_device("cuda", Place(2, 4, local_rank=2))
