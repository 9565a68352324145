"""`make bench-console`: measures the pages of large workflows and executions in Chromium."""

from __future__ import annotations

import time
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console
from rich.table import Table

from tests.aws.executions import Execution, run
from tests.chromium import find_chromium, sandbox_options
from tests.console.browser.test_graph import many_states
from tests.console.served_pages import address, console_of, served
from tests.localaws.stepfunctions.world import World

_EVENTS = 25_000
_EVENTS_PER_ROUND = 6
_ROUNDS = _EVENTS // _EVENTS_PER_ROUND - 1
_REPEATS = 3
_COLUMNS = ("page", "first view", "layout", "drawing", "scroll", "longest frame", "memory")

_SCROLL = """
async () => {
  const frames = [];
  let last = performance.now();
  const end = document.documentElement.scrollHeight;
  for (let step = 1; step <= 30; step += 1) {
    window.scrollTo(0, (end * step) / 30);
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    frames.push(now - last);
    last = now;
  }
  return [frames.reduce((sum, each) => sum + each, 0), Math.max(...frames)];
}
"""
_MEASURES = "Object.fromEntries(performance.getEntriesByType('measure').map(m => [m.name, m.duration]))"
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"


def main() -> None:
    console = Console()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=sandbox_options())
        console.print(f"Chromium {browser.version}\n")
        _show_states(console, browser)
        _show_events(console, browser)
        browser.close()


def _show_states(console: Console, browser: Browser) -> None:
    world = World()
    world.handlers["flaky"] = lambda event, _context: event
    execution = run(world, many_states())
    table = _table("A workflow of 500 states", *_COLUMNS)
    _measure(table, browser, world, execution, {"execution": ""})
    console.print(table)
    world.close()


def _show_events(console: Console, browser: Browser) -> None:
    world = World()
    execution = run(world, _polling_loop(), {"count": 0})
    begin = time.perf_counter()
    events = execution.reader.read().events
    seconds = time.perf_counter() - begin
    table = _table(
        f"An execution of {events:,} events, read in {seconds:.1f} s",
        *_COLUMNS,
    )
    pages = {
        "execution, first": "",
        "execution": "",
        "one state": "?state=Count",
        "events": "/events?from=24800",
    }
    _measure(table, browser, world, execution, pages)
    console.print(table)
    world.close()


def _measure(
    table: Table, browser: Browser, world: World, execution: Execution, pages: dict[str, str]
) -> None:
    """Add a row for each page; the first opening of an execution reads its history."""
    with served(console_of(world)) as url:
        for title, rest in pages.items():
            is_first = title.endswith("first")
            rows = [
                _open(browser, url + address(execution.arn, rest)) for _ in range(1 if is_first else _REPEATS)
            ]
            best = [min(column) for column in zip(*rows, strict=True)]
            *milliseconds, memory = best
            shown = (f"{each:,.0f} ms" if each else "" for each in milliseconds)
            table.add_row(title, *shown, f"{memory:.0f} MiB")


def _open(browser: Browser, url: str) -> tuple[float, ...]:
    """Return milliseconds to the first view, of layout, drawing, scrolling and its longest frame, and MiB."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(url)
    if page.locator("#graph-box").count():
        page.wait_for_selector("#graph-box[data-drawn]")
    measures: dict[str, float] = page.evaluate(_MEASURES)
    first: float = page.evaluate(_PAINT)
    scroll, frame = page.evaluate(_SCROLL)
    memory = _memory(page)
    page.close()
    return first, measures.get("graph-layout", 0), measures.get("graph-draw", 0), scroll, frame, memory


def _memory(page: Page) -> float:
    """Return the MiB that the page's scripts use."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    return float(metrics["JSHeapUsedSize"]) / 2**20


def _polling_loop() -> dict[str, Any]:
    """Return a loop that waits, counts and asks, six events a round."""
    rule = {"Variable": "$.count", "NumericGreaterThanEquals": _ROUNDS, "Next": "Done"}
    return {
        "Wait": {"Type": "Wait", "Seconds": 10, "Next": "Count"},
        "Count": {
            "Type": "Pass",
            "Parameters": {"count.$": "States.MathAdd($.count, 1)"},
            "Next": "Done?",
        },
        "Done?": {"Type": "Choice", "Choices": [rule], "Default": "Wait"},
        "Done": {"Type": "Succeed"},
    }


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="left" if column == "page" else "right")
    return table


if __name__ == "__main__":
    main()
