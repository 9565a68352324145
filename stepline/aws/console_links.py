"""Builds links to AWS's console."""

from __future__ import annotations

from urllib.parse import quote

from stepline.core.executions.arns import console_address


def pipeline_link(pipeline_arn: str | None, execution_id: str | None = None) -> str | None:
    """Return the address of the pipeline, or of one of its executions; None if it is unknown."""
    parts = (pipeline_arn or "").split(":", 5)
    if len(parts) != 6:
        return None
    _, partition, _, region, _, name = parts
    console = console_address(partition, region)
    if console is None:
        return None
    page = f"executions/{quote(execution_id, safe='')}/timeline" if execution_id else "view"
    return f"{console}/codesuite/codepipeline/pipelines/{quote(name, safe='')}/{page}?region={region}"
