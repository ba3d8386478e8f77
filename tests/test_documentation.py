"""Documentation that can drift is held to the code."""

from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from app import errors
from app.datasets.parameters import DatasetParameters
from app.interpolate_parameters import InterpolateParameters
from app.metrics import Metrics
from app.parameters import GenerateParameters, NeighbourParameters
from app.settings import Settings
from app.translate_parameters import TranslateParameters
from training.commands.training import RECIPE_OPTIONS
from training.config import TrainConfig
from training.data.datasets import list_datasets
from training.doctor.catalogue import DISEASES
from training.doctor.disease import Disease
from training.evaluation.figures import FIGURES
from training.evaluation.translation_figures import TRANSLATION_FIGURES
from training.runs import foreign_options
from training.systems import list_systems, load_system

DOCS = Path(__file__).resolve().parents[1] / "docs"


def rows(page: str) -> set[str]:
    """What stands in back-quotes in the first cell of a table row."""
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    cells = [line.split("|")[1] for line in lines if line.startswith("| `")]
    return {name for cell in cells for name in cell.split("`")[1::2]}


def test_every_setting_is_documented_with_its_default() -> None:
    page = (DOCS / "settings.md").read_text(encoding="utf-8")
    for name, field in Settings.model_fields.items():
        default = "unset" if field.default is None else f"`{field.default}`"
        assert f"| `{name}` | {default} | {field.description} |" in page


def test_every_metric_is_documented_and_none_that_is_not_there() -> None:
    metrics = [value for value in vars(Metrics()).values() if isinstance(value, MetricWrapperBase)]
    names = {
        family.name + ("_total" if family.type == "counter" else "")
        for metric in metrics
        for family in metric.collect()
    }
    assert {name for name in rows("settings.md") if name.startswith("ganserve_")} == names


def test_every_parameter_is_documented() -> None:
    for parameters in (
        GenerateParameters,
        NeighbourParameters,
        InterpolateParameters,
        TranslateParameters,
        DatasetParameters,
    ):
        assert set(parameters.model_fields) <= rows("http.md")


@pytest.mark.parametrize(
    "error",
    [
        error
        for error in vars(errors).values()
        if isinstance(error, type)
        and issubclass(error, errors.GanServeError)
        and error.__name__ not in {"ModelRefused", "ExecutionProviderUnavailable"}
    ],
)
def test_every_error_of_a_route_is_documented(error: type[errors.GanServeError]) -> None:
    page = (DOCS / "http.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if f"`{error.type}`" in line]
    assert row.startswith(f"| {error.status} |")


def test_every_system_data_set_and_command_is_documented() -> None:
    assert set(list_systems()) | set(list_datasets()) <= rows("training.md")
    page = (DOCS / "training.md").read_text(encoding="utf-8")
    for command in ("list", "train", "evaluate", "export", "doctor"):
        assert f"gantrain {command}" in page


@pytest.mark.parametrize("disease", DISEASES, ids=lambda disease: disease.name)
def test_every_disease_is_documented_with_what_shows_it(disease: Disease) -> None:
    page = (DOCS / "doctor.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if line.startswith(f"| `{disease.name}` |")]
    assert f"| {disease.severity} |" in row
    for name in (*disease.signals, *disease.metrics):
        assert f"`{name}`" in row
        assert f"`{name}`" in page.partition("## What it finds")[0]


def test_every_figure_of_an_evaluation_is_documented_and_none_that_is_not_there() -> None:
    documented = {name for name in rows("evaluation.md") if not name.startswith("--")}
    assert documented == set(FIGURES) | set(TRANSLATION_FIGURES)


@pytest.mark.parametrize("option", RECIPE_OPTIONS)
def test_every_training_option_is_documented_with_its_defaults(option: str) -> None:
    """A row has one cell for each system, blank where the system has no use for the option."""
    page = (DOCS / "training.md").read_text(encoding="utf-8")
    (head,) = [line for line in page.splitlines() if line.startswith("| option |")]
    (row,) = [line for line in page.splitlines() if f"`--{option.replace('_', '-')}` |" in line]
    names = [cell.strip(" `") for cell in head.split("|")[2:-2]]
    assert set(names) == set(list_systems())
    cells = dict(zip(names, [cell.strip() for cell in row.split("|")[2:-2]], strict=True))
    assert row.split("|")[-2].strip() == TrainConfig.model_fields[option].description
    for name in names:
        system = load_system(name)
        default = getattr(system.defaults, option, None)
        if option in foreign_options(system):
            assert cells[name] == ""
        elif default is not None:
            assert cells[name] == (default if isinstance(default, str) else f"{default:g}")
