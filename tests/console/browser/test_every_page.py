"""What holds for every page: no accessibility violation, no error, every control by keyboard, and a phone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.console.browser.conftest import OpenPage
from tests.console.browser.console_world import PIPELINE, ConsoleWorld

pytestmark = pytest.mark.xdist_group("console")

_PHONE_PIXELS = 360
_FOCUSABLE = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"


def execution_path(arn: str) -> str:
    return f"/executions/{quote(arn, safe=':-_.~')}"


def machine(world: ConsoleWorld) -> str:
    return world.succeeded.arn.split(":")[6]


PAGES: dict[str, Callable[[ConsoleWorld], str]] = {
    "overview": lambda _world: "/",
    "pipeline": lambda _world: f"/pipelines/{PIPELINE}",
    "pipeline-execution": lambda world: world.succeeded.path,
    "failed-pipeline-execution": lambda world: world.refused.path,
    "state-machines": lambda _world: "/state-machines",
    "state-machine": lambda world: f"/state-machines/{machine(world)}",
    "execution": lambda world: execution_path(world.succeeded.arn),
    "failed-execution": lambda world: execution_path(world.refused.arn),
    "state": lambda world: first_state(world),  # noqa: PLW0108 - it is defined below
    "events": lambda world: f"{execution_path(world.succeeded.arn)}/events",
    "deployment": lambda world: f"{execution_path(world.succeeded.arn)}/deployment",
    "failed-deployment": lambda world: f"{execution_path(world.refused.arn)}/deployment",
    "search": lambda world: f"/search?q={world.succeeded.commit[:8]}",
    "search-without-result": lambda _world: "/search?q=nothing-is-called-so",
    "release": lambda _world: f"/acts/release?pipeline={PIPELINE}",
}


def first_state(world: ConsoleWorld) -> str:
    history = world.local_aws.client("stepfunctions").get_execution_history(executionArn=world.refused.arn)
    entered = next(each["id"] for each in history["events"] if "stateEnteredEventDetails" in each)
    return f"{execution_path(world.refused.arn)}/states/{entered}"


@pytest.fixture(params=PAGES)
def path(request: pytest.FixtureRequest, world: ConsoleWorld) -> str:
    return PAGES[request.param](world)


def test_page_has_no_accessibility_violation_in_light_and_dark(open_page: OpenPage, path: str) -> None:
    page = open_page(path)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page, rules=["color-contrast"]) == []  # nothing else depends on the scheme


def test_page_fits_a_phone(open_page: OpenPage, path: str) -> None:
    page = open_page(path, width=_PHONE_PIXELS)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= _PHONE_PIXELS, widest(page)


def test_every_control_is_reached_by_the_keyboard_and_shows_its_focus(open_page: OpenPage, path: str) -> None:
    page = open_page(path)
    expected = set(page.evaluate(_LIST_CONTROLS, _FOCUSABLE))
    assert expected
    reached = set()
    for _ in range(len(expected) + 20):
        page.keyboard.press("Tab")
        number, looks_focused = page.evaluate(_FOCUSED)
        if number is not None:
            reached.add(number)
            assert looks_focused, page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
    assert expected - reached == set(), page.evaluate(_DESCRIBE, sorted(expected - reached))


def test_missing_page_is_accessible(open_page: OpenPage) -> None:
    page = open_page("/pipelines/nothing-is-called-so", has_errors=True)  # Chromium calls status 404 an error
    assert page.locator("h1").inner_text() == "Not found"
    assert violations(page) == []


def violations(page: Page, *, rules: Sequence[str] = ()) -> list[Any]:
    """Return what axe finds: its rules for WCAG and its best practices, or only these rules."""
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = list(rules)
    found = Axe().run(page, options=options).response["violations"]
    return [
        (each["id"], each["help"], [(node["html"][:200], node["failureSummary"]) for node in each["nodes"]])
        for each in found
    ]


def widest(page: Page) -> Any:
    """Return the elements that are wider than the window."""
    return page.evaluate(
        """() => [...document.querySelectorAll("body *")]
          .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
          .map((each) => each.outerHTML.slice(0, 120)).slice(0, 5)"""
    )


# A live page replaces nothing that is focused: the numbers stay.
_LIST_CONTROLS = """(selector) => {
  window.controls = [...document.querySelectorAll(selector)]
    .filter((each) => each.checkVisibility() && !each.disabled && each.tabIndex >= 0);
  window.look = (element) => [element, element.querySelector("rect") ?? element].map((each) => {
    const style = getComputedStyle(each);
    return [style.outlineStyle, style.outlineWidth, style.boxShadow, style.stroke, style.strokeWidth].join();
  }).join();
  window.looks = window.controls.map(window.look);
  return window.controls.map((_, index) => index);
}"""
_FOCUSED = """() => {
  const element = document.activeElement;
  const index = window.controls.indexOf(element);
  return index < 0 ? [null, true] : [index, window.look(element) !== window.looks[index]];
}"""
_DESCRIBE = "(numbers) => numbers.map((each) => window.controls[each].outerHTML.slice(0, 200))"
