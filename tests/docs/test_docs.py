"""What the documentation says is there, is there."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from pipeline import settings
from stepline.cli.command_group import cli
from stepline.deployment.template import read_template
from stepline.localaws.batch.service import Batch
from stepline.localaws.codecommit import CodeCommit
from stepline.localaws.codepipeline import CodePipeline
from stepline.localaws.protocol import JsonService
from stepline.localaws.stepfunctions import StepFunctions

PROJECT = Path(__file__).parents[2]
SYSTEMS = sorted(path.parent for path in (PROJECT / "statemachines").glob("*/template.yaml"))
PAGES = [
    PROJECT / "README.md",
    *sorted(PROJECT.glob("docs/*.md")),
    *sorted(PROJECT.glob("statemachines/*/*.md")),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_project_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_sections_lead_to_headings(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", page.read_text())
    assert [
        (link, section)
        for link, section in links
        if section not in _sections(page.parent / link if link else page)
    ] == []


def _sections(page: Path) -> set[str]:
    """The headings as GitHub names them in links."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("CodePipeline", CodePipeline),
        ("CodeCommit", CodeCommit),
        ("Step Functions", StepFunctions),
        ("Batch", Batch),
    ],
)
def test_the_served_operations_are_listed(name: str, service: type[JsonService]) -> None:
    text = (PROJECT / "docs/local-aws.md").read_text()
    listed = re.search(rf"\*\*{name}\*\*: ([^.]+)\.", text)
    assert listed is not None
    assert re.split(r",\s+", listed.group(1)) == sorted(service.operations())


def test_every_setting_of_the_trigger_is_documented() -> None:
    page = (PROJECT / "docs/trigger.md").read_text()
    names = [name for name in vars(settings) if name.isupper() and not name.startswith("_")]
    assert names
    assert [name for name in names if f"`{name}`" not in page] == []


def test_every_parameter_of_the_template_is_in_the_readme() -> None:
    page = (PROJECT / "README.md").read_text()
    assert [
        name for name in read_template(PROJECT / "template.yaml")["Parameters"] if f"`{name}`" not in page
    ] == []


@pytest.mark.parametrize("folder", SYSTEMS, ids=lambda folder: folder.name)
def test_every_system_has_a_page_with_all_parameters(folder: Path) -> None:
    page = PROJECT / "docs" / f"{folder.name.replace('_', '-')}.md"
    text = page.read_text()
    assert [
        name for name in read_template(folder / "template.yaml")["Parameters"] if f"`{name}`" not in text
    ] == []
    assert f"(docs/{page.name})" in (PROJECT / "README.md").read_text()


def test_every_command_is_in_the_readme() -> None:
    page = (PROJECT / "README.md").read_text()
    assert [name for name in cli.list_commands(click.Context(cli)) if f"stepline {name}" not in page] == []


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", (PROJECT / "README.md").read_text())) <= targets
