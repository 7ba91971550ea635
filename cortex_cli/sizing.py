"""The sizes that decide: window, budget, what is sent besides the file, and the model's own scale."""

from typing import NamedTuple

from cortex_cli import marks, models
from cortex_cli.errors import OptionError
from cortex_cli.layers.view import View
from cortex_cli.messages import Message, Transcript
from cortex_cli.settings import Settings, Share, Size
from cortex_cli.tokens import Counter, message_sizes

OVERHEAD_LIMIT_RATIO = 0.5
"""An overhead above this share of the budget is not this session's. Source: SPEC section 1."""


class Sizing(NamedTuple):
    """Sizes of one run, in tokens of its counter."""

    window: int
    window_source: str
    budget: int
    overhead_tokens: int
    """Preamble (tool schemas) plus what recorded usage shows beyond the file."""
    scale: float
    scale_source: str
    warnings: tuple[str, ...] = ()

    def view(self, messages: tuple[Message, ...]) -> View:
        """Return what a layer is handed."""
        return View(
            messages=messages,
            window=self.window,
            budget=self.budget,
            overhead_tokens=self.overhead_tokens,
            scale=self.scale,
        )


def measure(transcript: Transcript, settings: Settings, counter: Counter) -> Sizing:
    """Work out the sizes of one transcript.

    Raises:
        OptionError: The budget is larger than the window.
    """
    window, window_source = models.window_for(
        settings.window,
        stated=transcript.window,
        model=settings.model,
        recorded_model=transcript.model,
        format=transcript.format,
    )
    budget = resolve_size(settings.budget, window) or window
    if budget > window:
        raise OptionError(f"the budget {budget} is larger than the window {window}", hint="raise --window too")
    preamble = sum(map(counter.count_text, transcript.preamble))
    measured, warnings = _measured_overhead(transcript, counter, preamble, budget)
    scale, scale_source = (
        (1.0, "recorded usage") if measured else models.scale_for(settings.model or transcript.model, counter.name)
    )
    if unknown := models.unknown_model_warning(settings.model):
        warnings = (unknown, *warnings)
    return Sizing(
        window=window,
        window_source=window_source,
        budget=budget,
        overhead_tokens=preamble + measured,
        scale=scale,
        scale_source=scale_source,
        warnings=warnings,
    )


def resolve_size(size: Size, whole: int) -> int:
    """Turn a size into tokens; a share is of `whole`, rounded down."""
    return int(size.ratio * whole) if isinstance(size, Share) else size


def _measured_overhead(
    transcript: Transcript, counter: Counter, preamble: int, budget: int
) -> tuple[int, tuple[str, ...]]:
    """Compare the newest valid call's recorded usage with our own count of what that call saw. Source: SPEC 1."""
    usage = transcript.usage
    if usage is None:
        return 0, ()
    seen = transcript.loaded[: usage.messages]
    overhead = usage.tokens - preamble - sum(message_sizes(transcript.loaded, counter)[: usage.messages])
    if overhead <= 0 or any(holds_our_marks(message) for message in seen):
        return 0, ()
    if overhead > budget * OVERHEAD_LIMIT_RATIO:
        warning = (
            f"recorded usage is {overhead} tokens above what the file holds, more than half of the budget: not used"
        )
        return 0, (warning,)
    return overhead, ()


def holds_our_marks(message: Message) -> bool:
    """Tell whether a message was made or edited by an earlier run of ours."""
    if message.synthetic:
        return True
    return any(part.kind == "result" and marks.parse_result(part.text) is not None for part in message.parts)
