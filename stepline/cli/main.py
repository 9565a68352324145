"""The console script `stepline`, which loads and runs the command line.

Loading takes a moment; Ctrl-C ends the program silently then, as it does later.
"""

from __future__ import annotations

import gc
import signal


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.disable()
    from stepline.cli.command_group import cli  # noqa: PLC0415 - loaded after SIGINT is set up

    gc.freeze()  # modules are no garbage; looking for it took a third of the time of a short command
    gc.enable()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    cli(prog_name="stepline")
