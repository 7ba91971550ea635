"""The prompts, one text per file, loaded by name. Written for this project."""

import re
from functools import cache
from importlib.resources import files

_FIELD = re.compile(r"\{\{(\w+)\}\}")


@cache
def load_prompt(name: str) -> str:
    """Return the text of `prompts/NAME.md`."""
    return files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8").strip()


def fill(template: str, **values: str) -> str:
    """Put values in the place of `{{name}}`; a value is never looked at again, whatever it holds."""
    return _FIELD.sub(lambda match: values.get(match[1], match[0]), template)
