"""Pages as texts: what they allow, what they hold, and that text stays text."""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.data.charts import UPLOT_FILES, UPLOT_VERSION, read_uplot
from cortex_cli.pages import batch_page, compaction_page, replay_page
from cortex_cli.pages.markup import element, visible
from tests.pages.reports import HOSTILE, batch_data, compaction_report, piece, replay_report

SAMPLES = Path(__file__).parents[2] / "samples"

MAX_BYTES = 1_500_000
"""Of a page. Source: issue 8, "unless its size makes the report heavier than 1.5 MB"."""

URL = re.compile(r"""(?:src|href|action|srcset|poster)\s*=|url\(|@import|\bfetch\(|XMLHttpRequest|\bimport\(""")
"""Ways in which a page asks for something."""


class Page(HTMLParser):
    """A page as a browser's parser reads it: its elements and the text inside of them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.texts.setdefault(tag, []).append("")
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open[-1]][-1] += data

    def of(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]

    @property
    def policy(self) -> str:
        return next(one["content"] or "" for one in self.of("meta") if "http-equiv" in one)


def data_of(text: str) -> Any:
    """Return the data of a page as its script reads it."""
    page = Page(text)
    assert page.of("script")[0]["id"] == "data"
    return json.loads(gzip.decompress(base64.b64decode(page.texts["script"][0])))


def pages(text: str = "one\u2028\u2029two") -> dict[str, str]:
    """Make one page of each kind, with a text of the transcript wherever one may stand."""
    compaction = compaction_report(SAMPLES / "anthropic.json")
    compaction["layers"][0]["changes"][0].update(before=text, after="", tool=text)
    compaction["facts"] = {"found": 1, "kept": 0, "lost": [text]}
    return {
        "replay": replay_page(replay_report(text=text)),
        "compaction": compaction_page({**compaction, "warnings": [text]}),
        "batch": batch_page(batch_data(path=f"{text}/x", error=text)),
    }


@pytest.mark.parametrize("kind", ["replay", "compaction", "batch"])
def test_text_of_transcripts_stays_text(kind: str) -> None:
    """A report is made of what strangers wrote: no element, no attribute and no script may come from there."""
    plain, hostile = Page(pages()[kind]), Page(pages(HOSTILE)[kind])
    assert [tag for tag, _ in plain.tags] == [tag for tag, _ in hostile.tags]
    assert [sorted(names) for _, names in plain.tags] == [sorted(names) for _, names in hostile.tags]
    assert plain.policy == hostile.policy


@pytest.mark.parametrize("kind", ["replay", "compaction", "batch"])
def test_a_page_allows_only_what_stands_in_it(kind: str) -> None:
    """The policy names each script and style by hash, so that nothing else runs even if something got in."""
    page = Page(pages(HOSTILE)[kind])
    assert page.policy.startswith("default-src 'none'; ")
    assert "unsafe" not in page.policy
    programs = [text for text, one in zip(page.texts["script"], page.of("script"), strict=True) if "type" not in one]
    for text in (*programs, *page.texts["style"]):
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in page.policy
    assert not [one for _, one in page.tags if "style" in one or any(name.startswith("on") for name in one)]


@pytest.mark.parametrize("kind", ["replay", "compaction", "batch"])
def test_a_page_asks_for_nothing(kind: str) -> None:
    """A report is opened from a mail or a build server, without a network, and tells nobody."""
    page = Page(pages()[kind])
    own = [text for name in ("style", "script") for text in page.texts.get(name, ())]
    assert not [found for text in own for found in URL.findall(text)]
    assert not [one for _, one in page.tags if one.keys() & {"src", "href", "action", "srcset", "poster", "background"}]


def test_pages_are_light() -> None:
    """They are sent by mail; the library may not make them heavy."""
    sizes = {kind: len(text.encode()) for kind, text in pages().items()}
    assert max(sizes.values()) < MAX_BYTES / 5
    assert len(replay_page(replay_report(calls=2000)).encode()) < MAX_BYTES


def test_data_of_a_page_is_what_was_given() -> None:
    """What is escaped on the way in comes out as it was, but for what no page can hold."""
    data = data_of(replay_page(replay_report(text=HOSTILE)))["sessions"][0]
    assert [cut[:2] for cut in data["strategies"][1]["cuts"]] == [[20, visible(HOSTILE)], [30, visible(HOSTILE)]]
    assert visible(f"asked {HOSTILE}") in data["texts"]


def test_numbers_of_a_page_are_those_of_the_report() -> None:
    """They are written as steps from one call to the next, and nothing is left out."""
    report = replay_report()
    data = data_of(replay_page(report))["sessions"][0]
    for told, replayed in zip(data["strategies"], report["strategies"], strict=True):
        calls = replayed["calls"]
        roles = [{role: sums[at] for role, sums in roles_of(told).items()} for at in range(len(calls))]
        assert [{role: size for role, size in one.items() if size} for one in roles] == [
            {role: size for role, size in call["by_role"].items() if size} for call in calls
        ]
        before = [0, *(call["tokens"] for call in calls)]
        assert [sum(pair) for pair in zip(told["cached"], before, strict=False)] == [one["cached"] for one in calls]
        assert [*accumulate(told["facts_known"])] == [call["facts_known"] for call in calls]
        lost = [call["facts_known"] - call["facts_kept"] for call in calls]
        assert [*accumulate(told["facts_lost"])] == lost
        assert sum(told["spent"]) == pytest.approx(replayed["cost_usd"] * 1e6, abs=1)
    assert [*accumulate(data["messages"])] == [call["message"] for call in report["strategies"][0]["calls"]]


def roles_of(strategy: dict[str, Any]) -> dict[str, list[int]]:
    return {role: [*accumulate(steps)] for role, steps in strategy["roles"].items()}


def test_a_text_that_was_cut_stands_in_a_page_once() -> None:
    """Strategies cut the same messages; runs of whole messages that left are two numbers."""
    report = replay_report()
    other = {**report["strategies"][1], "name": "other"}
    data = data_of(replay_page({**report, "strategies": [*report["strategies"], other]}))["sessions"][0]
    assert len({*data["texts"]}) == len(data["texts"])
    assert [cut[2] for cut in data["strategies"][1]["cuts"]] == [[4, 2], [4, 2]]
    assert data["strategies"][1]["cuts"] == data["strategies"][2]["cuts"]


def test_long_sessions_make_light_pages() -> None:
    """Texts give way to numbers; those that are left out are told by their length."""
    report = replay_report(calls=5_000)
    source = Random(1)
    for at, one in enumerate(report["strategies"][1]["calls"]):
        text = source.randbytes(1_000).hex()
        one.update(cut="1 message left", pieces=[piece(at, "user", text, "")])
    whole = replay_page(report)
    assert MAX_BYTES / 2 < len(whole.encode()) < MAX_BYTES
    data = data_of(whole)["sessions"][0]
    assert 0 < len(data["texts"][0]) < 2_000
    assert {sum(data["said"][4][: at + 1]) for at in range(5_000)} == {2_000}


@given(st.text())
def test_any_text_comes_back_from_markup(text: str) -> None:
    """Whatever a transcript holds, a parser reads the same text again, once, as text and as an attribute."""
    page = Page(element("p", element("b", text, title=text), "x"))
    assert [tag for tag, _ in page.tags] == ["p", "b"]
    assert page.texts["b"][0] == visible(text)
    assert page.of("b")[0]["title"] == visible(text)


@given(st.text(alphabet=st.characters() | st.sampled_from("<>&/!-\u2028\ud800\x00sript"), max_size=60))
def test_any_text_may_stand_in_data(text: str) -> None:
    """The block of data ends where we end it."""
    data = data_of(replay_page(replay_report(calls=31, text=f"x{text}")))["sessions"][0]
    assert data["strategies"][1]["cuts"][0][1] == visible(f"x{text}")


def test_a_page_is_the_same_each_time() -> None:
    """Reports are compared and kept under version control."""
    assert pages() == pages()


def test_uplot_is_the_one_that_is_named() -> None:
    """A library that ships with us is of one version and of one licence, and both are told."""
    script, style = read_uplot()
    assert f"(v{UPLOT_VERSION})" in script
    assert "</script" not in script
    assert "</style" not in style
    folder = Path(__file__).parents[2] / "cortex_cli" / "data"
    assert "MIT" in (folder / "LICENSE-uPlot").read_text()
    assert UPLOT_VERSION in (folder / "README.md").read_text()
    assert all((folder / name).is_file() for name in UPLOT_FILES)


def test_every_change_stands_in_the_page_of_a_compaction() -> None:
    """The page is the record: who looks for a message finds it, with what went and what came."""
    report = compaction_report(SAMPLES / "anthropic.json")
    page = Page(compaction_page(report))
    changes = sum(len(layer["changes"]) for layer in report["layers"])
    assert len(page.of("details")) + sum(one.get("class") == "plain" for one in page.of("div")) >= changes
    assert page.of("del")
    assert page.of("ins")


def test_a_report_without_texts_makes_a_page_too() -> None:
    """A JSON report that was kept can be looked at later; only the texts are missing."""
    report = json.loads(json.dumps(compaction_report(SAMPLES / "openai.jsonl")))
    for layer in report["layers"]:
        for change in layer["changes"]:
            for name in ("before", "after", "typed"):
                del change[name]
    page = Page(compaction_page(report))
    assert not page.of("del")


def nothing_known(report: dict[str, Any]) -> dict[str, Any]:
    for one in report["strategies"]:
        one.update(cost_usd=None)
        for each in one["calls"]:
            each["usd"] = None
    return {**report, "calibration": None, "model": ""}


@pytest.mark.parametrize("change", [nothing_known, lambda report: {**report, "strategies": []}])
def test_a_replay_page_stands_what_is_not_known(change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Sessions without a price, a usage or a strategy are reported as well."""
    assert "unknown" in replay_page(change(replay_report())) or change(replay_report())["strategies"] == []
