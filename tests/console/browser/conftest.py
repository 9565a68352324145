"""One local AWS with its console, as `stepline up` starts them, and Chromium, for all tests here."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.chromium import find_chromium, sandbox_options
from tests.console.browser.console_world import ConsoleWorld
from tests.console.browser.recorded_page import RecordedPage
from tests.end_to_end.local_aws import PROJECT, LocalAws, stepline
from tests.ports import free_port

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def chromium() -> str:
    """The program; first of all, so that nothing is started where tests are skipped."""
    return find_chromium()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Not for the session: as long as Playwright runs, no other test in this process can use asyncio."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=sandbox_options())
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def world(
    chromium: str, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ConsoleWorld]:
    assert chromium
    port, console_port = free_port(), free_port()
    stepline(environment, "up", "--detach", "--port", str(port), "--console-port", str(console_port))
    try:
        local_aws = LocalAws(port=port, environment=environment, project=PROJECT)
        application = Path(shutil.copytree(PROJECT / "app", tmp_path_factory.mktemp("console") / "app"))
        yield ConsoleWorld(local_aws, f"http://127.0.0.1:{console_port}", application)
    finally:
        stepline(environment, "down", "--port", str(port))


@pytest.fixture
def open_page(browser: Browser, world: ConsoleWorld) -> Iterator[OpenPage]:
    """Open an address in a new window; no page may cause an error in Chromium's console."""
    opened: list[RecordedPage] = []
    contexts = []

    def open_(path: str, *, width: int = 1280, has_errors: bool = False) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 800}, base_url=world.address)
        contexts.append(context)
        recorded = RecordedPage(context.new_page())
        if not has_errors:
            opened.append(recorded)
        recorded.page.goto(path)
        return recorded.page

    yield open_
    errors = [each.errors for each in opened]
    for context in contexts:
        context.close()
    assert not any(errors), errors
