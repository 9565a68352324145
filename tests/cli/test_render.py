"""How things look on a terminal, and that nothing but a terminal gets control codes."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from stepline.aws.pipeline_status import read_statuses
from stepline.aws.pipelines import choose_pipeline, pipeline_execution
from stepline.aws.runs import PipelineRun, RunReader
from stepline.cli import run_view, status_view, terminal, watching
from stepline.cli.durations import clock_time, parse_duration
from stepline.core.errors import UsageError
from tests.cli.workflow import Workflow, task

LOOP = {
    "StartAt": "Create Stack",
    "States": {
        "Create Stack": {"Type": "Pass", "Next": "Wait"},
        "Wait": {"Type": "Wait", "Seconds": 5, "Next": "Check"},
        "Check": task("check", Next="Created?"),
        "Created?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$", "NumericGreaterThan": 2, "Next": "Collect"}],
            "Default": "Wait",
        },
        "Collect": {"Type": "Pass", "Result": {"Url": "https://x"}, "End": True},
    },
}


def new_terminal(*, width: int = 80) -> Console:
    return Console(
        file=io.StringIO(),
        force_terminal=True,
        width=width,
        theme=terminal.THEME,
        color_system=None,
        legacy_windows=False,
    )


def text_of(screen: Console) -> str:
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


@pytest.fixture
def workflow() -> Workflow:
    checks: list[int] = []

    def check(_event: object, _context: object) -> int:
        checks.append(1)
        return len(checks)

    return Workflow(LOOP, {"check": check})


@pytest.fixture
def read(workflow: Workflow) -> Callable[[str], PipelineRun]:
    def run(execution_id: str) -> PipelineRun:
        client = workflow.world.client
        found = pipeline_execution(client, "app", execution_id)
        definition = choose_pipeline(client, None)
        return RunReader(client, lambda _region: workflow.stepfunctions, definition, found).read()

    return run


def test_a_run_that_is_over(workflow: Workflow, read: Callable[[str], PipelineRun]) -> None:
    screen = new_terminal()
    run = read(workflow.world.run())
    screen.print(run_view.run(run, terminal.glyphs(screen), workflow.world.clock.now()))
    lines = [line.rstrip() for line in text_of(screen).splitlines()]
    assert lines[0].startswith("✓ app  succeeded  1")
    assert [" ".join(line.split()[:2]) for line in lines[2:]] == [
        "✓ Source",
        "✓ Source",
        "✓ Deploy",
        "✓ Deploy",
        "✓ Create",
        "✓ Wait",
        "✓ Check",
        "✓ Created?",
        "✓ Collect",
    ]
    assert "     ✓ Wait ×3" in text_of(screen)  # noqa: RUF001
    assert "15 s" in next(line for line in lines if "Wait" in line)


def test_a_run_that_is_under_way_keeps_to_the_screen(
    workflow: Workflow, read: Callable[[str], PipelineRun]
) -> None:
    execution_id = workflow.world.start()
    workflow.world.clock.advance(8)
    screen, now = new_terminal(), workflow.world.clock.now()
    screen.print(run_view.run(read(execution_id), terminal.glyphs(screen), now, busy="⠋", max_states=2))
    text = text_of(screen)
    assert "⠋ app  in progress" in text
    assert "… 2 earlier states" in text
    assert "Create Stack" not in text
    assert "Lambda  50 %" in text


def test_a_narrow_screen_cuts_details_not_names(workflow: Workflow) -> None:
    message = "the template says " + "so much that it needs more than one line " * 3
    workflow.world.lambda_.functions["trigger"] = lambda job: workflow.world.fail(job, message)
    workflow.world.run()
    screen, now = new_terminal(width=60), workflow.world.clock.now()
    (status,) = read_statuses(workflow.world.client, None)
    screen.print(status_view.pipeline(status, terminal.glyphs(screen), now))
    assert "Deploy  ✗ failed" in text_of(screen)
    assert all(len(line) <= 60 for line in text_of(screen).splitlines())


def test_the_drawing_leaves_the_last_picture(workflow: Workflow, read: Callable[[str], PipelineRun]) -> None:
    screen = new_terminal()
    with watching.LiveView(screen) as view:
        view.show(read(workflow.world.run()))
    assert "✓ Collect" in text_of(screen).rpartition("✓ app")[2]


def test_no_colour_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    screen = Console(file=io.StringIO(), force_terminal=True, theme=terminal.THEME)
    terminal.say(screen, "failed", style="bad")
    assert "\x1b[3" not in text_of(screen)


def test_signs_that_every_encoding_has() -> None:
    old = Console(file=io.TextIOWrapper(io.BytesIO(), encoding="latin-1"))
    assert "".join(vars(terminal.glyphs(old)).values()).isascii()


def test_times_are_written_in_the_users_zone(workflow: Workflow) -> None:
    assert clock_time(workflow.world.clock.now()) == "00:00:00"


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("2 h", 7200), ("1D", 86400), ("1w", 604800)]
)
def test_lengths_of_time_are_read(text: str, seconds: int) -> None:
    assert parse_duration(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "-1m", "1.5h", "ten minutes"])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(UsageError, match="such as 90s, 10m, 2h or 1d"):
        parse_duration(text)
