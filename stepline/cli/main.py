"""The console script `stepline`: loads the program, which takes a moment, and runs it.

Ctrl-C within that moment ends it without a word, as it does later.
"""

from __future__ import annotations

import signal


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from stepline.cli.command_group import cli  # noqa: PLC0415 - only now may it take its time

    signal.signal(signal.SIGINT, signal.default_int_handler)
    cli(prog_name="stepline")
