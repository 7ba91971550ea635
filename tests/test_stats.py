"""Where the tokens are: sums that add up."""

from cortex_cli.settings import Settings
from cortex_cli.stats import measure
from cortex_cli.tokens import make_counter
from tests.conftest import assistant, call, result, system, tool_pair, transcript, user

CONVERSATION = transcript(
    system("be brief"),
    user("fix the bug"),
    tool_pair("Read", chars=4000, call_id="c1"),
    assistant("found it", call("Bash", "c2")),
    result("c2", chars=800, name="Bash"),
    tool_pair("Read", chars=400, call_id="c3"),
)


def _measure(**options: int):  # type: ignore[no-untyped-def]
    return measure(CONVERSATION, Settings(window=10_000), make_counter("o200k_base"), **options)


def test_sums_are_the_whole() -> None:
    """By role, by kind and in total the same tokens are counted."""
    stats = _measure()
    assert sum(share.tokens for share in stats.by_role) == stats.tokens
    assert sum(share.tokens for share in stats.by_kind) == stats.tokens
    assert sum(share.items for share in stats.by_role) == stats.messages == len(CONVERSATION.messages)
    assert stats.turns == 1


def test_tools_and_items_are_ranked_by_size() -> None:
    """The first line says where to save."""
    stats = _measure(top=2)
    assert [(share.name, share.items) for share in stats.by_tool] == [("Read", 2), ("Bash", 1)]
    assert [item.tool for item in stats.biggest] == ["Read", "Bash"]
    assert stats.biggest[0].preview.startswith("line 0 of some tool output line 1")
    assert len(_measure(top=0).biggest) == 0


def test_utilization_is_of_the_window() -> None:
    """Above 1 there is no room left for an answer."""
    stats = _measure()
    assert stats.utilization == stats.tokens / 10_000
    assert stats.to_json()["utilization"] == round(stats.utilization, 4)
