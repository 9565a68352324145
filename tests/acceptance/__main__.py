"""`make acceptance`: deploy all systems to an AWS, use each as its users do, and take everything away.

It uses the AWS that the environment names, as the command line does: AWS_ENDPOINT_URL, a running local AWS,
or AWS with the credentials and the region of the environment. Its exit code is 0 if each step has seen what
it expects, and nothing is left.
"""

from __future__ import annotations

import os
import re
import secrets
import sys

import click
from rich.console import Console

from stepline.aws.target import TargetOptions, choose_target
from stepline.core.errors import SteplineError
from tests.acceptance import ending_steps, pipeline_steps, plan, steps, system_steps
from tests.acceptance.cleanup import CleanUp
from tests.acceptance.deployment import Deployer
from tests.acceptance.environment import Environment

_PREFIX = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_MAX_PREFIX_CHARACTERS = 16
_FAILED = 1


@click.command(context_settings={"help_option_names": ["-h", "--help"]}, help=__doc__)
@click.option("--yes", "-y", is_flag=True, help="Do not ask before anything is created.")
@click.option("--prefix", help="Beginning of all names. Default: acceptance- and four characters.")
@click.option("--minutes", default=90, show_default=True, help="Time of the steps; the clean-up follows.")
@click.option(
    "--delete-only", is_flag=True, help="Delete what an interrupted run with this --prefix has left."
)
def main(*, yes: bool, prefix: str | None, minutes: int, delete_only: bool) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    try:
        environment = Environment(
            choose_target(TargetOptions(), os.environ),
            _checked(prefix, delete_only=delete_only),
            minutes * 60,
        )
        _introduce(environment, console, delete_only=delete_only)
        if not yes:
            click.confirm("Continue?", abort=True)
        passed = True if delete_only else _run(environment, console)
        left = _clean_up(environment, console)
    except SteplineError as error:
        raise click.ClickException(error.message) from error
    sys.exit(0 if passed and not left else _FAILED)


def _checked(prefix: str | None, *, delete_only: bool) -> str:
    if delete_only and prefix is None:
        raise click.UsageError("--delete-only needs the --prefix of the run.")
    prefix = prefix or f"acceptance-{secrets.token_hex(2)}"
    if not _PREFIX.fullmatch(prefix) or len(prefix) > _MAX_PREFIX_CHARACTERS:
        raise click.UsageError(
            f"--prefix must be at most {_MAX_PREFIX_CHARACTERS} lower-case letters, digits and single "
            "hyphens, with a letter first."
        )
    return prefix


def _introduce(environment: Environment, console: Console, *, delete_only: bool) -> None:
    identity = environment.client("sts").get_caller_identity()
    console.print(f"{environment.target}, account {identity['Account']}, as {identity['Arn']}")
    if delete_only:
        console.print(f"Everything whose name begins with {environment.prefix} will be deleted.")
        return
    console.print(
        f"These stacks will be created, used and deleted, with names that begin {environment.prefix}:\n"
    )
    console.print(plan.plan(environment))
    console.print(f"\n{plan.TOTAL}")


def _run(environment: Environment, console: Console) -> bool:
    deployer = Deployer(environment)
    results = []
    try:
        for result in steps.run_steps(
            [
                *pipeline_steps.steps(deployer),
                *system_steps.steps(deployer),
                *ending_steps.last_steps(deployer),
            ],
            environment,
        ):
            mark = "✓" if result.passed else "✗"
            console.print(
                f"{mark} {result.step.system}: {result.step.name} ({result.seconds:.0f} s)", markup=False
            )
            results.append(result)
    except KeyboardInterrupt:
        console.print("Interrupted: deleting what was created. Interrupt again to leave it.")
    console.print()
    console.print(steps.table(results))
    return bool(results) and all(result.passed for result in results)


def _clean_up(environment: Environment, console: Console) -> list[str]:
    try:
        left = CleanUp(environment, lambda line: console.print(line, style="dim")).run()
    except KeyboardInterrupt:
        arguments = f"--delete-only --prefix {environment.prefix}"
        raise click.ClickException(
            f'interrupted. Delete the rest: make acceptance ARGS="{arguments}"'
        ) from None
    for line in left:
        console.print(f"✗ left: {line}", markup=False)
    if not left:
        console.print("✓ Nothing is left.")
    return left


if __name__ == "__main__":
    main()
