"""Scenarios of the workflow updater; see `suites.py`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from stepline.aws.polling import Poller
from stepline.core.errors import UsageError
from stepline.workflow.definition_file import DefinitionFile
from stepline.workflow.definition_update import (
    Clients,
    Reporter,
    UpdateOptions,
    UpdateResult,
    update_definition,
)
from stepline.workflow.published_template import publish_template
from tests.iam.scenarios import unique_name
from tests.iam.suites import Lane
from tests.iam.system import REGION, System

_PROJECT = Path(__file__).parents[2]
_SAMPLE = json.loads((_PROJECT / "statemachines/workflow/sample.asl.json").read_text())
_EVENT = json.loads((_PROJECT / "local_events/inject_definition/deployment.json").read_text())
_POLL_SECONDS = 0.05


def developer_deploys_a_definition(system: System) -> None:
    outcome = _deploy(system)
    assert outcome.revision
    machine = system.sample.outputs["StateMachineArn"]
    execution = system.start({"name": "you"}, machine=machine)
    system.wait_for_execution(execution).assert_status("SUCCEEDED")


def developer_shows_changes_only(system: System) -> None:
    outcome = _deploy(system, dry_run=True)
    assert (outcome.changed, outcome.revision) == (True, None)
    left = system.client("cloudformation").list_change_sets(StackName=system.sample.stack_name)["Summaries"]
    assert [item for item in left if item["ExecutionStatus"] == "AVAILABLE"] == []


def failed_update_is_explained(system: System) -> None:
    """A Deny statement forbids it: the reason is in the stack's events."""
    deny = {"Effect": "Deny", "Action": "states:UpdateStateMachine", "Resource": "*"}
    policy = {"RoleName": system.resources["UpdateRole"], "PolicyName": "deny"}
    system.client("iam").put_role_policy(**policy, PolicyDocument=json.dumps({"Statement": [deny]}))
    try:
        with pytest.raises(UsageError, match="the update failed") as caught:
            _deploy(system)
    finally:
        system.client("iam").delete_role_policy(**policy)
    assert "states:UpdateStateMachine" in caught.value.details[0]


def missing_definition_is_reported(system: System) -> None:
    values = {"DefinitionKey": f"definitions/{unique_name()}", "DefinitionVersion": unique_name()}
    response = system.invoke("inject-definition", {**_EVENT, "templateParameterValues": values})
    assert "There is no object" in response["errorMessage"], response


def _deploy(system: System, *, dry_run: bool = False) -> UpdateResult:
    """Deploy a new definition with the developers' role only."""
    admin = _clients(system.client)
    publish_template(admin.cloudformation, admin.s3, system.sample.stack_name, system.stack_name)
    document = {**_SAMPLE, "Comment": unique_name()}
    return update_definition(
        UpdateOptions(
            DefinitionFile.parse("sample.asl.json", json.dumps(document).encode()),
            system.sample.stack_name,
            None,
            system.stack_name,
            dry_run,
        ),
        _clients(developer(system)),
        Poller(_POLL_SECONDS, system.timeout_seconds),
        Reporter(message=lambda _text: None, changes=lambda _states, _lines: None),
        contextlib.nullcontext,
    )


def developer(system: System) -> Callable[[str], Any]:
    """Return clients with a session of the developers' role, which trusts the account."""
    keys = system.client("sts").assume_role(
        RoleArn=system.outputs["DeveloperRoleArn"], RoleSessionName="developer"
    )["Credentials"]
    session: Any = boto3.Session(
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        region_name=REGION,
    )
    return lambda service: session.client(service, endpoint_url=system.endpoint_url)


def _clients(client: Callable[[str], Any]) -> Clients:
    return Clients(client("cloudformation"), client("s3"), client("stepfunctions"))


LANES: tuple[Lane, ...] = (
    # One update of the stack at a time.
    (developer_deploys_a_definition, developer_shows_changes_only, failed_update_is_explained),
    (missing_definition_is_reported,),
)
