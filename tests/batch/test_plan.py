"""Which files a batch takes."""

from pathlib import Path

import pytest

from cortex_cli.batch.plan import Place, check_target, plan_directory, target_for
from cortex_cli.errors import InputError, OptionError

TREE = (
    "a.jsonl",
    "a.compacted.jsonl",
    "a.jsonl.bak",
    "a.jsonl.bak.1",
    "deep/er/b.JSON",
    "deep/notes.md",
    "node_modules/c.json",
    "out/a.jsonl",
    "run.traj",
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a folder with a bit of everything."""
    for name in TREE:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def _chosen(root: Path, **options: object) -> list[str]:
    return [path.relative_to(root).as_posix() for path in plan_directory(root, **options).paths]  # type: ignore[arg-type]


def test_transcripts_by_their_ending_without_our_own_products(tree: Path) -> None:
    """A batch that compacts its own outputs never ends."""
    plan = plan_directory(tree, output=tree / "out")
    assert _chosen(tree, output=tree / "out") == ["a.jsonl", "run.traj", "deep/er/b.JSON", "node_modules/c.json"]
    assert {path.name for path in plan.skipped} == {"a.compacted.jsonl", "a.jsonl.bak", "a.jsonl.bak.1", "notes.md"}


def test_patterns_are_of_names_or_of_paths(tree: Path) -> None:
    """A folder that is left out is not even looked into."""
    assert _chosen(tree, exclude=["node_modules", "out/*", "*.traj"]) == ["a.jsonl", "deep/er/b.JSON"]
    assert _chosen(tree, globs=["deep/*", "*.traj"]) == ["run.traj", "deep/notes.md", "deep/er/b.JSON"]


def test_the_tree_is_mirrored(tree: Path) -> None:
    """A result is found where its input was."""
    path = tree / "deep" / "er" / "b.JSON"
    target = target_for(path, Place(tree, Path("o"), force=True))
    assert (target.kind, target.path, target.overwrite) == ("file", Path("o/deep/er/b.JSON"), True)
    assert target_for(path, Place(tree, in_place=True)).kind == "in-place"
    assert target_for(path, Place(tree)).kind == "none"


def test_a_batch_must_say_where_its_results_go(tree: Path) -> None:
    """Neither writing over a thousand files nor doing nothing is a good guess."""
    check_target(tree, output=tree / "new", in_place=False, dry_run=False)
    for output, in_place, dry_run in ((None, False, False), (tree / "o", True, False), (None, True, True)):
        with pytest.raises(OptionError) as caught:
            check_target(tree, output=output, in_place=in_place, dry_run=dry_run)
        assert caught.value.hint == "give one of -o DIR, --in-place, --dry-run"
    with pytest.raises(OptionError, match="the output is the source"):
        check_target(tree, output=tree, in_place=False, dry_run=False)
    with pytest.raises(OptionError, match="is not a directory"):
        check_target(tree, output=tree / "a.jsonl", in_place=False, dry_run=False)


def test_a_file_is_no_directory(tree: Path) -> None:
    """The hint names the command that takes it."""
    with pytest.raises(InputError, match="is not a directory") as caught:
        plan_directory(tree / "a.jsonl")
    assert "cortex compact" in caught.value.hint
    with pytest.raises(InputError, match="no such directory"):
        plan_directory(tree / "none")
