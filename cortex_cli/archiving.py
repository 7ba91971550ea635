"""A run that keeps its originals: between the pipeline, which names them, and the archive, which stores them.

Nothing is stored while layers run. When the output's bytes are known, and before they are written, everything
goes into the archive at once; if that fails nothing is written at all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import fields

from cortex_cli import clock
from cortex_cli.archive import Archive, Receipt, Removed
from cortex_cli.archive.delta import FEW_LINES
from cortex_cli.archive.texts import removed_texts, side_texts
from cortex_cli.files import InputFile
from cortex_cli.formats.source import Lines
from cortex_cli.messages import Transcript
from cortex_cli.report import Report
from cortex_cli.settings import Settings
from cortex_cli.targets import Keep

PRIVATE_KEYS = ("llm_url", "llm_command", "llm_key_env")
"""Settings that may hold or lead to a key: not in a receipt."""


class Recording:
    """What one run hands to an archive.

    Args:
        archive: Where it goes.
        settings: Of the run, for the receipt.
    """

    def __init__(self, archive: Archive, settings: Settings) -> None:
        self._archive = archive
        self._settings = settings
        self._named: dict[str, Removed] = {}

    @classmethod
    def of(cls, settings: Settings) -> "Recording | None":
        """Start a recording where the settings name an archive.

        Raises:
            ArchiveError: It is no archive.
        """
        if not settings.archive:
            return None
        archive = Archive(settings.archive)
        archive.check()
        return cls(archive, settings)

    def persist(self, content: str, tool: str, category: str, call_id: str, index: int) -> str:
        """Name the place where a text is going to be: the persist callback of the layers."""
        del category
        ref = self._archive.ref_of(content)
        self._named.setdefault(ref, Removed(content, index, 0, message_id=call_id, role="tool", tool=tool))
        return ref

    def keeper(self, source: InputFile, done: Sequence[Transcript], report: Report) -> Keep | None:
        """Return what stores the originals of a result; None where nothing was changed.

        Args:
            source: The input.
            done: Its conversations as they are now.
            report: What was done.
        """
        if not report.changed:
            return None

        def keep(data: bytes, path: str) -> None:
            about = {**report.to_json(), "settings": _chosen(self._settings)}
            made = self._settings.now or clock.utc_now()
            receipt = Receipt(input=source.path, output=path, made=made, about=about)
            self._archive.put_run(source.data, data, lambda gone: list(self._texts(source, done, gone)), receipt)

        return keep

    def _texts(self, source: InputFile, done: Sequence[Transcript], gone: Sequence[int]) -> Iterator[Removed]:
        """Yield all that left: of the messages, of records beside them, and what replacements refer to."""
        known = set[str]()
        for transcript in done:
            for removed in removed_texts(transcript):
                known.add(removed.text)
                yield removed
        if len(done) == 1 and isinstance(done[0].records, Lines) and source.data.count(b"\n") >= FEW_LINES:
            yield from side_texts(done[0], gone, known)
        yield from (named for named in self._named.values() if named.text not in known)


def _chosen(settings: Settings) -> dict[str, object]:
    """Return the settings that are not as they come."""
    values = {field.name: getattr(settings, field.name) for field in fields(settings) if field.name not in PRIVATE_KEYS}
    return {name: value for name, value in values.items() if value != getattr(_DEFAULTS, name)}


_DEFAULTS = Settings()
