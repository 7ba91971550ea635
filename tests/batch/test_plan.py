"""Which files a batch takes."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from cortex_cli.batch.plan import Place, check_place, plan_files, target_for
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


def _chosen(root: Path, output: Path | None = None, **options: Sequence[str]) -> list[str]:
    return [path.relative_to(root).as_posix() for path in plan_files(Place(root, output), **options).paths]


def test_transcripts_by_their_ending_without_our_own_products(tree: Path) -> None:
    """A batch that compacts its own outputs never ends."""
    plan = plan_files(Place(tree, tree / "out"))
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
    check_place(Place(tree, tree / "new"), dry_run=False)
    for place, dry_run in (
        (Place(tree), False),
        (Place(tree, tree / "o", True), False),
        (Place(tree, None, True), True),
    ):
        with pytest.raises(OptionError) as caught:
            check_place(place, dry_run=dry_run)
        assert caught.value.hint == "give one of -o DIR, --in-place, --dry-run"
    with pytest.raises(OptionError, match="the output is the source"):
        check_place(Place(tree, tree), dry_run=False)
    with pytest.raises(OptionError, match="is not a directory"):
        check_place(Place(tree, tree / "a.jsonl"), dry_run=False)


def test_one_file_is_a_batch_too(tree: Path) -> None:
    """A data set is one file; its result goes into a folder, or is called what the user says."""
    source = tree / "a.jsonl"
    into = Place.of(source, tree / "new", in_place=False, force=False)
    assert plan_files(into).paths == (source,)
    assert target_for(source, into).path == tree / "new" / "a.jsonl"
    named = Place.of(source, tree / "b.jsonl.gz", in_place=False, force=False)
    check_place(named, dry_run=False)
    assert target_for(source, named).path == tree / "b.jsonl.gz"
    with pytest.raises(OptionError, match="the output is the source"):
        check_place(Place.of(source, source, in_place=False, force=False), dry_run=False)


def test_nothing_there_is_said(tree: Path) -> None:
    """A typing error is not an empty batch."""
    with pytest.raises(InputError, match="no such file or directory"):
        plan_files(Place.of(tree / "none", tree / "o", in_place=False, force=False))
