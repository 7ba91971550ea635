"""Pages in a real browser: Chromium of the system, driven by Playwright. Skipped where one of them is absent.

`apt-get install chromium` and `pip install playwright`; no browser is downloaded.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cortex_cli.pages import batch_page, compaction_page, replay_page
from tests.pages.reports import HOSTILE, batch_data, compaction_report, piece, replay_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BROWSER = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), "")
SAMPLES = Path(__file__).parents[2] / "samples"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not BROWSER, reason="no Chromium on this machine")]

Open = Callable[..., "Page"]
"""Opens the text of a page; options are those of a browser's context."""


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def opened(browser: "Browser", tmp_path: Path) -> Iterator[Open]:
    """Open pages, and hold at the end that none complained and none asked for anything."""
    file = tmp_path / "report.html"
    said: list[str] = []
    asked: list[str] = []

    def open_page(text: str, **options: Any) -> "Page":
        file.write_text(text, encoding="utf-8")
        page = browser.new_context(**{"viewport": {"width": 1100, "height": 900}, **options}).new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        if 'id="data"' in text:
            page.wait_for_selector("html.drawn")
        return page

    yield open_page
    assert said == []
    assert set(asked) == {file.as_uri()}


def inked(page: "Page", name: str) -> int:
    """Count the colours that a chart is drawn in."""
    return int(
        page.evaluate(
            """name => {
                const canvas = document.querySelector(`#${name} canvas`);
                const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
                const found = new Set();
                for (let at = 0; at < pixels.length; at += 4) if (pixels[at + 3] === 255)
                    found.add((pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2]);
                return found.size;
            }""",
            name,
        )
    )


def test_a_replay_draws_its_charts(opened: Open) -> None:
    """A policy that forbids too much leaves a page that looks whole and draws nothing."""
    page = opened(replay_page(replay_report()))
    assert all(inked(page, f"s0-{name}") > 2 for name in ("context", "roles", "cost", "facts", "cache"))
    assert "the most, 4,900, under none" in (page.get_attribute("#s0-context", "aria-label") or "")
    assert page.locator("#s0-cuts tbody tr").count() == 2


def test_strategies_are_filtered_and_looked_into(opened: Open) -> None:
    """A sweep has dozens of strategies: what is not wanted leaves the table and the charts."""
    page = opened(replay_page(replay_report()))
    assert "none" in page.inner_text("#s0-cost-readout")
    page.fill("#s0-tools input[type=search]", "class")
    assert page.locator("#s0-strategies tbody tr:visible").count() == 1
    assert "none" not in page.inner_text("#s0-cost-readout")
    page.fill("#s0-tools input[type=search]", "")
    page.uncheck("input[aria-label='Draw none']")
    assert "none" not in page.inner_text("#s0-context-readout")
    page.select_option("#s0-chosen", "none")
    assert page.locator(".mark").count() == 0
    assert "cut nothing" in page.inner_text("#s0-cuts")


def test_a_mark_tells_what_was_cut(opened: Open) -> None:
    """Text of the transcript is shown as it is: it makes no element and runs nothing."""
    page = opened(replay_page(replay_report(text=HOSTILE)))
    page.locator(".mark").first.click()
    assert "<script>alert(1)</script><img" in (page.text_content("#s0-context-said") or "")
    names = ["summary", "message 3, tool Read", "message 4, user", "message 5, assistant"]
    assert page.locator("#s0-context-said .pieces summary bdi").all_text_contents() == names
    assert page.locator("#s0-context-said pre").count() == 0, "texts are put in once they are asked for"
    page.click("#s0-context-said .pieces li:nth-child(2) summary")
    page.wait_for_selector("#s0-context-said pre")
    before, after = page.locator("#s0-context-said pre").all_text_contents()
    assert (before[:14], after[:14]) == ("whole </script", "short </script")
    assert page.locator("#s0-context-said script, #s0-context-said img").count() == 0
    page.locator(".mark").first.click()
    assert page.locator("#s0-context-said").is_hidden()


def test_a_row_tells_what_was_cut(opened: Open) -> None:
    """Who reads the table, not the chart, gets the same texts; of a thousand messages a hundred at a time."""
    report = replay_report()
    cut = report["strategies"][1]["calls"][20]
    cut["pieces"] = [piece(at, "user", f"text {at}", "") for at in range(250)]
    page = opened(replay_page(report))
    page.focus("#s0-cuts tbody summary >> nth=0")
    page.keyboard.press("Enter")
    page.wait_for_selector("#s0-cuts .pieces li")
    assert page.locator("#s0-cuts .pieces li").count() == 100
    page.click("#s0-cuts .more")
    assert page.locator("#s0-cuts .pieces li").count() == 200
    assert page.evaluate("document.activeElement.textContent").startswith("message 100, user")
    page.click("#s0-cuts .more")
    assert page.locator("#s0-cuts .pieces li").count() == 250
    assert page.locator("#s0-cuts .more").is_hidden()


def test_cost_is_drawn_against_facts(opened: Open) -> None:
    """The Pareto front is a line, a table beside it, and what a screen reader says."""
    page = opened(replay_page(replay_report()))
    assert inked(page, "s0-front") > 2
    assert "Pareto front: classic: $0.078, 90.0 % of the facts." in (
        page.get_attribute("#s0-front", "aria-label") or ""
    )
    assert page.locator("#s0-front-of-all-title ~ .pair tbody tr").count() == 1
    page.focus("#s0-front")
    page.keyboard.press("End")
    assert "none: $0.12" in (page.text_content("#s0-front-live") or "")
    page.keyboard.press("Enter")
    assert page.input_value("#s0-chosen") == "none"
    page.click("#s0-front-numbers summary")
    page.wait_for_selector("#s0-front-numbers tbody tr")
    assert page.locator("#s0-front-numbers tbody tr").count() == 2


def test_everything_works_from_the_keyboard(opened: Open) -> None:
    """Who uses no mouse gets the same: marks, values at a call, the numbers, another strategy."""
    page = opened(replay_page(replay_report()))
    page.focus(".mark")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert "before call 31" in page.inner_text("#s0-context-said")
    page.keyboard.press("Escape")
    assert page.locator("#s0-context-said").is_hidden()
    page.focus("#s0-context")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert "call 2" in (page.text_content("#s0-context-live") or "")
    page.focus("#s0-context-numbers summary")
    page.keyboard.press("Enter")
    page.wait_for_selector("#s0-context-numbers tbody tr")  # a browser tells of what was opened a moment later
    assert page.locator("#s0-context-numbers tbody tr").count() == 40
    assert "1,100" in page.locator("#s0-context-numbers tbody tr").nth(1).inner_text()
    page.focus("#s0-strategies .pick >> nth=0")
    page.keyboard.press("Space")
    assert page.input_value("#s0-chosen") == "none"


def test_tables_are_sorted(opened: Open) -> None:
    """The largest first, then the smallest; assistive technology is told."""
    page = opened(replay_page(replay_report()))
    title = page.locator("#s0-strategies thead button", has_text="Peak tokens")
    title.click()
    assert page.locator("#s0-strategies tbody tr").first.get_attribute("data-name") == "none"
    title.click()
    assert page.locator("#s0-strategies tbody tr").first.get_attribute("data-name") == "classic"
    assert page.locator("#s0-strategies th[aria-sort=ascending]").count() == 1


def test_colours_follow_the_system_and_the_paper(opened: Open) -> None:
    """A dark page on paper wastes ink; a light one at night blinds."""

    def paper(page: "Page") -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    page = opened(replay_page(replay_report()), color_scheme="dark")
    dark = paper(page)
    page.emulate_media(color_scheme="light")
    assert paper(page) != dark
    page.emulate_media(color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.querySelector('#s0-context canvas').clientWidth") == 660
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.querySelector('#s0-context canvas').clientWidth") > 900
    assert page.pdf(format="A4").startswith(b"%PDF")


@pytest.mark.parametrize("width", [360, 1400])
def test_nothing_is_wider_than_the_window(opened: Open, width: int) -> None:
    """A page that scrolls to the side is not read on a phone."""
    for text in (
        replay_page(replay_report()),
        compaction_page(compaction_report(SAMPLES / "pi.jsonl")),
        batch_page(batch_data(path=f"{'long' * 80}/x")),
    ):
        page = opened(text, viewport={"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_sessions_are_drawn_when_they_are_opened(opened: Open) -> None:
    """Twenty sessions have a hundred charts; nobody waits for those that are closed."""
    page = opened(replay_page({"sessions": [replay_report(), replay_report()]}))
    assert page.locator("#s0 canvas").count() == 6
    assert page.locator("#s1 canvas").count() == 0
    page.click("#s1 > summary")
    page.wait_for_selector("#s1 canvas")
    assert inked(page, "s1-roles") > 2


def test_changes_are_opened_and_filtered(opened: Open) -> None:
    """Of hundreds of changes one is looked for, by its tool or its number."""
    report = compaction_report(SAMPLES / "anthropic.json")
    report["layers"][0]["changes"][0].update(before=HOSTILE, after="")
    page = opened(compaction_page(report))
    everything = page.locator("#changes > li").count()
    page.fill("input[type=search]", "webfetch")
    assert 0 < page.locator("#changes > li:visible").count() < everything
    page.fill("input[type=search]", "")
    page.click("text=Open all")
    assert page.locator("#changes details:not([open])").count() == 0
    assert "<script>alert(1)" in (page.text_content("#changes") or "")


def test_a_batch_is_read_without_scripts(opened: Open) -> None:
    """Where scripts are off, in a mail or on a build server, the tables are there all the same."""
    page = opened(batch_page(batch_data()), java_script_enabled=False)
    assert page.locator("table:visible").count() == 6
    assert "broken" in page.inner_text("#failures")
