"""Files and options that the pages name exist; parameters, commands and operations are documented."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator
from pathlib import Path

import click
import pytest

from pipeline import settings
from stepline.cli.command_group import cli
from stepline.cli.exit_codes import ExitCode
from stepline.deployment.systems import list_systems
from stepline.deployment.template import read_template
from stepline.localaws.batch.service import Batch
from stepline.localaws.codebuild.service import CodeBuild
from stepline.localaws.codecommit import CodeCommit
from stepline.localaws.codepipeline import CodePipeline
from stepline.localaws.protocol import JsonService
from stepline.localaws.stepfunctions import StepFunctions
from tests.docs.pages import PAGES, PROJECT, code_spans, page_name, read, tables
from tests.faults.__main__ import main as fault_injection
from tests.faults.planted.__main__ import main as planted_bugs
from tests.iam.permissions import permissions

SYSTEMS = [system.folder for system in list_systems(PROJECT)]
TEMPLATES = {
    PROJECT / "template.yaml": "README.md",
    PROJECT / "pipeline/template.yaml": "docs/action.md",
    PROJECT / "statemachines/deploy/template.yaml": "docs/action.md",
    **{folder / "template.yaml": f"docs/{folder.name.replace('_', '-')}.md" for folder in SYSTEMS},
    PROJECT / "statemachines/process/vpc.yaml": "docs/sample-service.md",
}
"""The page of each template."""

PIPELINE_TEMPLATES = ["template.yaml", "pipeline/template.yaml", "statemachines/deploy/template.yaml"]
"""The main template and its two parts."""

DESCRIBED_DEFAULTS = {"SQS and SSM", "a network of its own"}
"""Defaults that the pages describe instead of quoting."""

FOLDERS = "(app|benchmarks|docs|examples|local_events|pipeline|requirements|statemachines|stepline|tests)"
EXAMPLES = "greeting|enable_termination_protection|update_parameter"
"""Names of files that CONTRIBUTING.md adds as examples: other files of the same pattern exist."""

NOT_IN_THE_PROJECT = {
    "stepline/express/",  # in a bucket
    "stepline/project/",  # in the wheel
}


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_links_within_the_project_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_links_to_sections_lead_to_headings(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", page.read_text())
    assert [
        (link, section)
        for link, section in links
        if section not in _sections(page.parent / link if link else page)
    ] == []


def _sections(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_named_files_exist(page: Path) -> None:
    paths = {span for span in code_spans(page.read_text()) if re.match(rf"{FOLDERS}/[\w./*<>-]*$", span)}
    patterns = {path: re.sub(rf"<\w+>|{EXAMPLES}", "*", path) for path in paths - NOT_IN_THE_PROJECT}
    assert sorted(path for path, pattern in patterns.items() if not any(PROJECT.glob(pattern))) == []


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("CodePipeline", CodePipeline),
        ("CodeCommit", CodeCommit),
        ("Step Functions", StepFunctions),
        ("Batch", Batch),
        ("CodeBuild", CodeBuild),
    ],
)
def test_supported_operations_are_listed(name: str, service: type[JsonService]) -> None:
    listed = re.search(rf"\*\*{name}\*\*: ([^.]+)\.", read("docs/local-aws.md"))
    assert listed is not None
    assert re.split(r",\s+", listed.group(1)) == sorted(service.operations())


def test_settings_of_the_trigger_are_documented() -> None:
    names = [name for name in vars(settings) if name.isupper() and not name.startswith("_")]
    assert names
    assert [name for name in names if f"`{name}`" not in read("docs/trigger.md")] == []


@pytest.mark.parametrize("template", TEMPLATES, ids=page_name)
def test_parameters_and_their_defaults_are_documented(template: Path) -> None:
    parameters = read_template(template)["Parameters"]
    documented = dict(_documented_parameters(read(TEMPLATES[template]), parameters))
    assert sorted(parameters.keys() - documented.keys()) == []
    assert {
        name: text
        for name, text in documented.items()
        if text not in DESCRIBED_DEFAULTS and text != str(parameters[name].get("Default", ""))
    } == {}


def _documented_parameters(text: str, parameters: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the names and defaults in the tables; a row may have several, separated by commas."""
    for table in tables(text):
        for row in table:
            names = [name for name in row[0].replace("`", "").split(", ") if name in parameters]
            defaults = row[1].replace("`", "").split(", ")
            yield from zip(
                names, defaults if len(defaults) == len(names) else defaults * len(names), strict=True
            )


@pytest.mark.parametrize("folder", [PROJECT, *SYSTEMS], ids=lambda folder: folder.name)
def test_what_a_deletion_retains_is_documented(folder: Path) -> None:
    configuration = tomllib.loads((folder / "samconfig.toml").read_text())["default"]
    stack = configuration["global"]["parameters"]["stack_name"]
    retained = {
        name: resource["Type"]
        for name, resource in read_template(folder / "template.yaml")["Resources"].items()
        if resource.get("DeletionPolicy", "Delete") != "Delete"
    }
    names = {
        "AWS::S3::Bucket": "`{stack}-{name}-…`",
        "AWS::KMS::Key": "key",
        "AWS::CodeCommit::Repository": "CodeCommit repository",
        "AWS::ApiGateway::Account": "API Gateway's settings of the account and region, with their role",
        "AWS::IAM::Role": "API Gateway's settings of the account and region, with their role",
    }
    rows = [row for table in tables(read("docs/delete.md")) for row in table]
    place = "the project's" if folder == PROJECT else f"`{folder.relative_to(PROJECT).as_posix()}/`"
    (remains,) = (row[3] for row in rows if row[1] == place)
    expected = {names[kind].format(stack=stack, name=name.lower()) for name, kind in retained.items()}
    assert {text for text in expected if text not in remains} == set()


@pytest.mark.parametrize("folder", SYSTEMS, ids=lambda folder: folder.name)
def test_readme_links_to_the_page_of_each_system(folder: Path) -> None:
    assert f"(docs/{folder.name.replace('_', '-')}.md)" in read("README.md")


def test_commands_are_in_the_readme() -> None:
    names = cli.list_commands(click.Context(cli))
    assert [name for name in names if f"stepline {name}" not in read("README.md")] == []


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(), re.MULTILINE)) <= targets


def test_exit_codes_are_documented() -> None:
    text = read("docs/command-line.md")
    codes = {int(row[0]) for row in next(tables(text[text.index("## Exit codes") :]))}
    assert {int(code) for code in ExitCode} <= codes


def test_alarms_are_documented_with_their_metrics() -> None:
    folders = {
        "pipeline": "",
        "S3 trigger": "s3_trigger",
        "batch workflow": "batch",
        "workflow updater": "workflow",
    }
    documented: dict[str, set[tuple[str, str]]] = {folder: set() for folder in folders.values()}
    folder = ""
    for row in next(table for table in tables(read("docs/alarms.md")) if table[0][0] == "pipeline"):
        folder = folders.get(row[0], folder)
        documented[folder].add((row[1].strip("`"), row[2].replace("`", "")))
    for folder, rows in documented.items():
        files = [f"statemachines/{folder}/template.yaml"] if folder else PIPELINE_TEMPLATES
        alarms = [
            resource["Properties"]
            for file in files
            for resource in read_template(PROJECT / file)["Resources"].values()
            if resource["Type"] == "AWS::CloudWatch::Alarm"
        ]
        assert rows == {
            (
                alarm["AlarmName"]["Fn::Sub"].partition("}-")[2],
                f"{alarm['Namespace']} {alarm['MetricName']}",
            )
            for alarm in alarms
        }


def test_roles_of_the_pipeline_are_documented() -> None:
    text = read("docs/security.md")
    documented = {name for row in next(tables(text)) for name in row[0].split(", ") if name}
    resources = {
        name: resource["Type"]
        for file in PIPELINE_TEMPLATES
        for name, resource in read_template(PROJECT / file)["Resources"].items()
    }
    assert documented == {name for name, kind in resources.items() if kind == "AWS::IAM::Role"}


def test_number_of_permissions_is_documented() -> None:
    assert f"There are {len(permissions())} permissions of all six systems" in read("docs/security.md")


def test_changelog_has_the_version_of_the_project() -> None:
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert re.search(rf"^## \[{re.escape(version)}\]", read("CHANGELOG.md"), re.MULTILINE)


def test_options_of_the_fault_injection_exist() -> None:
    commands = (fault_injection, planted_bugs)
    options = {name for command in commands for parameter in command.params for name in parameter.opts}
    assert set(re.findall(r"--[a-z]+", read("docs/faults.md"))) <= options
