"""`stepline status`: show the pipelines and what they do."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from stepline.aws.pipeline_status import document, read_statuses
from stepline.aws.pipelines import choose_pipeline
from stepline.cli import status_view, terminal
from stepline.cli.options import announced_target, target_options


@click.command("status")
@click.argument("pipeline", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON, for other tools.")
@target_options
@click.pass_context
def command(ctx: click.Context, /, *, pipeline: str | None, as_json: bool) -> None:
    """Show the pipelines, or PIPELINE: stages, actions, and the latest executions."""
    target = announced_target(ctx)
    codepipeline = target.client("codepipeline")
    if pipeline:
        pipeline = choose_pipeline(codepipeline, pipeline).name
    statuses = read_statuses(codepipeline, pipeline)
    output = terminal.output()
    if as_json:
        terminal.say(output, json.dumps(document(target, statuses), indent=2, ensure_ascii=False))
        return
    if not statuses:
        terminal.say(
            output, "There is no pipeline yet: deploy template.yaml (`stepline up` does so locally)."
        )
    for status in statuses:
        terminal.show(output, status_view.pipeline(status, terminal.glyphs(output), datetime.now(UTC)))
