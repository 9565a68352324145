"""Updates of a definition, with services in memory; no change set may remain."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepline.aws.polling import Poller, TimeoutPassedError
from stepline.core.errors import UsageError
from stepline.workflow.definition_update import UpdateResult
from stepline.workflow.published_template import publish_template
from tests.statemachines.fake_client import FakeAwsError, Fault
from tests.workflow.fakes import MACHINE, NEW_TEXT, STACK, TEMPLATE, UPDATER, Cloud, change

_DONE = {"ResourceStatus": "UPDATE_COMPLETE", "LogicalResourceId": "Queue"}


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def error_of(cloud: Cloud, **options: Any) -> UsageError:
    with pytest.raises(UsageError) as caught:
        cloud.deploy(**options)
    assert cloud.stacks.change_sets == {} or cloud.stacks.executed, "a change set remains"
    return caught.value


def test_definition_is_updated(cloud: Cloud) -> None:
    result = cloud.deploy()
    assert result == UpdateResult(MACHINE, changed=True, revision="r2")
    assert cloud.objects.written == {"bucket/definitions/my-stack/Workflow.asl.json": NEW_TEXT.encode()}
    ((name, change_set),) = cloud.stacks.change_sets.items()
    assert cloud.stacks.executed["ChangeSetName"] == name
    assert name.startswith("stepline-workflow-")
    assert change_set["values"] == {
        "K": "definitions/my-stack/Workflow.asl.json",
        "V": "v2",
        "Size": "1",
    }
    assert change_set["TemplateURL"] == "https://s3.test/bucket/templates/my-stack.template"
    assert change_set["RoleARN"] == "arn:aws:iam::000000000000:role/update"
    assert cloud.changes[:3] == ["~ the machine", "+ B", "- A"]


def test_dry_run_changes_nothing(cloud: Cloud) -> None:
    result = cloud.deploy(dry_run=True)
    assert result == UpdateResult(MACHINE, changed=True, revision=None)
    assert cloud.stacks.change_sets == {}
    assert cloud.stacks.executed == {}
    assert "+ B" in cloud.changes


def test_deployed_definition_is_not_updated_again(cloud: Cloud) -> None:
    cloud.stacks.change_set_status = ("FAILED", "The submitted information didn't contain changes.")
    assert cloud.deploy() == UpdateResult(MACHINE, changed=False, revision=None)
    assert cloud.stacks.change_sets == {}
    assert cloud.messages == ["flow.json is already deployed: nothing to change"]


def test_error_of_the_macro_is_the_reason(cloud: Cloud) -> None:
    cloud.stacks.change_set_status = ("FAILED", "Transform 1::M failed with: no machine")
    assert str(error_of(cloud)) == "nothing was changed: Transform 1::M failed with: no machine"


def test_other_change_on_the_second_page_is_rejected(cloud: Cloud) -> None:
    cloud.stacks.pages = [[change()], [change("Queue", "QueueName")]]
    assert error_of(cloud).details == ("Queue (AWS::SQS::Queue): Modify",)


def test_change_that_the_change_set_does_not_list_is_rejected(cloud: Cloud) -> None:
    cloud.stacks.extra_template = {"Outputs": {"Url": {"Value": "x"}}}
    assert error_of(cloud).details == ("Outputs",)


def test_change_of_another_parameter_is_rejected(cloud: Cloud) -> None:
    """As of one whose value is in Systems Manager."""
    cloud.stacks.interference["DescribeChangeSet", 1] = lambda: next(iter(cloud.stacks.change_sets.values()))[
        "values"
    ].update(Size="2")
    assert "parameters would change: Size" in str(error_of(cloud))


def test_other_definition_than_that_of_the_file_is_rejected(cloud: Cloud) -> None:
    cloud.stacks.injected = NEW_TEXT + " "
    assert "the macro inserted another definition" in str(error_of(cloud))


@pytest.mark.parametrize("last", ["CreateChangeSet", "DescribeChangeSet", "GetTemplate"])
def test_change_set_is_deleted_after_an_error(cloud: Cloud, last: str) -> None:
    on = (2,) if last == "GetTemplate" else (1,)
    cloud.stacks.faults = [Fault(last, on, FakeAwsError("AccessDenied", "no", 403), acted=True)]
    with pytest.raises(ClientError):
        cloud.deploy()
    assert cloud.stacks.change_sets == {}


def test_change_set_is_deleted_after_ctrl_c(cloud: Cloud) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    cloud.stacks.change_set_status = ("CREATE_IN_PROGRESS", "")
    cloud.poller = Poller(1.0, None, sleep=interrupt)
    with pytest.raises(KeyboardInterrupt):
        cloud.deploy()
    assert cloud.stacks.change_sets == {}
    assert cloud.deferrals == 2  # while it was created and while it was deleted


def test_ctrl_c_during_the_update_does_not_stop_it(cloud: Cloud) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    cloud.poller = Poller(1.0, None, sleep=interrupt)
    with pytest.raises(KeyboardInterrupt):
        cloud.deploy()
    assert cloud.messages[-1] == "the update of the stack continues"


def test_unavailable_change_set_is_awaited(cloud: Cloud) -> None:
    """CREATE_COMPLETE and UNAVAILABLE: executing it now would fail as if another process was updating."""
    cloud.stacks.execution_statuses = ["UNAVAILABLE", "UNAVAILABLE"]
    waited: list[float] = []
    cloud.poller = Poller(1.0, None, sleep=waited.append)
    assert cloud.deploy().revision == "r2"
    assert len(waited) >= 2


def test_status_of_an_earlier_update_is_ignored(cloud: Cloud) -> None:
    """ExecuteChangeSet returns before the status of the stack changes."""
    cloud.stacks.statuses = ["UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"]
    cloud.stacks.accepted_only = True
    assert "stack my-stack was rolled back (UPDATE_ROLLBACK_COMPLETE)" in str(error_of(cloud))


def test_timeout_ends_the_wait(cloud: Cloud) -> None:
    times = iter(range(0, 1_000, 10))
    cloud.stacks.statuses = ["UPDATE_IN_PROGRESS"]
    cloud.poller = Poller(1.0, 25.0, sleep=lambda _seconds: None, monotonic=lambda: float(next(times)))
    with pytest.raises(TimeoutPassedError):
        cloud.deploy()


def test_rollback_is_reported_with_its_reason(cloud: Cloud) -> None:
    cloud.stacks.statuses = ["UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"]
    cloud.stacks.events = [
        {
            "ResourceStatus": "UPDATE_FAILED",
            "LogicalResourceId": "Queue",
            "ResourceType": "AWS::SQS::Queue",
            "ResourceStatusReason": "Resource update cancelled",
        },
        {
            "ResourceStatus": "UPDATE_FAILED",
            "LogicalResourceId": "Workflow",
            "ResourceType": "AWS::StepFunctions::StateMachine",
            "ResourceStatusReason": "denied",
        },
        {**_DONE, "ClientRequestToken": "of an earlier update"},
    ]
    error = error_of(cloud)
    assert str(error) == "the update failed, and stack my-stack was rolled back (UPDATE_ROLLBACK_COMPLETE)"
    assert error.details == ("Workflow (AWS::StepFunctions::StateMachine): denied",)


def test_failed_rollback_needs_the_owner(cloud: Cloud) -> None:
    cloud.stacks.statuses = ["UPDATE_ROLLBACK_FAILED"]
    assert "its owner must repair it" in str(error_of(cloud))


@pytest.mark.parametrize(
    ("code", "message"), [("InvalidChangeSetStatus", "obsolete"), ("ChangeSetNotFound", "gone")]
)
def test_concurrent_update_is_reported(cloud: Cloud, code: str, message: str) -> None:
    cloud.stacks.faults = [Fault("ExecuteChangeSet", (1,), FakeAwsError(code, message))]
    assert "another process is updating or has updated stack my-stack" in str(error_of(cloud))


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("UPDATE_IN_PROGRESS", "try again when the operation has ended"),
        ("UPDATE_ROLLBACK_FAILED", "cannot be updated"),
        ("REVIEW_IN_PROGRESS", "cannot be updated"),
        ("DELETE_FAILED", "cannot be updated"),
    ],
)
def test_stack_that_cannot_be_updated_is_rejected(cloud: Cloud, status: str, message: str) -> None:
    cloud.stacks.status = status
    assert message in str(error_of(cloud))
    assert cloud.objects.written == {}


PUBLISHED = "bucket/templates/my-stack.template"


@pytest.mark.parametrize("before", [None, json.dumps({**TEMPLATE, "Description": "before"})])
def test_template_is_published_if_permitted(cloud: Cloud, before: str | None) -> None:
    cloud.objects.template = before
    assert cloud.deploy().changed
    assert json.loads(cloud.objects.written[PUBLISHED]) == TEMPLATE
    assert "published the current template of my-stack" in cloud.messages


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        (None, "the template of my-stack is not published"),
        (json.dumps({**TEMPLATE, "Description": "before"}), "has changed since it was published"),
    ],
)
def test_developer_must_ask_the_owner_to_publish(cloud: Cloud, before: str | None, reason: str) -> None:
    """A change set from an old template would undo later changes."""
    cloud.objects.template, cloud.objects.denied_prefix = before, "bucket/templates/"
    message = str(error_of(cloud))
    assert reason in message
    assert "ask the owner of the stack to run `stepline workflow publish --stack my-stack`" in message


def test_other_errors_of_publishing_are_raised(cloud: Cloud) -> None:
    cloud.objects.template = None
    cloud.objects.faults = [Fault("PutObject", (1,), FakeAwsError("NoSuchBucket", "no bucket", 404))]
    with pytest.raises(ClientError, match="NoSuchBucket"):
        cloud.deploy()


def test_state_machine_changed_by_another_process_is_reported(cloud: Cloud) -> None:
    cloud.machines.definition = json.dumps({"StartAt": "X", "States": {}})
    assert "is not that of flow.json" in str(error_of(cloud))


@pytest.mark.parametrize("version", [None, "null"])
def test_bucket_without_versioning_is_rejected(cloud: Cloud, version: str | None) -> None:
    cloud.objects.version = version
    assert "versioning is not enabled for bucket bucket" in str(error_of(cloud))


def test_unknown_stack_and_state_machine_are_rejected(cloud: Cloud) -> None:
    assert str(error_of(cloud, stack="no-stack")) == "stack no-stack does not exist: deploy it first"
    assert "'Queue' is not a state machine that uses the macro M; these do: Workflow" in str(
        error_of(cloud, logical_id="Queue")
    )


def test_template_is_published_in_the_bucket(cloud: Cloud) -> None:
    clients = cloud.clients
    url = publish_template(clients.cloudformation, clients.s3, STACK, UPDATER)
    assert url == "https://s3.test/bucket/templates/my-stack.template"
    assert json.loads(cloud.objects.written["bucket/templates/my-stack.template"]) == TEMPLATE


def test_stack_that_is_not_an_updater_is_rejected(cloud: Cloud) -> None:
    clients = cloud.clients
    with pytest.raises(
        UsageError, match="is not a workflow updater, it has no output 'DefinitionsBucketName'"
    ):
        publish_template(clients.cloudformation, clients.s3, STACK, STACK)
