"""Runs of the pipeline as a person sees them: followed live, failed, approved, and found again."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.console.browser.conftest import OpenPage
from tests.console.browser.console_world import PIPELINE, ConsoleWorld
from tests.console.browser.recorded_page import layout_shift, record_texts, recorded_texts
from tests.console.browser.test_every_page import violations

pytestmark = pytest.mark.xdist_group("console")

_RUN_MILLISECONDS = 60_000
"""Far more than a run takes."""

_SHOWN_SECONDS = 2.5
"""From AWS's answer to the page: one second is the aim, and this machine also runs other tests."""

_GOOD_SHIFT = 0.1
"""Cumulative layout shift of a good page: https://web.dev/articles/cls."""


def show_run(open_page: OpenPage, path: str) -> Page:
    """Open the page, and record when each status of a stage is seen."""
    page = open_page(path)
    record_texts(page, "main .stage h3")
    return page


def test_run_is_followed_from_the_push_to_its_success(open_page: OpenPage, world: ConsoleWorld) -> None:
    overview = open_page("/")
    run = world.push()
    page = show_run(open_page, run.path)
    ended = world.wait_for_end(run)
    expect(page.locator("h1 .tone-good")).to_have_text("succeeded", timeout=_RUN_MILLISECONDS)

    texts = recorded_texts(page)
    shown = {
        status: next((when for text, when in texts.items() if text.startswith(f"Deploy {status}")), None)
        for status in ("in progress", "succeeded")
    }
    assert shown["in progress"], texts
    assert shown["succeeded"], texts
    assert shown["in progress"] < shown["succeeded"]
    assert shown["succeeded"] - ended < _SHOWN_SECONDS
    assert layout_shift(page) < _GOOD_SHIFT
    expect(overview.get_by_role("link", name=run.id[:8])).to_be_visible()
    expect(overview.locator("tbody .tone-good").first).to_be_visible()
    assert layout_shift(overview) < _GOOD_SHIFT


def test_failed_run_says_which_state_failed_and_why(open_page: OpenPage, world: ConsoleWorld) -> None:
    page = open_page(world.refused.path)
    reason = page.locator("main .error").first
    expect(reason).to_contain_text("Inspect Change Set")
    expect(reason).to_contain_text("Queue")
    page.get_by_role("link", name="Open the execution at the state that failed").click()
    expect(page).to_have_url(re.compile("/executions/arn:"))
    expect(page.locator("main .error").first).to_contain_text("Inspect Change Set")
    expect(page.locator("main .error").first).to_contain_text("Queue")


def test_change_is_approved_with_a_reason(open_page: OpenPage, world: ConsoleWorld) -> None:
    assert world.succeeded
    page = open_page("/")
    run = world.push_that_waits()
    page.get_by_role("link", name=re.compile("^Approve or reject ")).click(timeout=_RUN_MILLISECONDS)
    expect(page.locator("main")).to_contain_text("QueueName")
    assert violations(page) == []
    page.get_by_label("Reason").fill("the queue is empty")
    page.get_by_role("button", name="Approve").click()
    world.wait_for_end(run)
    assert world.status(run) == "Succeeded"
    page.goto(run.path)
    expect(page.locator("main")).to_contain_text("the queue is empty")


def test_old_execution_is_found_by_its_commit(open_page: OpenPage, world: ConsoleWorld) -> None:
    run = world.succeeded
    page = open_page("/")
    page.get_by_role("searchbox", name="Search executions").fill(run.commit[:10])
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/search\\?q={run.commit[:10]}"))
    page.locator("main").get_by_role("link", name=re.compile(run.id[:8])).first.click()
    expect(page).to_have_url(f"{world.address}{run.path}")


def test_page_in_the_background_requests_nothing(open_page: OpenPage, world: ConsoleWorld) -> None:
    assert world.succeeded
    page = open_page(f"/pipelines/{PIPELINE}")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    set_hidden(page, hidden=True)
    page.wait_for_timeout(500)  # until the stream has ended
    requests.clear()
    before = calls(page)
    started = time.monotonic()
    page.wait_for_timeout(2_000)
    assert time.monotonic() - started > 1.9
    assert requests == []
    assert calls(page) == before
    with page.expect_request(lambda request: "/pipelines/stepline.changes" in request.url):
        set_hidden(page, hidden=False)


def set_hidden(page: Page, *, hidden: bool) -> None:
    """Let the page believe that its tab is in the background: Chromium without a window has no other tab."""
    page.evaluate(
        """(hidden) => {
          Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def calls(page: Page) -> str:
    return page.locator("#reading").inner_text()
