"""When the memory acts: how much is observed at a time, when the log takes over, when it is condensed. Pure.

Source: SPEC section 6.
"""

from typing import NamedTuple

from cortex_cli import models
from cortex_cli.layers.view import View
from cortex_cli.settings import Settings

INPUT_SHARE = 0.6
"""Of the observing model's window that its input may take. Source: SPEC section 6, "Buffer interval"."""

REFLECTION_SHARE = 0.5
"""Of the condensing model's window that the log may take. Source: SPEC section 6, "Reflection"."""

OUTPUT_SHARE = 0.20
MIN_OUTPUT_TOKENS = 400
"""Size of new observations: a share of what is observed, as of summaries (SPEC section 4), at least the second."""


class Limits(NamedTuple):
    """The sizes that decide, for one view; tokens of its counter."""

    activation: int
    """Size of the conversation from which on the log takes over."""
    reflection: int
    """Size of the log from which on it is condensed."""
    background_reflection: int
    """Size of the log from which on it is condensed in the background, and below which condensing ends."""
    piece: int
    """Most that is observed at a time."""
    interval: int
    """How much not observed starts an observation."""


def buffer_interval(tokens_until_activation: float, *, cycles: int, cap: int, minimum: int, utility_window: int) -> int:
    """Return how many tokens that are not observed yet start an observation.

    Args:
        tokens_until_activation: What may still come before the log takes over.
        cycles: Observations aimed at until then; at least 1.
        cap: Most that is observed at a time.
        minimum: Least that is observed at a time; it wins over all else.
        utility_window: Window of the observing model.
    """
    return int(max(min(tokens_until_activation / cycles, min(cap, INPUT_SHARE * utility_window)), minimum))


def reflection_threshold(budget: int, *, ratio: float, utility_window: int) -> int:
    """Return the size of the log from which on it is condensed, in tokens."""
    return int(min(budget * ratio, utility_window * REFLECTION_SHARE))


def observation_size(observed_tokens: int) -> int:
    """Return what the observations of so much may take, in tokens."""
    return max(MIN_OUTPUT_TOKENS, int(OUTPUT_SHARE * observed_tokens))


def utility_window(settings: Settings, window: int) -> int:
    """Return the window of the model that observes: as given, as known of it, else the conversation's own."""
    name = settings.observer_model or settings.llm_model
    known = models.find_model(name) if name else None
    return settings.utility_window_tokens or (known.window if known else 0) or window


def limits_of(view: View, settings: Settings, used_tokens: int) -> Limits:
    """Work the limits out.

    Args:
        view: Sizes of the conversation; its messages do not matter.
        settings: Keys of group `observe`.
        used_tokens: Size of the conversation now, overhead included.
    """
    window = utility_window(settings, view.window)
    activation = int(settings.activation_ratio * view.budget / view.scale)
    reflection = reflection_threshold(view.budget, ratio=settings.reflection_ratio, utility_window=window)
    return Limits(
        activation=activation,
        reflection=reflection,
        background_reflection=int(reflection * settings.reflection_buffer_ratio),
        piece=max(1, int(min(settings.buffer_cap_tokens, INPUT_SHARE * window))),
        interval=buffer_interval(
            max(0, activation - used_tokens),
            cycles=settings.buffer_target_cycles,
            cap=settings.buffer_cap_tokens,
            minimum=settings.buffer_min_tokens,
            utility_window=window,
        ),
    )
