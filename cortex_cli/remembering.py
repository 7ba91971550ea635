"""The memory of one run over a transcript: its authors, what it goes on from, how its originals are looked up."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cortex_cli.errors import OptionError
from cortex_cli.layers.view import View
from cortex_cli.memory.base import Observer, Reflector
from cortex_cli.memory.engine import Emit, Memory
from cortex_cli.memory.state import MemoryState, load_state
from cortex_cli.messages import LayerResult, Transcript
from cortex_cli.pipeline import Remember
from cortex_cli.settings import Settings
from cortex_cli.summarizers.base import BUILTIN
from cortex_cli.tokens import Counter

USUAL_RATIO = 0.90
"""Where the log takes over on the way, where the setting only says what is done at the end. Source: SPEC section 6."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembering:
    """What a run with observational memory is handed besides its settings."""

    observer: Observer | None = None
    """Writes observations; None: the built-in one."""
    reflector: Reflector | None = None
    """Condenses the log; None: the built-in one."""
    state: Mapping[str, Any] | None = None
    """What an earlier run over the same conversation left in `Report.memory`."""
    saves: bool = False
    """The state is used again: what is due is observed even if the log does not take over in this run."""
    emit: Emit | None = None
    """Told of observations, reflections and errors as they happen."""
    recall: str = ""
    """How originals are looked up, one line for the model; empty where they are not kept."""

    @property
    def waits(self) -> bool:
        """Whether an author is somebody else's, who may have to be waited for."""
        return self.observer is not None or self.reflector is not None

    def memory(self, settings: Settings, counter: Counter) -> Memory:
        """Build the memory that the run begins with.

        Raises:
            OptionError: A model is named and no author handed in.
            InputError: The state is none.
        """
        if not self.waits and settings.summarizer != BUILTIN:
            raise OptionError(
                "a model was named and no observer handed in",
                hint="hand in `observer=observer_of(settings, os.environ)` and `reflector=reflector_of(...)`",
            )
        from cortex_cli.memory.condensing import reflect_builtin  # noqa: PLC0415 - start-up time
        from cortex_cli.memory.observing import observe_builtin  # noqa: PLC0415 - the same

        return Memory(
            replace(settings, activation_ratio=settings.activation_ratio or USUAL_RATIO),
            counter,
            observer=self.observer or observe_builtin,
            reflector=self.reflector or reflect_builtin,
            state=load_state(self.state) if self.state is not None else MemoryState(),
            recall=self.recall,
            emit=self.emit,
        )

    def walk(self, memory: Memory, session: str) -> Remember:
        """Return what hands a recorded session to a memory."""
        from cortex_cli.memory.walk import observe_session  # noqa: PLC0415 - start-up time

        async def remember(view: View, is_forced: bool) -> LayerResult:
            return await observe_session(memory, view, is_forced=is_forced, is_saved=self.saves, session=session)

        return remember


def how_to_recall(archive: str) -> str:
    """Say how what left is looked up in an archive; empty without one.

    Args:
        archive: Path as `--archive` takes it.
    """
    if not archive:
        return ""
    from cortex_cli.archive import Archive  # noqa: PLC0415 - without an archive nobody needs SQLite

    kept = Archive(archive)
    if kept.folder:
        return f"search the files below {shlex.quote(str(kept.folder))}"
    return f"`cortex recall WORDS --archive {shlex.quote(str(kept.database.absolute()))}`"


def session_of(transcript: Transcript) -> str:
    """Name a session, so that its memory is not taken for another's; empty where the file does not name it."""
    return f"{transcript.format} {transcript.session_id}" if transcript.session_id else ""
