"""docs/operations.md tells what to do about everything that can happen, and of nothing else."""

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase
from uvicorn.config import STARTUP_FAILURE

from app import cli, errors, problems
from app.access.key_file import KeyEntry
from app.leaving import TRY_AGAIN
from app.main import _LAST_WORDS_S
from app.metrics import Metrics
from app.settings import PREFIX, Settings
from app.upload_budget import MAX_UPLOADS

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
DEFAULTS = {name: field.default for name, field in Settings.model_fields.items()}
LEVELS = {"warning": "warning", "error": "error", "critical": "critical", "exception": "error"}
AT_START_ALONE = {"ModelRefused", "ExecutionProviderUnavailable"}  # no request is told of them
OF_OTHERS = {"execution_providers", "reproducibility_key", "request_id"}  # members of answers


def section(heading: str) -> str:
    """The text below a heading, up to the next one of its level or a higher one."""
    level = heading.partition(" ")[0]
    below = PAGE.partition(f"\n{heading}\n")[2]
    assert below, f"the page has no {heading!r}"
    return re.split(rf"^#{{1,{len(level)}}} ", below, flags=re.MULTILINE)[0]


def rows(heading: str) -> list[list[str]]:
    """Cells of the table of a section, without back-quotes."""
    lines = [line for line in section(heading).splitlines() if line.startswith("|")]
    cells = [[cell.strip(" `") for cell in line.strip("|").split(" | ")] for line in lines]
    return cells[2:]


def events() -> dict[str, str]:
    """Every event that the service logs as a warning or worse, with its level."""
    found: dict[str, str] = {}
    for file in (ROOT / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and ast.unparse(node.func.value) == "log"
                and node.func.attr in LEVELS
            ):
                (event, *_) = node.args
                assert isinstance(event, ast.Constant), f"{file}:{node.lineno}"
                found[str(event.value)] = LEVELS[node.func.attr]
    return found


def problem_types() -> dict[str, tuple[str, str]]:
    """Title and status by type, of all that an answer may be."""
    known = {
        each.type: (each.title, str(each.status))
        for each in vars(errors).values()
        if inspect.isclass(each)
        and issubclass(each, errors.GanServeError)
        and each.__name__ not in AT_START_ALONE
    }
    of_router = {
        f"/problems/{title.lower().replace(' ', '-')}": (title, str(status))
        for status, title in problems._TITLES.items()
    }
    return known | of_router


def metric_names() -> set[str]:
    return {
        family.name + ("_total" if family.type == "counter" else "")
        for metric in vars(Metrics()).values()
        if isinstance(metric, MetricWrapperBase)
        for family in metric.collect()
    }


def test_every_alert_has_a_meaning_and_a_remedy_and_none_is_invented() -> None:
    rules = yaml.safe_load((ROOT / "deploy/observability/alerts.yml").read_text(encoding="utf-8"))
    alerts = [rule["alert"] for group in rules["groups"] for rule in group["rules"]]
    assert [name for name, *_ in rows("## Alerts")] == alerts
    assert all(meaning and remedy for _, meaning, remedy in rows("## Alerts"))
    assert set(re.findall(r"`(Ganserve\w+)`", PAGE)) == set(alerts)


def test_every_problem_that_a_client_may_be_told_has_a_cause_and_a_remedy() -> None:
    told = rows("## What clients are told")
    assert {type: (title, status) for type, title, status, *_ in told} == problem_types()
    assert all(cause and remedy for *_, cause, remedy in told)
    assert [status for _, _, status, *_ in told] == sorted(status for _, _, status, *_ in told)
    assert set(re.findall(r"/problems/[a-z-]+", PAGE)) == problem_types().keys()


def test_every_log_event_of_a_warning_or_worse_has_a_meaning_and_a_remedy() -> None:
    told = rows("## Log lines")
    assert {event: level for event, level, *_ in told} == events()
    assert [event for event, *_ in told] == sorted(events())
    assert all(meaning and remedy for *_, meaning, remedy in told)


def test_every_exit_status_is_told() -> None:
    told = {int(status) for status, *_ in rows("### Exit status")}
    known = {0, cli.FAILED, cli.WRONG_USE, cli.INTERRUPTED, STARTUP_FAILURE, TRY_AGAIN}
    assert told == known


def test_every_metric_is_here_or_on_the_page_that_this_one_names() -> None:
    elsewhere = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert "](settings.md)" in PAGE
    assert [name for name in metric_names() if f"`{name}`" not in elsewhere] == []
    named = set(re.findall(r"\bganserve_[a-z_]+[a-z]\b", PAGE))
    assert named <= metric_names()
    (alternatives,) = re.findall(r"\^ganserve_\(([a-z_|]+)\)", PAGE)
    assert {f"ganserve_{name}" for name in alternatives.split("|")} <= metric_names()


def test_every_setting_that_is_named_exists() -> None:
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", PAGE))
    known = DEFAULTS.keys() | KeyEntry.model_fields.keys() | events().keys() | metric_names()
    assert named - known == OF_OTHERS
    variables = set(re.findall(rf"\b{PREFIX}([A-Z_]+)=", PAGE))
    assert {name.lower() for name in variables} <= DEFAULTS.keys()


@pytest.mark.parametrize(
    ("name", "value"), re.findall(r"`([a-z]+_[a-z_]+)` \((\d+)(?: s)?\)", PAGE)
)
def test_a_default_that_is_told_is_the_default(name: str, value: str) -> None:
    assert DEFAULTS[name] == int(value)


def test_what_memory_uploads_may_hold_is_what_the_budget_says() -> None:
    assert f"at most {MAX_UPLOADS} times `max_upload_bytes`" in PAGE


def unit() -> dict[str, list[str]]:
    """Settings of the unit by name; one may be there several times."""
    found: dict[str, list[str]] = {}
    text = (ROOT / "deploy/systemd/ganserve.service").read_text(encoding="utf-8")
    for name, value in re.findall(r"^([A-Za-z]+)=(.*)$", text, re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def test_the_unit_starts_again_what_asks_for_it_and_not_what_never_will() -> None:
    assert unit()["Restart"] == ["on-failure"]
    assert unit()["RestartForceExitStatus"] == [str(TRY_AGAIN)]
    assert unit()["RestartPreventExitStatus"] == [str(cli.WRONG_USE)]
    assert unit()["ExecStart"] == ["/opt/ganserve/bin/ganserve serve"]
    assert unit()["ExecReload"] == ["/bin/kill -HUP $MAINPID"]


def test_the_unit_kills_later_than_the_service_ends_by_itself() -> None:
    assert int(unit()["TimeoutStopSec"][0]) > DEFAULTS["shutdown_timeout_s"] + _LAST_WORDS_S
    assert unit()["KillMode"] == ["mixed"]


def test_the_environment_of_the_unit_is_known_to_the_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in unit()["Environment"]:
        name, _, value = variable.partition("=")
        assert name.startswith(PREFIX)
        monkeypatch.setenv(name, value)
    assert Settings().log_format == "json"
    assert Settings().models.is_absolute()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CapabilityBoundingSet", ""),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("SystemCallFilter", "@system-service"),
        ("User", "ganserve"),
    ],
)
def test_the_unit_is_a_sandbox(name: str, value: str) -> None:
    assert unit()[name] == [value]


def proxy() -> dict[str, Any]:
    text = (ROOT / "deploy/nginx/ganserve.conf").read_text(encoding="utf-8")
    found = re.findall(r"^\s*([a-z_]+) ([^;{]+);", text, re.MULTILINE)
    assert text.count("{") == text.count("}")
    return {name: value for name, value in found if name != "proxy_set_header"}


def test_the_proxy_is_more_patient_than_the_service_and_lets_go_of_connections_first() -> None:
    seconds = {name: int(value[:-1]) for name, value in proxy().items() if value.endswith("s")
               and value[:-1].isdigit()}  # fmt: skip
    assert seconds["keepalive_timeout"] < DEFAULTS["keep_alive_timeout_s"]
    assert seconds["proxy_read_timeout"] > DEFAULTS["request_timeout_s"]
    assert seconds["proxy_read_timeout"] > DEFAULTS["dataset_stall_timeout_s"]


def test_the_proxy_refuses_nothing_that_the_service_takes() -> None:
    assert int(proxy()["client_max_body_size"].rstrip("m")) << 20 >= DEFAULTS["max_upload_bytes"]
    number, size = proxy()["large_client_header_buffers"].split()
    assert int(size.rstrip("k")) << 10 >= DEFAULTS["max_url_bytes"]
    assert int(number) * (int(size.rstrip("k")) << 10) >= DEFAULTS["max_head_bytes"]
    assert proxy()["server"] == f"127.0.0.1:{DEFAULTS['port']}"
