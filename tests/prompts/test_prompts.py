"""Prompts are texts with fields; what is put in is never looked at again."""

from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.memory.log import SIGNS
from cortex_cli.prompts import fill, load_prompt
from cortex_cli.summarizers.sections import TITLES


@given(st.text() | st.just("{{b}}{{a}} {{transcript}}"))
def test_a_value_is_never_expanded(value: str) -> None:
    """A transcript about templates holds `{{transcript}}` itself."""
    assert fill("{{a}}|{{b}}|{{c}}", a=value, b="x") == f"{value}|x|{{{{c}}}}"


def test_the_prompts_of_the_memory_name_form_and_fields() -> None:
    """What is not asked for is not written, and a field without a place is not sent."""
    for name, fields in (("observer", {"earlier", "conversation"}), ("reflector", {"observations", "condense"})):
        prompt = load_prompt(name)
        assert all(sign in prompt for sign in SIGNS.values())
        assert all(f"{{{{{field}}}}}" in prompt for field in fields | {"max_words", "instruction"})
        assert "UTC" in prompt
    assert "{{detail}}/10" in load_prompt("condense")


def test_the_prompt_asks_for_every_section() -> None:
    """A section that is not asked for is not written."""
    prompt = load_prompt("summary")
    assert all(f"## {title}" in prompt for title in TITLES.values())
    fields = {"earlier", "and_earlier", "transcript", "max_words", "focus"}
    assert all(f"{{{{{field}}}}}" in prompt for field in fields)
