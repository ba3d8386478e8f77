"""Nothing that is read can run code: no pickle and no ``eval``, in any file of ours."""

import ast
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from training.checkpoints import load_checkpoint
from training.data.datasets import load_dataset
from training.errors import TrainingError
from training.evaluation import inception, judge
from training.evaluation.classifier import ConvolutionalClassifier

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("app", "contract", "training")
FILES = sorted(path for package in PACKAGES for path in ROOT.glob(f"{package}/**/*.py"))

MODULES = {"pickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
BUILTINS = {"eval", "exec", "compile", "__import__"}
SAFE_IF = {  # calls that may run code, but for this argument
    "torch.load": ("weights_only", True),
    "np.load": ("allow_pickle", False),
    "numpy.load": ("allow_pickle", False),
}
FORBIDDEN = {
    *("yaml.load", "yaml.unsafe_load", "yaml.full_load", "torch.hub.load", "runpy.run_path"),
    *("pandas.read_pickle", "torch.jit.load", "torch.hub.load_state_dict_from_url"),
}


def unsafe(source: str) -> Iterator[str]:
    """What of a program reads data in a way that may run code."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names = {f"{module}.{each.name}" for each in node.names}
            if module.split(".")[0] in MODULES:
                yield module
            yield from sorted(names & (FORBIDDEN | set(SAFE_IF)))  # not their full names
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            given = {each.arg: ast.unparse(each.value) for each in node.keywords}
            argument, value = SAFE_IF.get(name, ("", None))
            if name in BUILTINS | FORBIDDEN or (argument and given.get(argument) != str(value)):
                yield name
            if given.get("allow_pickle") == "True" or given.get("weights_only") == "False":
                yield name


def test_no_file_reads_data_that_may_run_code() -> None:
    assert len(FILES) > 200
    found = {path: list(unsafe(path.read_text(encoding="utf-8"))) for path in FILES}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "program",
    [
        "import pickle",
        "import os, marshal as m",
        "from pickle import loads",
        "from shelve import open",
        "import joblib.numpy_pickle",
        "from torch import load",
        "from numpy import load",
        "def f():\n    eval('1')",
        "exec(text)",
        "__import__('os')",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "torch.load(path, weights_only=flag)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.lib.format.read_array(file, allow_pickle=True)",
        "yaml.load(text, Loader=yaml.Loader)",
        "torch.hub.load('somebody/something', 'model')",
    ],
)
def test_what_may_run_code_is_found(program: str) -> None:
    assert len(list(unsafe(program))) > 0


@pytest.mark.parametrize(
    "program",
    [
        "network.eval()",
        "re.compile('x')",
        "json.load(file)",
        "yaml.safe_load(text)",
        "np.load(file, allow_pickle=False)",
        "torch.load(path, map_location='cpu', weights_only=True)",
    ],
)
def test_what_only_looks_so_is_not(program: str) -> None:
    assert list(unsafe(program)) == []


class Trap:
    """Whoever unpickles it writes a file."""

    def __init__(self, sprung: Path) -> None:
        self._sprung = sprung

    def __reduce__(self) -> tuple[object, tuple[Path, str]]:
        return Path.write_text, (self._sprung, "sprung")


@pytest.fixture
def sprung(tmp_path: Path) -> Iterator[Path]:
    """The file that is written where a trap is unpickled, which is not to be."""
    path = tmp_path / "sprung"
    pickle.loads(pickle.dumps(Trap(path)))  # noqa: S301  # it must be able to spring
    path.unlink()  # the trap works
    yield path
    assert not path.exists()


def pickled(trap: Trap, path: Path) -> None:
    path.write_bytes(pickle.dumps(trap))


def saved_by_torch(trap: Trap, path: Path) -> None:
    torch.save({"weights": torch.zeros(2), "trap": trap}, path)


Write = Callable[[Trap, Path], None]
KINDS = pytest.mark.parametrize("write", [pickled, saved_by_torch])


@KINDS
def test_a_checkpoint_that_is_a_pickle_is_refused(
    write: Write, sprung: Path, tmp_path: Path
) -> None:
    path = tmp_path / "checkpoint.safetensors"
    write(Trap(sprung), path)
    with pytest.raises(TrainingError, match=f"{path} cannot be read as a checkpoint"):
        load_checkpoint(path)


@KINDS
def test_a_judge_that_is_a_pickle_is_refused(
    write: Write, sprung: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, test = (
        load_dataset("digits", image_size=8, data_dir=tmp_path, split=split)
        for split in ("train", "test")
    )
    network = ConvolutionalClassifier(train.channels, len(train.class_names))
    monkeypatch.setattr(judge, "train_classifier", lambda *_: network)
    judge.load_or_train_judge(train, test, tmp_path / "cache")
    (path,) = (tmp_path / "cache").iterdir()
    write(Trap(sprung), path)
    with pytest.raises(TrainingError, match=f"{path} is no judge .*; delete it"):
        judge.load_or_train_judge(train, test, tmp_path / "cache")


@KINDS
def test_weights_of_inception_that_hold_more_are_refused(
    write: Write, sprung: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inception, "find_spec", lambda name: object())
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    path = tmp_path / "checkpoints" / inception.WEIGHTS
    path.parent.mkdir()
    write(Trap(sprung), path)
    with pytest.raises(TrainingError, match=f"{path} does not hold weights and nothing else"):
        inception.check_inception()
