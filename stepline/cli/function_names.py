"""Lists the names of functions that commands accept."""

from __future__ import annotations

from stepline.aws.functions import list_functions
from stepline.aws.target import Target
from stepline.cli import terminal


def print_functions(target: Target, stack_name: str) -> None:
    """Print a name of each function: the short one for those of the stack, `stack/short-name` for others."""
    functions = list_functions(target, stack_name, all_stacks=target.is_local)
    terminal.print_message("Functions:", style="quiet")
    for name in sorted(function.listed_name(stack_name) for function in functions):
        terminal.print_result(name)
