"""tau-bench results: a list of runs, each with its chat messages under `traj`.

Source: FORMATS section 3.
"""

from collections.abc import Iterator
from typing import Any

from cortex_cli.formats import containers, datasets, rewrite
from cortex_cli.formats.openai_chat import RULES as RULES
from cortex_cli.formats.openai_chat import plan as plan
from cortex_cli.formats.openai_chat import read_answer, read_list
from cortex_cli.formats.openai_elements import read_element
from cortex_cli.formats.source import Source
from cortex_cli.messages import Transcript

NAME = "tau-bench"


def is_run(value: Any) -> bool:
    """Tell whether a value is one run."""
    traj = value.get("traj") if isinstance(value, dict) else None
    return isinstance(traj, list) and any(map(containers.is_message, traj))


def detect(source: Source) -> float:
    """Tell whether the input is a run, a list of runs, or one run a line."""
    if not source.may_hold("traj"):
        return 0
    document = source.document
    values = source.head if document is None else document if isinstance(document, list) else [document]
    return 1 if any(map(is_run, values)) else 0


def conversations(source: Source) -> Iterator[datasets.Conversation]:
    """Take a list of runs apart."""
    return datasets.split(source, is_run)


def load(source: Source) -> Transcript:
    """Read one run.

    Raises:
        InputError: It is none, or there are several.
    """
    box = datasets.find_only(source, is_run, ("traj",))
    return read_list(source, containers.Reader(NAME, read_element, read_answer), box)


def dump(transcript: Transcript) -> Iterator[bytes]:
    """Yield the run with its changed messages."""
    yield from rewrite.render(transcript, plan(transcript))
