"""Addresses of pages of the console that runs beside a local AWS."""

from __future__ import annotations

from urllib.parse import quote

from stepline.aws.local_servers import console_url
from stepline.aws.target import Target


def console_address(target: Target) -> str | None:
    """Return the address of the console of this local AWS; None on AWS, or if none responds."""
    return console_url(target.local_aws) if target.local_aws else None


def execution_address(target: Target, pipeline: str, execution_id: str) -> str | None:
    """Return the address of the page of an execution of a pipeline; None as `console_address`."""
    address = console_address(target)
    path = f"pipelines/{segment(pipeline)}/executions/{segment(execution_id)}"
    return f"{address}{path}" if address else None


def segment(text: str) -> str:
    """Quote a part of a path of the console."""
    return quote(text, safe=":-_.~")
