"""Compact language-model transcripts: always valid, measured loss, measured cost.

The names below are loaded when first used, so that `cortex --version` does not pay for them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cortex_cli.version import VERSION

__version__ = VERSION

if TYPE_CHECKING:
    from cortex_cli.archive import Archive
    from cortex_cli.cache import adaptive_threshold, best_retention, is_cold
    from cortex_cli.compaction import CompactResult, compact, compact_async
    from cortex_cli.converting import Converted, convert
    from cortex_cli.errors import (
        ArchiveError,
        CortexError,
        DoesNotFitError,
        InputError,
        OptionError,
        OutputError,
        StoreError,
        TranscriptError,
    )
    from cortex_cli.groups import call_groups, safe_cuts
    from cortex_cli.layers.failsafe import plan_drops, should_truncate
    from cortex_cli.layers.micro import plan_trims
    from cortex_cli.layers.partition import plan_partition
    from cortex_cli.layers.summary import should_summarize
    from cortex_cli.library import dump, load, load_all, register_format
    from cortex_cli.live.status import Status
    from cortex_cli.llm.overflow import find_overflow
    from cortex_cli.manager import CompactionManager
    from cortex_cli.memory.authors import observer_of, reflector_of
    from cortex_cli.memory.base import LogEntry, Observer, ObserveRequest, Reflector, ReflectRequest
    from cortex_cli.memory.limits import buffer_interval, reflection_threshold
    from cortex_cli.messages import Change, LayerResult, Media, Message, Part, Transcript
    from cortex_cli.recall import recall_tool
    from cortex_cli.remembering import Remembering
    from cortex_cli.replaying.engine import replay
    from cortex_cli.report import Report
    from cortex_cli.settings import Settings, Share
    from cortex_cli.stores import (
        AutoCompactStore,
        ContextStore,
        MemoryContextStore,
        SessionInfo,
        SQLiteContextStore,
        axio_codec,
        compact_context,
    )
    from cortex_cli.strategies import compare_strategies
    from cortex_cli.summarizers import summarizer_of
    from cortex_cli.tokens import Counter, make_counter
    from cortex_cli.validity import find_problems

_HOMES = {
    "Archive": "archive",
    "ArchiveError": "errors",
    "AutoCompactStore": "stores",
    "Change": "messages",
    "CompactResult": "compaction",
    "CompactionManager": "manager",
    "ContextStore": "stores",
    "Converted": "converting",
    "CortexError": "errors",
    "Counter": "tokens",
    "DoesNotFitError": "errors",
    "InputError": "errors",
    "LayerResult": "messages",
    "LogEntry": "memory.base",
    "Media": "messages",
    "MemoryContextStore": "stores",
    "Message": "messages",
    "ObserveRequest": "memory.base",
    "Observer": "memory.base",
    "OptionError": "errors",
    "OutputError": "errors",
    "Part": "messages",
    "ReflectRequest": "memory.base",
    "Reflector": "memory.base",
    "Remembering": "remembering",
    "Report": "report",
    "SQLiteContextStore": "stores",
    "SessionInfo": "stores",
    "Settings": "settings",
    "Share": "settings",
    "Status": "live.status",
    "StoreError": "errors",
    "Transcript": "messages",
    "TranscriptError": "errors",
    "adaptive_threshold": "cache",
    "axio_codec": "stores",
    "best_retention": "cache",
    "buffer_interval": "memory.limits",
    "call_groups": "groups",
    "compact": "compaction",
    "compact_async": "compaction",
    "compact_context": "stores",
    "convert": "converting",
    "compare_strategies": "strategies",
    "dump": "library",
    "find_overflow": "llm.overflow",
    "find_problems": "validity",
    "is_cold": "cache",
    "load": "library",
    "load_all": "library",
    "make_counter": "tokens",
    "observer_of": "memory.authors",
    "plan_drops": "layers.failsafe",
    "plan_partition": "layers.partition",
    "plan_trims": "layers.micro",
    "recall_tool": "recall",
    "replay": "replaying.engine",
    "reflection_threshold": "memory.limits",
    "reflector_of": "memory.authors",
    "register_format": "library",
    "safe_cuts": "groups",
    "should_summarize": "layers.summary",
    "should_truncate": "layers.failsafe",
    "summarizer_of": "summarizers",
}
"""Public name -> the module that holds it."""

__all__ = [
    "Archive",
    "ArchiveError",
    "AutoCompactStore",
    "Change",
    "CompactResult",
    "CompactionManager",
    "ContextStore",
    "Converted",
    "CortexError",
    "Counter",
    "DoesNotFitError",
    "InputError",
    "LayerResult",
    "LogEntry",
    "Media",
    "MemoryContextStore",
    "Message",
    "ObserveRequest",
    "Observer",
    "OptionError",
    "OutputError",
    "Part",
    "ReflectRequest",
    "Reflector",
    "Remembering",
    "Report",
    "SQLiteContextStore",
    "SessionInfo",
    "Settings",
    "Share",
    "Status",
    "StoreError",
    "Transcript",
    "TranscriptError",
    "adaptive_threshold",
    "axio_codec",
    "best_retention",
    "buffer_interval",
    "call_groups",
    "compact",
    "compact_async",
    "compact_context",
    "compare_strategies",
    "convert",
    "dump",
    "find_overflow",
    "find_problems",
    "is_cold",
    "load",
    "load_all",
    "make_counter",
    "observer_of",
    "plan_drops",
    "plan_partition",
    "plan_trims",
    "recall_tool",
    "reflection_threshold",
    "reflector_of",
    "register_format",
    "replay",
    "safe_cuts",
    "should_summarize",
    "should_truncate",
    "summarizer_of",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its home, once."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Name what is public."""
    return sorted([*__all__, "__version__"])
