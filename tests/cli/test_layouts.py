"""Layouts on a terminal; only terminals get control codes."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from rich.console import Console

from stepline.aws.pipeline_executions import ExecutionReader, PipelineExecution
from stepline.aws.pipeline_status import read_pipeline_statuses
from stepline.aws.pipelines import read_definition, read_execution
from stepline.cli import execution_view, status_view, terminal, watching
from stepline.cli.times import clock_time, parse_duration
from stepline.core.errors import UsageError
from tests.cli.local_pipeline import LocalPipeline, task

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
def local_pipeline() -> LocalPipeline:
    checks: list[int] = []

    def check(_event: object, _context: object) -> int:
        checks.append(1)
        return len(checks)

    return LocalPipeline(LOOP, {"check": check})


@pytest.fixture
def read(local_pipeline: LocalPipeline) -> Callable[[str], PipelineExecution]:
    def run(execution_id: str) -> PipelineExecution:
        client = local_pipeline.world.client
        found = read_execution(client, "app", execution_id)
        definition = read_definition(client, "app")
        return ExecutionReader(client, lambda _region: local_pipeline.stepfunctions, definition, found).read()

    return run


def test_layout_of_an_execution_that_has_ended(
    local_pipeline: LocalPipeline, read: Callable[[str], PipelineExecution]
) -> None:
    screen = new_terminal()
    execution = read(local_pipeline.world.run())
    screen.print(
        execution_view.execution_layout(execution, terminal.glyphs(screen), local_pipeline.world.clock.now())
    )
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


def test_layout_of_a_running_execution_fits_the_screen(
    local_pipeline: LocalPipeline, read: Callable[[str], PipelineExecution]
) -> None:
    execution_id = local_pipeline.world.start()
    local_pipeline.world.clock.advance(8)
    screen, now = new_terminal(), local_pipeline.world.clock.now()
    layout = execution_view.execution_layout(
        read(execution_id), terminal.glyphs(screen), now, busy="⠋", max_states=2
    )
    screen.print(layout)
    text = text_of(screen)
    assert "⠋ app  in progress" in text
    assert "… 2 earlier states" in text
    assert "Create Stack" not in text
    assert "Lambda  50 %" in text


def test_narrow_screen_shortens_details_but_not_names(local_pipeline: LocalPipeline) -> None:
    message = "the template says " + "so much that it needs more than one line " * 3
    local_pipeline.world.lambda_.functions["trigger"] = lambda job: local_pipeline.world.fail(job, message)
    local_pipeline.world.run()
    screen, now = new_terminal(width=60), local_pipeline.world.clock.now()
    (status,) = read_pipeline_statuses(local_pipeline.world.client, None)
    screen.print(status_view.pipeline_layout(status, terminal.glyphs(screen), now))
    assert "Deploy  ✗ failed" in text_of(screen)
    assert all(len(line) <= 60 for line in text_of(screen).splitlines())


def test_last_drawing_stays_on_the_terminal(
    local_pipeline: LocalPipeline, read: Callable[[str], PipelineExecution]
) -> None:
    screen = new_terminal()
    with watching.LiveView(screen) as view:
        view.show(read(local_pipeline.world.run()))
    assert "✓ Collect" in text_of(screen).rpartition("✓ app")[2]


def test_live_drawing_leaves_room_for_ctrl_c(
    local_pipeline: LocalPipeline, read: Callable[[str], PipelineExecution]
) -> None:
    """The terminal shows ^C behind the last line; a line break there would leave the headline twice."""
    screen = new_terminal(width=60)
    with watching.LiveView(screen) as view:
        view.show(read(local_pipeline.world.run()))
    live = re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]", "", text_of(screen).rpartition("✓ app")[0])
    assert "Collect" in live
    assert max(len(line) for line in re.split("[\r\n]+", live)) == 57


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    screen = Console(file=io.StringIO(), force_terminal=True, theme=terminal.THEME)
    terminal.print_line(screen, "failed", style="bad")
    assert "\x1b[3" not in text_of(screen)


def test_glyphs_are_ascii_without_unicode() -> None:
    old = Console(file=io.TextIOWrapper(io.BytesIO(), encoding="latin-1"))
    assert "".join(vars(terminal.glyphs(old)).values()).isascii()


def test_times_are_in_the_users_time_zone(local_pipeline: LocalPipeline) -> None:
    assert clock_time(local_pipeline.world.clock.now()) == "00:00:00"


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("2 h", 7200), ("1D", 86400), ("1w", 604800)]
)
def test_duration_is_parsed(text: str, seconds: int) -> None:
    assert parse_duration(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "-1m", "1.5h", "ten minutes"])
def test_malformed_duration_is_rejected(text: str) -> None:
    with pytest.raises(UsageError, match="such as 90s, 10m, 2h or 1d"):
        parse_duration(text)
