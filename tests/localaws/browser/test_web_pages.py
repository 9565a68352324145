"""A hostile page in a real browser can neither read nor change anything of a running local AWS."""

from __future__ import annotations

import http.client
import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.chromium import find_chromium
from tests.localaws.browser.attacker import Attacker, attacker_server, rebinding_name
from tests.localaws.browser.chromium import open_page, read_page
from tests.localaws.running_server import Server, running_server
from tests.waiting import wait_for

pytestmark = pytest.mark.xdist_group("browser")

SECRET = "a secret of the developer"
FOREIGN_NAME = "attacker.example"
REBOUND_NAME = "rebound.example"
ALLOWED_NAME = "host.docker.internal"
_NO_COMMIT = "0" * 40


@dataclass(frozen=True)
class Target:
    """A local AWS with data of a developer; `marker` is a file that the attacker's code would create."""

    server: Server
    settings: dict[str, Any]
    marker: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def state(self) -> dict[str, Any]:
        """Return everything that an attack could change."""
        client = self.server.client
        with urllib.request.urlopen(f"{self.address}/_stepline/permissions", timeout=10) as response:
            permissions = json.load(response)
        return {
            "stacks": client("cloudformation").list_stacks()["StackSummaries"],
            "queues": client("sqs").list_queues().get("QueueUrls", []),
            "functions": client("lambda").list_functions()["Functions"],
            "objects": [
                (each["Key"], each["ETag"])
                for each in client("s3").list_objects_v2(Bucket="bucket").get("Contents", [])
            ],
            "branches": client("codecommit").list_branches(repositoryName="app")["branches"],
            "permissions": permissions,
            "code was run": self.marker.exists(),
        }


@pytest.fixture(scope="module")
def attacker() -> Iterator[Attacker]:
    find_chromium()
    with attacker_server() as attacker:
        yield attacker


@pytest.fixture(scope="module")
def target(attacker: Attacker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("target")
    with running_server(folder, f"--allow-host={ALLOWED_NAME}") as server:
        yield prepare(server, folder)


def prepare(server: Server, folder: Path) -> Target:
    """Create what the attacks are after."""
    s3, repositories = server.client("s3"), server.client("codecommit")
    s3.create_bucket(Bucket="bucket")
    for key, media_type, text in (
        ("secret", "text/plain", SECRET),
        ("script.js", "text/javascript", "var secret = 1"),
        ("style.css", "text/css", "body { color: red }"),
        ("image.svg", "image/svg+xml", '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
    ):
        s3.put_object(Bucket="bucket", Key=key, Body=text.encode(), ContentType=media_type)
    repositories.create_repository(repositoryName="app")
    commit = repositories.put_file(
        repositoryName="app", branchName="main", fileContent=SECRET.encode(), filePath="a"
    )["commitId"]
    repositories.create_branch(repositoryName="app", branchName="side", commitId=commit)
    use_a_role(server)
    marker = folder / "marker"
    settings = {
        "template": json.dumps(template(marker)),
        "deletion": pack_line(f"{commit} {_NO_COMMIT} refs/heads/side\0report-status delete-refs") + "0000",
        "apiPath": f"/restapis/{server.create_rest_api()}/live/_user_request_/items",
        "socketPath": f"/_aws/execute-api/{create_websocket_api(server)}/live",
    }
    return Target(server, settings, marker)


def use_a_role(server: Server) -> None:
    """Let the record of permissions have an entry."""
    iam = server.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    policy = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))["Role"]
    iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=json.dumps({"Statement": [policy]}))
    session = server.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="session")["Credentials"]
    server.client(
        "s3",
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    ).list_buckets()


def create_websocket_api(server: Server) -> str:
    apis = server.client("apigatewayv2")
    api = apis.create_api(Name="w", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")
    apis.create_stage(ApiId=api["ApiId"], StageName="live", AutoDeploy=True)
    return str(api["ApiId"])


def template(marker: Path) -> dict[str, Any]:
    """Return a template that runs code of its author when it is deployed."""
    code = f"import pathlib\n\ndef handler(event, context):\n    pathlib.Path({str(marker)!r}).touch()\n"
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    function = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": {"Fn::GetAtt": "Role.Arn"},
        "Code": {"ZipFile": code},
    }
    return {
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {"AssumeRolePolicyDocument": {"Statement": [trust]}},
            },
            "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
            "Run": {"Type": "Custom::Run", "Properties": {"ServiceToken": {"Fn::GetAtt": "Function.Arn"}}},
        }
    }


def pack_line(text: str) -> str:
    """https://git-scm.com/docs/protocol-common#_pkt_line_format"""
    return f"{len(text) + 4:04x}{text}"


def report_of(attacker: Attacker, page: str, **names: str) -> dict[str, str | None]:
    """Show the page until it has reported, and return what it could read."""
    with open_page(page, names=names):
        wait_for(lambda: attacker.report is not None, lambda: "the page did not run")
    assert attacker.report
    return attacker.report


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", FOREIGN_NAME])
def test_page_of_another_origin_reads_and_changes_nothing(
    attacker: Attacker, target: Target, host: str
) -> None:
    before = target.state()
    page = attacker.page(host, target=target.address, **target.settings)
    report = report_of(attacker, page, **{FOREIGN_NAME: "127.0.0.1"})
    assert {name: text for name, text in report.items() if text is not None} == {}
    assert target.state() == before


def test_page_whose_name_is_bound_to_the_local_aws_reads_and_changes_nothing(
    attacker: Attacker, target: Target
) -> None:
    """The page and its target then have the same origin, so that the browser lets it read all responses."""
    before = target.state()
    with rebinding_name(attacker, target.server.port) as port:
        host = f"{REBOUND_NAME}:{target.server.port}"
        page = attacker.page(host, target=f"http://{host}", rebinds=True, **target.settings)
        report = report_of(attacker, page, **{REBOUND_NAME: f"127.0.0.1:{port}"})
    read = {name: text for name, text in report.items() if text is not None}
    refused = {name for name, text in read.items() if f"does not serve the host name {REBOUND_NAME}" in text}
    assert set(read) == refused
    assert "cors GET of an object" in refused
    assert target.state() == before


def test_page_cannot_use_a_name_that_the_user_allows(attacker: Attacker, target: Target) -> None:
    """Browsers do not mark requests to it with Sec-Fetch-Site: it is not a loopback name."""
    before = target.state()
    address = f"http://{ALLOWED_NAME}:{target.server.port}"
    page = attacker.page(FOREIGN_NAME, target=address, **target.settings)
    report = report_of(attacker, page, **{FOREIGN_NAME: "127.0.0.1", ALLOWED_NAME: "127.0.0.1"})
    assert {name: text for name, text in report.items() if text is not None} == {}
    assert target.state() == before


def test_link_that_the_user_opens_changes_nothing(attacker: Attacker, target: Target) -> None:
    """A redirect after a link in an e-mail is marked as if the user had entered the address."""
    before = target.state()
    change = f"{target.address}/?Action=CreateQueue&QueueName=by-link"
    for link in (change, f"{attacker.home}/redirect?to={quote(change)}"):
        assert "a browser may only read" in read_page(link, names={})
    assert target.state() == before


def test_user_opens_an_object(target: Target) -> None:
    assert SECRET in read_page(f"{target.address}/bucket/secret", names={})


def test_developer_s_clients_are_served(target: Target) -> None:
    """The requests of the attacks do what they should when a program of the developer sends them."""
    connection = http.client.HTTPConnection("127.0.0.1", target.server.port, timeout=30)
    headers = {"Content-Type": "application/x-git-receive-pack-request"}
    connection.request("POST", "/v1/repos/app/git-receive-pack", target.settings["deletion"], headers)
    assert b"ok refs/heads/side" in connection.getresponse().read()
    connection.close()
    assert target.state()["branches"] == ["main"]
    assert target.state()["permissions"] != {}
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    connection.request("GET", target.settings["socketPath"], headers=upgrade)
    assert connection.getresponse().status == 101


def test_page_of_an_allowed_origin_runs_code(attacker: Attacker, tmp_path: Path) -> None:
    """The same page does harm where the user allows it: its attacks are real."""
    with running_server(tmp_path, f"--allow-origin={attacker.home}") as server:
        target = prepare(server, tmp_path)
        only = [
            "form creates a stack",
            "cors PUT of an object",
            "cors GET of an object",
            "cors GET of a REST API",
        ]
        page = attacker.page("127.0.0.1", target=target.address, only=only, **target.settings)
        report = report_of(attacker, page)
        assert report["cors GET of an object"] == SECRET
        wait_for(target.marker.exists)
        assert "by-cors" in dict(target.state()["objects"])
