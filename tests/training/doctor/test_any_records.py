"""Records of any make: of earlier versions, torn, empty, or of nonsense."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.doctor.patients import config_of, healthy_records, names_ever, names_now
from training.config import TrainConfig
from training.doctor.catalogue import DISEASES
from training.doctor.course import Course
from training.doctor.diagnosis import findings_ever, findings_now, not_looked_for
from training.doctor.plot import draw
from training.doctor.reading import Patient, read_run
from training.doctor.telling import explain, verdict_line
from training.records import FILENAME, read_records

SIGNALS = sorted({name for disease in DISEASES for name in (*disease.signals, *disease.metrics)})
CONFIGS = [
    config_of(),
    config_of("gan", loss="minimax"),
    config_of("cgan"),
    config_of("wgan-gp"),
    config_of("cyclegan", data="unpaired:x"),
]

numbers = st.one_of(
    st.floats(), st.integers(), st.none(), st.booleans(), st.text(max_size=3), st.just([1.0])
)
some_signals = st.dictionaries(st.sampled_from(SIGNALS), numbers, max_size=8)
some_records = st.lists(
    st.fixed_dictionaries(
        {"images_shown": st.integers(0, 10**9)},
        optional={
            "signals": some_signals,
            "metrics": st.one_of(some_signals, numbers),
            "not_finite": st.one_of(st.lists(st.sampled_from(SIGNALS)), numbers),
        },
    ),
    max_size=12,
)


@settings(max_examples=100, deadline=None)
@given(records=some_records, config=st.sampled_from(CONFIGS))
def test_no_records_stop_the_doctor(records: list[dict], config: TrainConfig) -> None:
    records = [record | record.pop("signals", {}) for record in map(dict, records)]
    course = Course(config, records)
    findings = findings_ever(course)
    assert "".join(explain(Patient(Path("runs/x"), course, is_finished=False), findings))
    if records:
        now = findings_now(course)
        verdict_line(now, before=["mode collapse"])
        current = {finding.disease.name for finding in findings if finding.is_current}
        assert current == {finding.disease.name for finding in now}


@settings(max_examples=30, deadline=None)
@given(
    shares=st.lists(st.floats(0.26, 5), min_size=10, max_size=10),
    losses=st.lists(st.floats(0.3, 0.5), min_size=10, max_size=10),
)
def test_what_is_within_the_thresholds_is_healthy(shares: list[float], losses: list[float]) -> None:
    records = healthy_records()
    for record, share, loss in zip(records, shares, losses, strict=True):
        record["fake_spread"], record["discriminator_loss"] = share * 0.343, loss
    assert names_ever(Course(config_of(batch_size=128), records)) == []


def write_run(run_dir: Path, lines: list[str]) -> Path:
    run_dir.mkdir(parents=True, exist_ok=True)
    config_of().save(run_dir)
    (run_dir / FILENAME).write_text("\n".join(lines), encoding="utf-8")
    return run_dir


def test_torn_lines_are_left_out(tmp_path: Path) -> None:
    lines = [json.dumps(record) for record in healthy_records()]
    torn = [*lines[:3], lines[3][:40], "", "[]", "7", "{}", '{"images_shown": -1}', *lines[4:-1]]
    path = write_run(tmp_path, [*torn, lines[-1][:-9]]) / FILENAME
    path.write_bytes(path.read_bytes().replace(lines[1].encode(), b"\xff\xfe" + b"[" * 100_000))
    shown = [record["images_shown"] for record in read_records(path)]
    assert shown == [20_000, 60_000, 100_000, 120_000, 140_000, 160_000, 180_000]


@pytest.mark.parametrize("num_records", [0, 1, 2])
def test_a_run_of_hardly_any_records_is_explained(num_records: int, tmp_path: Path) -> None:
    run = write_run(tmp_path, [json.dumps(each) for each in healthy_records()[:num_records]])
    patient = read_run(run)
    findings = findings_ever(patient.course)
    told = "\n".join(explain(patient, findings))
    assert findings == []
    assert (
        "no verdict yet" if num_records == 1 else "nothing to judge"
    ) in told or num_records == 2
    assert (draw(patient, findings) is not None) == (num_records > 0)


def test_a_run_without_statistics_has_no_tick_yet(tmp_path: Path) -> None:
    config_of().save(tmp_path)
    assert read_run(tmp_path).course.records == []


def test_runs_of_earlier_versions_are_judged_by_what_they_have() -> None:
    old = [
        {
            "images_shown": record["images_shown"],
            "discriminator_loss": 0.001,
            "generator_loss": 9.0,
            "real_probability": 0.99,
        }
        for record in healthy_records()
    ]
    course = Course(config_of(), old)
    assert names_now(course) == ["discriminator wins"]
    unknown = {disease.name for disease in not_looked_for(course)}
    assert {"mode collapse", "wrongly scaled data", "vanishing gradients"} <= unknown
    assert "class collapse" not in unknown  # dcgan has no classes


def test_nothing_is_called_healthy_that_cannot_be_judged() -> None:
    old = [{"images_shown": 20_000 * tick, "discriminator_loss": 0.5} for tick in range(1, 9)]
    told = "\n".join(explain(Patient(Path("x"), Course(config_of(), old), is_finished=True), []))
    assert "nothing found, which says little here" in told
    assert "healthy" not in told


def test_a_broken_run_tells_its_last_whole_tick() -> None:
    broken = {"images_shown": 210_000, "not_finite": ["generator_loss"]}
    course = Course(config_of(precision="bf16"), [*healthy_records(), broken])
    (finding,) = findings_now(course)
    assert finding.disease.name == "not finite"
    assert "at 210 kimg no finite number: generator_loss" in finding.evidence
    assert "at 200 kimg: discriminator_loss 0.42" in finding.evidence
    assert [dict(remedy.options) for remedy in finding.remedies][0] == {"precision": "fp32"}


@pytest.mark.parametrize("value", [math.nan, math.inf, "1", None, True, [0.1]])
def test_what_is_no_number_is_missing(value: object) -> None:
    records = healthy_records()
    records[-1]["told_apart"] = value
    for record in records[:-1]:
        record["told_apart"] = 0.0
    assert "discriminator loses" not in names_now(Course(config_of(), records))
