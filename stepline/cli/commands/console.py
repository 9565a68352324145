"""`stepline console`: show pipelines and executions in a browser."""

from __future__ import annotations

import webbrowser

import click

from stepline.cli import terminal
from stepline.cli.options import choose_and_show_target, target_options, with_options
from stepline.core.errors import UsageError
from stepline.core.local_aws import DEFAULT_CONSOLE_PORT


@click.command("console")
@with_options(
    click.option(
        "--port",
        type=click.IntRange(1, 65535),
        default=DEFAULT_CONSOLE_PORT,
        show_default=True,
        help="Port of the console.",
    ),
    click.option(
        "--allow-actions",
        is_flag=True,
        help="Let the pages act: release a change, stop, retry, redrive, approve and reject. Each act asks "
        "first, and needs the permissions of your credentials.",
    ),
    click.option("--open/--no-open", "opens", default=False, help="Open the console in your browser."),
    target_options,
)
@click.pass_context
def command(ctx: click.Context, /, *, port: int, allow_actions: bool, opens: bool) -> None:
    """Show pipelines, and the executions of state machines behind their actions, in a browser.

    The console runs on this machine, on the loopback interface, until Ctrl-C. It reads AWS with your
    credentials, and changes nothing unless --allow-actions is given.
    """
    try:
        from stepline.console import server  # noqa: PLC0415 - an extra, and slow to import
    except ModuleNotFoundError as error:
        raise UsageError(f"the console needs {error.name}: pip install 'stepline[console]'") from error

    target = choose_and_show_target(ctx)

    def show(address: str) -> None:
        terminal.print_result(f"The console is at {address}")
        terminal.print_message("Stop it with Ctrl-C.", style="quiet")
        if opens:
            webbrowser.open(address)

    listener = server.listen(port)
    server.serve(target, listener, allows_actions=allow_actions, on_ready=show, until=server.interrupted)
    terminal.print_result("The console was stopped.")
