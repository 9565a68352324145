"""The picture of a workflow, in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.aws.executions import Execution, catch, fail_until, run, start, task
from tests.console.browser.recorded_page import RecordedPage
from tests.console.served_pages import address, console_of, served
from tests.localaws.stepfunctions.world import World

MANY = 500
MAX_MILLISECONDS = 2_000
"""Layout and drawing of 500 states take a tenth of it: this leaves room for a busy machine."""

_CHECK_ITEM = {
    "StartAt": "Check Item",
    "States": {
        "Check Item": {
            "Type": "Choice",
            "Choices": [{"Variable": "$", "NumericLessThan": 0, "Next": "Bad Item"}],
            "Default": "Good Item",
        },
        "Bad Item": {"Type": "Fail", "Error": "NegativeError"},
        "Good Item": {"Type": "Pass", "End": True},
    },
}
_BRANCHES = [
    {"StartAt": "Slow", "States": {"Slow": {"Type": "Wait", "Seconds": 30, "End": True}}},
    {
        "StartAt": "First",
        "States": {"First": {"Type": "Pass", "Next": "Second"}, "Second": {"Type": "Pass", "End": True}},
    },
]
STATES: dict[str, Any] = {
    "Which?": {
        "Type": "Choice",
        "Choices": [{"Variable": "$.n", "NumericEquals": 1, "Next": "Try"}],
        "Default": "Each",
    },
    "Try": task(
        "flaky",
        Retry=[{"ErrorEquals": ["BoomError"], "IntervalSeconds": 10}],
        Catch=catch("Clean Up"),
        ResultPath="$.tried",
        Next="Each",
    ),
    "Each": {
        "Type": "Map",
        "ItemsPath": "$.items",
        "ItemProcessor": _CHECK_ITEM,
        "MaxConcurrency": 1,
        "Catch": catch("Both"),
        "Next": "Both",
    },
    "Both": {"Type": "Parallel", "Branches": _BRANCHES, "Catch": catch("Clean Up"), "Next": "<b>End</b>"},
    "Clean Up": {"Type": "Pass", "Next": "<b>End</b>"},
    "<b>End</b>": {"Type": "Succeed"},
}

pytestmark = pytest.mark.xdist_group("graph")


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    world.handlers["flaky"] = fail_until(3)
    yield world
    world.close()


@pytest.fixture
def show(browser: Browser, world: World) -> Iterator[Any]:
    """Return a function that opens the page of an execution; no page may cause an error."""
    opened: list[RecordedPage] = []
    with served(console_of(world)) as url:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=url)

        def open_(execution: Execution, rest: str = "") -> Page:
            recorded = RecordedPage(context.new_page())
            opened.append(recorded)
            recorded.page.goto(address(execution.arn, rest))
            recorded.page.wait_for_selector("#graph-box[data-drawn]")
            return recorded.page

        yield open_
        context.close()
    for each in opened:
        assert each.errors == []


def run_all(world: World) -> Execution:
    return run(world, STATES, {"n": 1, "items": [1, 2, 3, -4]})


def link(page: Page, name: str) -> Any:
    return page.locator(f'#graph-box a[aria-label^="{name}, "]')


def label(page: Page, name: str) -> str:
    return str(link(page, name).get_attribute("aria-label"))


def test_states_have_their_status_and_counts(world: World, show: Any) -> None:
    page = show(run_all(world))
    assert label(page, "Try") == "Try, Task, succeeded, retried 2×"  # noqa: RUF001
    assert label(page, "Each") == "Each, Map, failed and caught, 3 of 4, 1 failed"
    assert label(page, "Check Item") == "Check Item, Choice, succeeded, visited 4×"  # noqa: RUF001
    assert label(page, "Bad Item") == "Bad Item, Fail, failed"
    assert label(page, "Clean Up") == "Clean Up, Pass, not entered"
    assert label(page, "<b>End</b>") == "<b>End</b>, Succeed, succeeded"
    assert page.locator("#graph-box b").count() == 0
    expect(page.locator("#graph-box")).to_contain_text("retried 2×")  # noqa: RUF001


def test_transitions_have_their_kinds_labels_and_the_way_taken(world: World, show: Any) -> None:
    page = show(run_all(world))
    edges = page.locator("#graph-box .edge")
    kinds = edges.evaluate_all("all => all.map(each => each.classList[1])")
    # Beside those of the definition, one from the start and one to the end.
    assert sorted(kinds) == sorted(["choice"] * 2 + ["default"] * 2 + ["catch"] * 3 + ["next"] * 7)
    catches = page.locator("#graph-box .edge.catch")
    dashes = catches.locator("path").first.evaluate("each => getComputedStyle(each).strokeDasharray")
    assert dashes != "none"
    expect(page.locator("#graph-box .edge.choice").first).to_contain_text("$.n = 1")
    # Of Next and Catch to the same state, only the Catch was taken.
    assert catches.locator("xpath=self::*[contains(@class, 'taken')]").count() == 1
    taken = page.locator("#graph-box .edge.taken")
    assert taken.count() == 9


def test_states_are_within_their_containers_and_do_not_overlap(world: World, show: Any) -> None:
    page = show(run_all(world))
    boxes = {
        name: link(page, name).locator("> rect").first.bounding_box()
        for name in ("Each", "Check Item", "Bad Item", "Good Item", "Both", "Slow", "First", "Second", "Try")
    }

    def contains(outer: str, inner: str) -> bool:
        one, other = boxes[outer], boxes[inner]
        return bool(
            one["x"] <= other["x"]
            and one["y"] <= other["y"]
            and other["x"] + other["width"] <= one["x"] + one["width"]
            and other["y"] + other["height"] <= one["y"] + one["height"]
        )

    assert all(contains("Each", name) for name in ("Check Item", "Bad Item", "Good Item"))
    assert all(contains("Both", name) for name in ("Slow", "First", "Second"))
    assert not contains("Each", "Try")
    assert boxes["Check Item"]["y"] + boxes["Check Item"]["height"] <= boxes["Bad Item"]["y"]
    assert boxes["Bad Item"]["x"] + boxes["Bad Item"]["width"] <= boxes["Good Item"]["x"] or (
        boxes["Good Item"]["x"] + boxes["Good Item"]["width"] <= boxes["Bad Item"]["x"]
    )


def test_click_selects_a_state(world: World, show: Any) -> None:
    page = show(run_all(world))
    link(page, "Try").click()
    expect(page.locator("#state-title")).to_have_text("Try")
    expect(link(page, "Try")).to_have_attribute("aria-current", "true")


def test_state_is_reached_and_opened_with_the_keyboard(world: World, show: Any) -> None:
    page = show(run_all(world))
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('aria-label') ?? ''").startswith("Which?"):
            break
    page.keyboard.press("Enter")
    expect(page.locator("#state-title")).to_have_text("Which?")


def test_picture_zooms_moves_and_fits_again(world: World, show: Any) -> None:
    page = show(run_all(world))
    root = page.locator("#graph-box svg > g")
    fitted = root.get_attribute("transform")
    page.get_by_role("button", name="Zoom in").click()
    zoomed = root.get_attribute("transform")
    page.keyboard.press("ArrowRight")
    moved = root.get_attribute("transform")
    assert len({fitted, zoomed, moved}) == 3
    page.mouse.move(60, 500)
    page.mouse.down()
    page.mouse.move(120, 560, steps=4)
    page.mouse.up()
    assert root.get_attribute("transform") != moved
    page.reload()
    page.wait_for_selector("#graph-box[data-drawn]")
    assert root.get_attribute("transform") not in {fitted, zoomed, moved}
    page.get_by_role("button", name="Show the whole graph").click()
    assert root.get_attribute("transform") == fitted


def test_states_change_while_the_execution_runs_without_a_new_layout(world: World, show: Any) -> None:
    states: dict[str, Any] = {
        "One": {"Type": "Wait", "Seconds": 30, "Next": "Two"},
        "Two": {"Type": "Wait", "Seconds": 30, "End": True},
    }
    execution = start(world, states)
    world.virtual_clock.advance(1)
    page = show(execution)
    assert label(page, "One") == "One, Wait, running"
    page.evaluate("document.querySelector('#graph-box svg').setAttribute('data-same', '')")
    world.virtual_clock.advance(30)
    page.wait_for_selector('#graph-box a[aria-label="Two, Wait, running"]')
    assert label(page, "One") == "One, Wait, succeeded"
    world.virtual_clock.run()
    page.wait_for_selector('#graph-box a[aria-label="Two, Wait, succeeded"]')
    assert page.locator("#graph-box svg[data-same]").count() == 1


def test_500_states_are_drawn_quickly(world: World, show: Any) -> None:
    page = show(run(world, many_states()))
    assert page.locator("#graph-box a").count() == MANY
    milliseconds = page.evaluate(
        "performance.getEntriesByType('measure').reduce((sum, each) => sum + each.duration, 0)"
    )
    assert milliseconds < MAX_MILLISECONDS
    text = page.locator("#graph-box .selected, #graph-box .state").first.locator(".name")
    assert text.first.bounding_box()["height"] > 6  # it can be read at first


def many_states() -> dict[str, Any]:
    """Return a chain of 500 states: each tenth is a Choice that may skip three, others have a Catch."""
    names = [f"State {number}" for number in range(MANY)]
    states: dict[str, Any] = {}
    for index, name in enumerate(names[:-1]):
        following = names[index + 1]
        if index % 10 == 5:
            skipped = names[min(index + 4, MANY - 1)]
            rule = {"Variable": "$.skip", "IsPresent": True, "Next": skipped}
            states[name] = {"Type": "Choice", "Choices": [rule], "Default": following}
        elif index % 10 == 7:
            states[name] = task("flaky", Catch=catch(names[-1]), Next=following)
        else:
            states[name] = {"Type": "Pass", "Next": following}
    states[names[-1]] = {"Type": "Succeed"}
    return states
