"""`stepline init`: write the files with which a pipeline deploys one's own project."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from stepline.applications.detection import Application, Kind, find_application
from stepline.applications.pipeline_files import (
    File,
    files_of,
    missing_parameters,
    missing_pythons,
    needed_capabilities,
)
from stepline.applications.template_needs import Parameter, functions_with_images
from stepline.cli import terminal
from stepline.cli.options import with_options
from stepline.cli.terminal import command_name
from stepline.deployment.input_check import CONFIGURATION_FILE, INPUT_FILE


@click.command("init")
@click.argument("folder", default=Path(), metavar="[FOLDER]", type=click.Path(path_type=Path))
@with_options(
    click.option("--sam", is_flag=True, help="The folder is a SAM application."),
    click.option("--cdk", is_flag=True, help="The folder is an application of the AWS CDK."),
    click.option(
        "--template", metavar="FILE", help="The template that is deployed, of CloudFormation or SAM."
    ),
    click.option(
        "--build",
        type=click.Choice(["Commands", "CodeBuild"]),
        default="Commands",
        show_default=True,
        help="What runs build.sh in the pipeline, for an application that must be built.",
    ),
)
def command(folder: Path, *, sam: bool, cdk: bool, template: str | None, build: str) -> None:
    """Write the files with which a pipeline deploys the project in FOLDER, by default this folder.

    Without an option, a folder with cdk.json is a CDK application, and one with a template of SAM a SAM
    application; any other folder must have one template. Files that exist are not changed.

    Then `stepline up` and `stepline push` work in FOLDER.
    """
    application = find_application(folder, sam=sam, cdk=cdk, template=template)
    terminal.print_result(f"{folder.resolve().name} is {application.kind}.")
    files = files_of(application, build=build)
    kept = [file for file in files if (folder / file.name).exists()]
    for file in files:
        _write(folder, file)
    _show_kept(folder, kept)
    _show_needs(application)
    _show_next_commands(folder)


def _write(folder: Path, file: File) -> None:
    path = folder / file.name
    if not path.exists():
        path.write_text(file.content)
        terminal.print_success(f"{path}: {file.purpose}")


def _show_kept(folder: Path, files: Sequence[File]) -> None:
    for file in files:
        path = folder / file.name
        if path.read_bytes() == file.content.encode():
            terminal.print_result(f"{terminal.glyphs().waiting} {path} exists already")
        elif file.advice:
            _warn(f"{path} exists already and is kept: {file.advice}")


def _show_needs(application: Application) -> None:
    if names := needed_capabilities(application):
        reason = (
            "which `cdk deploy` gives, too" if application.kind is Kind.CDK else "because of its resources"
        )
        terminal.print_result(f"{INPUT_FILE} acknowledges {', '.join(names)}, {reason}.")
    if missing := missing_parameters(application):
        _show_missing(application.folder / CONFIGURATION_FILE, missing)
    if images := functions_with_images(application.document):
        _warn(
            f"The pipeline builds no container images: push those of {', '.join(images)} to ECR, and set"
            " ImageUri to their addresses"
        )
    for version in missing_pythons(application):
        _warn(
            f"`sam build` needs python{version}, the runtime of a function, which this machine lacks:"
            " install it before you push to the local AWS"
        )


def _warn(text: str) -> None:
    terminal.print_result(f"{terminal.glyphs().warn} {text}", style="warn")


def _show_missing(file: Path, parameters: Sequence[Parameter]) -> None:
    terminal.print_result(f"{file} lacks values: before you push, replace null by your own for")
    for parameter in parameters:
        terminal.print_result(f"  {parameter}")
    if secrets := [parameter.name for parameter in parameters if parameter.is_secret]:
        terminal.print_result(
            f"  Do not commit a secret as the value of {', '.join(secrets)}: use a dynamic reference such as"
            " {{resolve:secretsmanager:NAME}}",
            style="warn",
        )


def _show_next_commands(folder: Path) -> None:
    name = command_name()
    terminal.print_result()
    terminal.print_result("Next:", style="quiet")
    change_folder = [] if folder.resolve() == Path.cwd() else [f"cd {folder}"]
    for line in (*change_folder, f"{name} up --detach", f"{name} push --watch"):
        terminal.print_result(f"  {line}")
