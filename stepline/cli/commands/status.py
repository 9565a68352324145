"""`stepline status`: show the pipelines and their latest executions."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from stepline.aws.local_console import console_address
from stepline.aws.pipeline_status import PipelineStatus, read_pipeline_statuses, status_document
from stepline.aws.pipelines import find_pipeline
from stepline.aws.statuses import Status
from stepline.aws.target import Target
from stepline.aws.workflow_approvals import list_readable_workflow_approvals
from stepline.cli import status_view, terminal
from stepline.cli.approval_commands import print_approval, print_workflow_approval
from stepline.cli.name_completion import complete_pipeline
from stepline.cli.options import choose_and_show_target, target_options


def _print_approvals(target: Target, status: PipelineStatus) -> None:
    """Print the commands that answer the approvals that the pipeline waits for."""
    for stage in status.stages:
        for action in stage.actions:
            if action.approval_token and action.status is Status.IN_PROGRESS:
                print_approval(terminal.output(), target, status.definition.name, stage.name, action.name)


@click.command("status")
@click.argument("pipeline", required=False, shell_complete=complete_pipeline)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for other tools.")
@target_options
@click.pass_context
def command(ctx: click.Context, /, *, pipeline: str | None, as_json: bool) -> None:
    """Show the stages, actions and latest executions of all pipelines, or of PIPELINE."""
    target = choose_and_show_target(ctx)
    codepipeline = target.client("codepipeline")
    if pipeline:
        pipeline = find_pipeline(target, pipeline).name
    statuses = read_pipeline_statuses(codepipeline, pipeline)
    approvals = [
        each
        for each in list_readable_workflow_approvals(target)
        if pipeline is None or each.pipeline in {pipeline, ""}  # unknown
    ]
    if as_json:
        document = status_document(target, statuses, approvals)
        terminal.print_result(json.dumps(document, indent=2, ensure_ascii=False))
        return
    if address := console_address(target):
        terminal.print_result(f"console  {address}")
        terminal.print_result()
    for approval in approvals:
        print_workflow_approval(terminal.output(), target, approval)
    if not statuses:
        terminal.print_result("No pipeline exists: deploy template.yaml (locally: `stepline up`).")
    for status in statuses:
        layout = status_view.pipeline_layout(status, terminal.glyphs(), datetime.now(UTC))
        terminal.print_layout(layout)
        _print_approvals(target, status)
