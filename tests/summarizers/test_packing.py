"""What is chosen fits, and something is chosen wherever anything fits."""

from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.summarizers.earlier import FACT, NOTE, QUOTE
from cortex_cli.summarizers.packing import Item, pack, write, write_tightly
from cortex_cli.tokens import HeuristicCounter

COUNTER = HeuristicCounter()
WORDS = st.text("abcdefgh ", min_size=1, max_size=120).filter(str.strip)


@st.composite
def items(draw: st.DrawFn) -> list[Item]:
    """Draw what could be said: some of it behind a long label that its own text does not show."""
    found = []
    for order in range(draw(st.integers(1, 30))):
        lead, kind, section = draw(
            st.sampled_from(((FACT, "fact", "calls"), (NOTE, "note", "solving"), (QUOTE, "own", "decisions")))
        )
        group = draw(st.sampled_from(("", "ran: ", f"found: {'a long path/' * 8} | "))) if kind == "fact" else ""
        worth = draw(st.floats(0.4, 3.0))
        shares = draw(st.booleans()) and bool(group)
        found.append(
            Item(section, lead, draw(WORDS), worth, order, order, group=group, shares_line=shares, kind=kind)  # type: ignore[arg-type]
        )
    return found


@given(items(), st.integers(1, 40), st.booleans())
def test_something_is_said_where_nearly_all_fits(drawn: list[Item], missing: int, is_tight: bool) -> None:
    """A text that is a little too long gives up its least items, not all of them."""
    writer = write_tightly if is_tight else write
    sizes = [COUNTER.count_text(writer([item])) for item in drawn]
    max_tokens = COUNTER.count_text(writer(drawn)) - missing
    packed = pack(drawn, max_tokens, COUNTER, writer=writer, is_tight=is_tight)
    assert COUNTER.count_text(packed.text) == packed.tokens <= max(max_tokens, 0)
    if len(drawn) > 4 and missing + max(sizes) < max_tokens / 2:
        assert packed.items


def test_labels_that_were_not_reckoned_do_not_cost_the_whole_text() -> None:
    """What stands in front of a fact's line is seen only when it is written."""
    label = f"found: {'a/long/path/' * 9} | "
    drawn = [Item("calls", FACT, f"fact {n}", 1.0, n, n, group=label, kind="fact") for n in range(30)]
    max_tokens = COUNTER.count_text(write(drawn)) - 5
    assert len(pack(drawn, max_tokens, COUNTER).items) == 29
