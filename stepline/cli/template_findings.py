"""Shows what cfn-lint finds in templates, for the commands that push or deploy them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stepline.cli import terminal
from stepline.core.errors import UsageError
from stepline.deployment import template_check


def check_and_show(templates: Sequence[Path], *, region: str | None) -> None:
    """Show the findings with file and line on stderr. Raises UsageError if one is an error."""
    if not templates:
        return
    if not template_check.is_available():
        terminal.print_message(
            "stepline: the templates are not checked: that needs `pip install 'stepline[local]'`",
            style="quiet",
        )
        return
    findings = template_check.check_templates(templates, region=region)
    for finding in findings:
        terminal.print_message(str(finding), style="bad" if finding.is_error else "warn")
    errors = sum(finding.is_error for finding in findings)
    if errors:
        count = "1 error" if errors == 1 else f"{errors} errors"
        raise UsageError(f"cfn-lint found {count} in the templates: correct them, or go on with --no-check")
