"""The page that `stepline run` saves: one file that needs neither the console nor a network."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from stepline.aws.target import TargetOptions, choose_target
from stepline.console.saved_page import save_execution
from tests.console.browser.console_world import PIPELINE, ConsoleWorld, Run
from tests.console.browser.recorded_page import RecordedPage
from tests.console.browser.test_every_page import violations

pytestmark = pytest.mark.xdist_group("console")


def save(world: ConsoleWorld, run: Run, folder: Path) -> Path:
    target = choose_target(TargetOptions(world.local_aws.endpoint_url, "us-east-1"), {})
    file = folder / ".stepline/run.html"
    save_execution(target, PIPELINE, run.id, file)
    return file


@pytest.fixture
def page(browser: Browser) -> Page:
    return browser.new_page()


def test_saved_run_shows_its_stages_and_graph_without_a_console(
    page: Page, world: ConsoleWorld, tmp_path: Path
) -> None:
    file = save(world, world.succeeded, tmp_path)
    recorded, requests = RecordedPage(page), []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(file.as_uri())
    expect(page.locator("h1").first).to_contain_text("succeeded")
    expect(page.locator("#graph-box svg .is-good").first).to_be_visible()
    expect(page.get_by_role("region", name="States and time line")).to_contain_text("Create Stack")
    assert recorded.errors == []
    assert requests == [file.as_uri()]
    assert violations(page) == []
    assert [
        each for each in page.locator("a[href]").all() if (each.get_attribute("href") or "")[0] == "/"
    ] == []
    assert (file.parent / ".gitignore").read_text() == "*\n"


def test_saved_run_that_failed_says_why(page: Page, world: ConsoleWorld, tmp_path: Path) -> None:
    page.goto(save(world, world.refused, tmp_path).as_uri())
    expect(page.locator(".error").first).to_contain_text("Inspect Change Set")
    expect(page.locator("#graph-box svg .is-bad").first).to_be_visible()


def test_next_run_replaces_the_file(world: ConsoleWorld, tmp_path: Path) -> None:
    save(world, world.succeeded, tmp_path)
    file = save(world, world.refused, tmp_path)
    assert world.succeeded.id not in file.read_text()
    assert sorted(each.name for each in file.parent.iterdir()) == [".gitignore", "run.html"]
