"""What kind of application `stepline init` finds in a folder, or which choices it names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from stepline.applications.detection import Application, Kind, find_application
from stepline.core.errors import UsageError

TOPIC = "Resources: {Topic: {Type: AWS::SNS::Topic}}\n"
SAM = f"Transform: AWS::Serverless-2016-10-31\n{TOPIC}"
LOCAL_CODE = "Resources: {Function: {Type: AWS::Lambda::Function, Properties: {Code: src}}}\n"
CDK = '{"app": "python3 app.py"}\n'

Find = Callable[..., Application]


@pytest.fixture
def find(tmp_path: Path) -> Find:
    """Finds the application in a folder with these files."""

    def run(
        files: Mapping[str, str], *, sam: bool = False, cdk: bool = False, template: str | None = None
    ) -> Application:
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(content)
        return find_application(tmp_path, sam=sam, cdk=cdk, template=template)

    return run


@pytest.mark.parametrize(
    ("files", "options", "kind", "template"),
    [
        ({"cdk.json": CDK}, {}, Kind.CDK, "template.json"),
        ({"cdk.json": CDK, "other.yaml": TOPIC}, {}, Kind.CDK, "template.json"),
        ({"cdk.json": CDK, "other.yaml": TOPIC}, {"template": "other.yaml"}, Kind.TEMPLATE, "other.yaml"),
        ({"cdk.json": CDK, "template.yaml": SAM}, {"sam": True}, Kind.SAM, "template.yaml"),
        ({"template.yaml": SAM}, {}, Kind.SAM, "template.yaml"),
        ({"template.yml": SAM, "other.yaml": TOPIC}, {}, Kind.SAM, "template.yml"),
        ({"one.yaml": SAM}, {}, Kind.SAM, "one.yaml"),
        ({"a.yaml": SAM, "b.yaml": TOPIC}, {"sam": True, "template": "a.yaml"}, Kind.SAM, "a.yaml"),
        (
            {
                "samconfig.toml": "[default.global.parameters]\ntemplate_file = 'infra/app.yaml'\n",
                "infra/app.yaml": SAM,
            },
            {"sam": True},
            Kind.SAM,
            "infra/app.yaml",
        ),
        ({"queue.template": TOPIC, "package.json": '{"name": "x"}'}, {}, Kind.TEMPLATE, "queue.template"),
        ({"functions.yaml": LOCAL_CODE}, {}, Kind.PACKAGED, "functions.yaml"),
        ({"infra/queue.yaml": TOPIC}, {"template": "infra/queue.yaml"}, Kind.TEMPLATE, "infra/queue.yaml"),
    ],
)
def test_application_is_found(
    find: Find, files: dict[str, str], options: dict[str, object], kind: Kind, template: str
) -> None:
    found = find(files, **options)
    assert (found.kind, found.template) == (kind, template)


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        ({}, {}, "has no cdk.json and no template: there is nothing to deploy yet"),
        ({}, {}, "choose --sam, --cdk or --template FILE"),
        (
            {"a.yaml": TOPIC, "b.json": '{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}'},
            {},
            "a.yaml, b.json",
        ),
        ({"a.yaml": TOPIC}, {"sam": True}, "has no template.yaml: create the application with `sam init`"),
        ({"template.yaml": TOPIC}, {"sam": True}, "is not a template of SAM"),
        ({"template.yaml": TOPIC, "samconfig.toml": "version = 0.1"}, {}, "is not a template of SAM"),
        ({"a.yaml": TOPIC}, {"cdk": True}, "has no cdk.json: create the CDK application with `cdk init`"),
        ({"cdk.json": CDK}, {"cdk": True, "template": "a.yaml"}, "choose one of --sam, --cdk"),
        ({"stack.yaml": TOPIC}, {"template": "stacks.yaml"}, "does not exist: did you mean stack.yaml?"),
        ({"a.yaml": "name: x\n"}, {"template": "a.yaml"}, "is not a CloudFormation template"),
        ({"a.yaml": "- ["}, {"template": "a.yaml"}, "is not YAML"),
        ({"samconfig.toml": "["}, {}, "samconfig.toml is not TOML"),
    ],
)
def test_message_says_what_to_do(
    find: Find, files: dict[str, str], options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError) as raised:
        find(files, **options)
    assert message in raised.value.message


def test_template_outside_of_the_folder_is_refused(find: Find, tmp_path: Path) -> None:
    outside = tmp_path.parent / "outside.yaml"
    outside.write_text(TOPIC)
    with pytest.raises(UsageError, match="a pipeline deploys only what is in its repository"):
        find({}, template=str(outside))


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        find_application(tmp_path / "missing", sam=False, cdk=False, template=None)
