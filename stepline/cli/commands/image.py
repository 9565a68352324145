"""`stepline image`: push container images to ECR, and delete them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from stepline.aws.stacks import describe_stack, stack_outputs
from stepline.aws.target import Target
from stepline.cli import terminal
from stepline.cli.options import choose_and_show_target, target_options, with_options
from stepline.core.errors import UsageError
from stepline.deployment import project
from stepline.deployment.systems import IMAGE_REPOSITORY_OUTPUT
from stepline.images.delete import (
    StoredImage,
    add_referenced_images,
    delete_images,
    find_images,
    list_images,
)
from stepline.images.push import push_folder
from stepline.oci.names import parse_repository_uri

_DEFAULT_STACK = "stepline-batch"

_repository_options: Callable[[Any], Any] = with_options(
    click.option(
        "--repository",
        metavar="URI",
        help="URI of the repository, such as 123456789012.dkr.ecr.eu-west-1.amazonaws.com/jobs.",
    ),
    click.option(
        "--stack",
        "stack_name",
        default=_DEFAULT_STACK,
        show_default=True,
        help=f"Stack whose output {IMAGE_REPOSITORY_OUTPUT} is the URI of the repository.",
    ),
)


@click.group("image")
def command() -> None:
    """Push container images to ECR, and delete them."""


@command.command("push")
@click.argument(
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=functools.partial(project.find, project.BATCH_IMAGE),
)
@click.option("--tag", help="Tag of the image, besides `latest`. Default: a digest of the folder's content.")
@_repository_options
@target_options
@click.pass_context
def push(
    ctx: click.Context, /, *, folder: Path, tag: str | None, repository: str | None, stack_name: str
) -> None:
    """Build the Dockerfile of FOLDER and push the image.

    The default FOLDER is statemachines/batch/image. Pushing to AWS requires docker, podman or finch; pushing
    to a local AWS does not. Prints the image with its digest.
    """
    target = choose_and_show_target(ctx)
    pushed = push_folder(
        folder,
        repository_uri=repository or _repository_uri_of_stack(target, stack_name),
        session=target.session,
        local_endpoint=target.endpoint_url if target.is_local else None,
        tag=tag,
    )
    result = "pushed" if pushed.is_new else "exists already and is now the latest"
    terminal.print_message(f"{', '.join(pushed.tags)} of {pushed.name.uri}: {result}", style="good")
    terminal.print_result(str(pushed.name.at(pushed.digest)))


@command.command("delete")
@click.argument("references", metavar="[TAG|DIGEST]...", nargs=-1)
@click.option("--all", "delete_all", is_flag=True, help="Delete all images of the repository.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")
@_repository_options
@target_options
@click.pass_context
def delete(
    ctx: click.Context,
    /,
    *,
    references: tuple[str, ...],
    delete_all: bool,
    yes: bool,
    repository: str | None,
    stack_name: str,
) -> None:
    """Delete images by tag or digest, each with all of its tags and the images that belong only to it.

    A stack with images in its repository cannot be deleted: --all empties the repository. Prints the deleted
    images. Without tags, digests and --all the images are listed.
    """
    if references and delete_all:
        raise click.UsageError("name tags or digests, or use --all")
    target = choose_and_show_target(ctx)
    name = parse_repository_uri(repository or _repository_uri_of_stack(target, stack_name)).repository
    ecr = target.client("ecr")
    stored = list_images(ecr, name)
    if not references and not delete_all:
        for image in stored:
            terminal.print_message(f"  {image}")
        raise click.UsageError("name tags or digests, or use --all")
    chosen = stored if delete_all else find_images(stored, references)
    images = add_referenced_images(ecr, name, chosen, stored)
    if not images:
        terminal.print_message(f"{name} has no images", style="quiet")
        return
    _confirm(name, images, yes=yes)
    delete_images(ecr, name, images)
    for image in images:
        terminal.print_result(f"deleted {image}")


def _confirm(repository: str, images: list[StoredImage], *, yes: bool) -> None:
    if yes:
        return
    for image in images:
        terminal.print_message(f"  {image}")
    click.confirm(f"Delete {len(images)} image(s) of {repository}?", abort=True, err=True)


def _repository_uri_of_stack(target: Target, stack_name: str) -> str:
    """Raises UsageError if the stack does not exist or has no repository."""
    stack = describe_stack(
        target.client("cloudformation"),
        stack_name,
        advice="deploy statemachines/batch/template.yaml, "
        "or name another stack with --stack, or a repository with --repository",
    )
    uri = stack_outputs(stack).get(IMAGE_REPOSITORY_OUTPUT)
    if uri is None:
        raise UsageError(
            f"stack {stack_name} has no output {IMAGE_REPOSITORY_OUTPUT}: "
            "name the repository with --repository"
        )
    return uri
