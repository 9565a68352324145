"""The templates of the project, resolved with certain parameters."""

from __future__ import annotations

from pathlib import Path

from tests.resolved_template import ResolvedTemplate

PROJECT = Path(__file__).parents[2]
ACCOUNT = "111122223333"


def resolved(path: str, **parameters: str) -> ResolvedTemplate:
    """Return the template of the project at `path`, resolved with these parameters."""
    return ResolvedTemplate(
        PROJECT / path, parameters, region="eu-west-1", account=ACCOUNT, stack_name="stack"
    )
