"""A program as the model: the prompt on its standard input, the answer on its standard output."""

import asyncio
import contextlib
import shlex
from dataclasses import dataclass

from cortex_cli.llm.client import Completion, CompletionRequest, ModelError, OnText

MAX_ERROR_CHARS = 300
"""Of what the program said on its standard error, in our error."""


@dataclass(frozen=True, slots=True)
class CommandClient:
    """A command line, split as a POSIX shell would, run without a shell."""

    command: str
    timeout_seconds: float = 120.0
    model: str = ""

    @property
    def words(self) -> list[str]:
        """The program and its arguments, which may hold keys.

        Raises:
            ValueError: A quote is not closed, or there is no word.
        """
        if not (words := shlex.split(self.command)):
            raise ValueError("it is empty")
        return words

    @property
    def name(self) -> str:
        """For reports: the program alone."""
        return f"command {self.words[0]}"

    @property
    def endpoint(self) -> str:
        """What the circuit opens for."""
        return self.command

    async def complete(self, request: CompletionRequest, on_text: OnText | None = None) -> Completion:
        """Ask once; see `Client.complete`."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self.words,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ModelError(f"cannot run {self.words[0]!r}: {reason}", hint="check --llm-command") from error
        prompt = f"{request.system}\n\n{request.prompt}".encode(errors="replace")
        try:
            out, err = await asyncio.wait_for(process.communicate(prompt), self.timeout_seconds)
        except TimeoutError as error:
            raise ModelError(f"{self.name} did not end within {self.timeout_seconds:g} s", retry=True) from error
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode:
            said = " ".join(err.decode(errors="replace").split())[-MAX_ERROR_CHARS:]
            raise ModelError(f"{self.name} ended with exit code {process.returncode}: {said}", retry=True)
        text = out.decode(errors="replace")
        if on_text:
            on_text(text)
        return Completion(text=text, stop="end")
