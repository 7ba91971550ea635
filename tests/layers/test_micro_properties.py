"""What holds of caps and micro for any conversation."""

import json

from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.layers.caps import cap
from cortex_cli.layers.micro import micro
from cortex_cli.layers.view import View
from cortex_cli.settings import Settings
from cortex_cli.tokens import Counter, HeuristicCounter, make_counter
from tests.layers.conversations import Layer, settle, spoken, trimming, views
from tests.strategies import examples

LAYERS = st.sampled_from([cap, micro])
COUNTERS = st.sampled_from([HeuristicCounter(), make_counter("o200k_base")])


@given(views(), trimming(), LAYERS, COUNTERS)
def test_tokens_only_fall(view: View, settings: Settings, layer: Layer, counter: Counter) -> None:
    """A compaction that makes a result larger would be worse than none."""
    done = layer(view, settings, counter)
    for old, new in zip(view.messages, done.messages, strict=True):
        assert new == old or counter.count_message(new) < counter.count_message(old)
    assert sum(one.tokens_before - one.tokens_after for one in done.changes) == view.count(
        counter
    ) - view.with_messages(done.messages).count(counter)


@given(views(), trimming(), LAYERS, COUNTERS)
def test_only_results_are_touched(view: View, settings: Settings, layer: Layer, counter: Counter) -> None:
    """What people and the assistant said is never edited, nor are ids and names."""
    done = layer(view, settings, counter)
    assert spoken(view.with_messages(done.messages)) == spoken(view)
    for old, new in zip(view.messages, done.messages, strict=True):
        assert [part._replace(text="", media=()) for part in old.parts] == [
            part._replace(text="", media=()) for part in new.parts
        ]


@given(views(), trimming(), LAYERS, COUNTERS)
def test_passes_come_to_rest(view: View, settings: Settings, layer: Layer, counter: Counter) -> None:
    """A second run over its own output changes no byte."""
    rest = settle(layer, view, settings, counter)
    assert layer(rest, settings, counter).messages == rest.messages


@given(views(), trimming(), trimming(), COUNTERS)
def test_harder_settings_still_come_to_rest(view: View, first: Settings, second: Settings, counter: Counter) -> None:
    """The ladder of `--fit` runs micro on its own output with ever harder settings."""
    rest = settle(micro, settle(cap, view, first, counter), first, counter)
    again = settle(micro, settle(cap, rest, second, counter), second, counter)
    assert again.count(counter) <= rest.count(counter) <= view.count(counter)


@given(views(), trimming(), LAYERS)
def test_json_stays_json(view: View, settings: Settings, layer: Layer) -> None:
    """A value that is JSON in the file cannot become a half one."""
    for message in settle(layer, view, settings).messages:
        for part in message.parts:
            if part.json:
                json.loads(part.text)


@examples(20)
@given(views(), trimming())
def test_arguments_are_not_edited(view: View, settings: Settings) -> None:
    """Layers are pure: the view that came in is the same afterwards."""
    before = view.messages
    copy = tuple(message._replace() for message in before)
    micro(view, settings, HeuristicCounter())
    assert view.messages is before
    assert before == copy
