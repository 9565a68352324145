"""`stepline status`: show the pipelines and what they do."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from stepline.cli import console, render_status
from stepline.cli.options import announced_target, target_options
from stepline.cli.pipelines import choose_pipeline
from stepline.cli.status_document import document, read_statuses


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
    output = console.output()
    if as_json:
        console.say(output, json.dumps(document(target, statuses), indent=2, ensure_ascii=False))
        return
    if not statuses:
        console.say(output, "There is no pipeline yet: deploy template.yaml (`stepline up` does so locally).")
    for status in statuses:
        console.show(output, render_status.pipeline(status, console.glyphs(output), datetime.now(UTC)))
