"""What kind of tool it was, by the names that agents use."""

import pytest

from cortex_cli.errors import OptionError
from cortex_cli.layers.tools import categories, category_of, is_named, names


@pytest.mark.parametrize(
    ("tool", "category"),
    [
        ("Read", "rereadable"),
        ("read_file", "rereadable"),
        ("VIEW", "rereadable"),
        ("Bash", "non-reproducible"),
        ("bash", "non-reproducible"),
        ("exec_command", "non-reproducible"),
        ("functions.shell", "non-reproducible"),
        ("web_fetch", "non-reproducible"),
        ("Task", "non-reproducible"),
        ("Agent", "non-reproducible"),
        ("SubAgent", "ephemeral"),
        ("TaskOutput", "ephemeral"),
        ("BashOutput", "ephemeral"),
        ("Edit", None),
        ("mcp__db__query", None),
        ("", None),
    ],
)
def test_known_names(tool: str, category: str | None) -> None:
    """The same tool has another name in every agent."""
    assert category_of(tool, categories(())) == category


def test_the_user_extends_and_overrides() -> None:
    """`computational` is for the user to assign."""
    known = categories(("my=tool=computational", " bash = ephemeral "))
    assert category_of("My=Tool", known) == "computational"
    assert category_of("Bash", known) == "ephemeral"


@pytest.mark.parametrize("pair", ["Bash", "=ephemeral", "Bash=slow", ""])
def test_a_bad_pair_is_an_option_error(pair: str) -> None:
    """A typing error must not silently mean nothing."""
    with pytest.raises(OptionError) as failure:
        categories((pair,))
    assert "rereadable" in failure.value.hint


def test_names_are_compared_without_case() -> None:
    """`--keep-tool read` means Read."""
    assert is_named("Read", names(("read",)))
    assert not is_named("Read", names(()))
