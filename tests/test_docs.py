"""What the documents say is what the program does."""

import importlib.util
import os
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import cortex_cli
from cortex_cli import formats
from cortex_cli.cli.main import ENTRIES
from cortex_cli.errors import ExitCode
from cortex_cli.live.events import EVENTS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _script(path: str) -> ModuleType:
    """Import a script of the project that stands in no package."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_help_and_output_in_the_readme_are_real() -> None:
    """A README that promises another program than this one is worse than none; `make docs` writes it anew."""
    assert _script("docs/generate.py").generate(README) == README


LIVE = "AsyncOpenAI"
"""Examples with it talk to a provider; tests/live/test_readme.py runs them against a server of its own."""

FRAMEWORKS = "cortex_cli.integrations"
"""In examples that need a framework; `tests/integrations/test_readme.py` runs them."""

EXAMPLES = [
    code
    for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    if LIVE not in code and FRAMEWORKS not in code
]


@pytest.fixture
def beside_the_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in an empty folder with the samples in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    return tmp_path


@pytest.mark.parametrize("code", EXAMPLES)
def test_examples_run(code: str, beside_the_samples: Path) -> None:
    """They are what most people copy first."""
    assert beside_the_samples == Path.cwd()
    exec(code, {})


def test_the_first_example_does_something(beside_the_samples: Path) -> None:
    """Less than the transcript it began with."""
    exec(EXAMPLES[0], {})
    assert (beside_the_samples / "small.jsonl").stat().st_size < (ROOT / "samples" / "openai.jsonl").stat().st_size


def test_every_format_command_and_exit_code_is_named() -> None:
    """What is not in the README is not found."""
    for known in formats.FORMATS:
        assert f"| `{known.NAME}` |" in README
    for entry in ENTRIES:
        assert f"  {entry.name} " in README
    for code in ExitCode:
        assert f"| {code.value} |" in README


def test_links_lead_somewhere() -> None:
    """A dead link is a broken promise."""
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README):
        assert (ROOT / target).exists(), target


def test_versions_agree() -> None:
    """One version in the package, the project file and the changelog's newest release."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{cortex_cli.__version__}"' in project
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## \[(.*?)\]", changelog, re.MULTILINE)[0] == "Unreleased"


def test_make_targets_are_explained() -> None:
    """`make` alone lists them all."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)
    explained = re.findall(r"^([a-z-]+):.*## \S", makefile, re.MULTILINE)
    assert targets == explained
    [phony] = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert set(phony.split()) == set(targets)


def test_scripts_of_ci_can_be_run() -> None:
    """A lost mode bit breaks every run."""
    for name in ("run", "test-wheel"):
        assert os.access(ROOT / ".ci" / name, os.X_OK)


def test_samples_are_what_their_script_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """They can be changed in one place, and are small."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    script = _script("samples/make.py")
    session = script.messages()
    for name, write in script.SAMPLES.items():
        data = (ROOT / "samples" / name).read_bytes()
        assert script.without_test_fields(write(session)) == data
        assert len(data) < 200_000


def test_the_document_on_live_sessions_names_what_there_is() -> None:
    """Every public method and every event; a name that it promises and nobody has misleads."""
    text = (ROOT / "docs" / "live.md").read_text(encoding="utf-8")
    methods = {name for name in dir(cortex_cli.CompactionManager) if not name.startswith("_")}
    assert [name for name in (*methods, *EVENTS) if name not in text] == []
