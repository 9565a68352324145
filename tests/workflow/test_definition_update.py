"""Updates of a definition, with services in memory; no change set may remain."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepline.aws.polling import Poller, TimeoutPassedError
from stepline.core.errors import UsageError
from stepline.localaws.protocol import AwsError
from stepline.workflow.definition_update import UpdateResult
from stepline.workflow.published_template import publish_template
from tests.fakes.service import Fault
from tests.workflow.world import MACHINE, NEW_TEXT, PUBLISHED, STACK, TEMPLATE, UPDATER, World, change

_DONE = {"ResourceStatus": "UPDATE_COMPLETE", "LogicalResourceId": "Queue"}


@pytest.fixture
def world() -> World:
    return World()


def error_of(world: World, **options: Any) -> UsageError:
    with pytest.raises(UsageError) as caught:
        world.deploy(**options)
    assert world.cloudformation.change_sets == {} or world.cloudformation.executed, "a change set remains"
    return caught.value


def test_definition_is_updated(world: World) -> None:
    result = world.deploy()
    assert result == UpdateResult(MACHINE, changed=True, revision="r2")
    assert world.written == {"definitions/my-stack/Workflow.asl.json": NEW_TEXT.encode()}
    ((name, change_set),) = world.cloudformation.change_sets.items()
    assert world.cloudformation.executed["ChangeSetName"] == name
    assert name.startswith("stepline-workflow-")
    assert change_set["values"] == {
        "K": "definitions/my-stack/Workflow.asl.json",
        "V": "v2",
        "Size": "1",
    }
    assert change_set["TemplateURL"] == "https://s3.test/bucket/templates/my-stack.template"
    assert change_set["RoleARN"] == "arn:aws:iam::000000000000:role/update"
    assert world.changes[:3] == ["~ the machine", "+ B", "- A"]


def test_dry_run_changes_nothing(world: World) -> None:
    result = world.deploy(dry_run=True)
    assert result == UpdateResult(MACHINE, changed=True, revision=None)
    assert world.cloudformation.change_sets == {}
    assert world.cloudformation.executed == {}
    assert "+ B" in world.changes


def test_deployed_definition_is_not_updated_again(world: World) -> None:
    world.cloudformation.change_set_status = ("FAILED", "The submitted information didn't contain changes.")
    assert world.deploy() == UpdateResult(MACHINE, changed=False, revision=None)
    assert world.cloudformation.change_sets == {}
    assert world.messages == ["flow.json is already deployed: nothing to change"]


@pytest.mark.parametrize("message", ["no machine", "No updates are to be performed."])
def test_error_of_the_macro_is_the_reason(world: World, message: str) -> None:
    """An earlier bug: a macro's error that quotes the reason of an empty change set was a success."""
    world.cloudformation.change_set_status = ("FAILED", f"Transform 1::M failed with: {message}")
    assert str(error_of(world)) == f"nothing was changed: Transform 1::M failed with: {message}"


def test_other_change_on_the_second_page_is_rejected(world: World) -> None:
    world.cloudformation.pages = [[change()], [change("Queue", "QueueName")]]
    assert error_of(world).details == ("Queue (AWS::SQS::Queue): Modify",)


def test_change_that_the_change_set_does_not_list_is_rejected(world: World) -> None:
    world.cloudformation.extra_template = {"Outputs": {"Url": {"Value": "x"}}}
    assert error_of(world).details == ("Outputs",)


def test_change_of_another_parameter_is_rejected(world: World) -> None:
    """As of one whose value is in Systems Manager."""

    def change_parameter() -> None:
        (change_set,) = world.cloudformation.change_sets.values()
        change_set["values"]["Size"] = "2"

    world.cloudformation.interference["DescribeChangeSet", 1] = change_parameter
    assert "parameters would change: Size" in str(error_of(world))


def test_other_definition_than_that_of_the_file_is_rejected(world: World) -> None:
    world.cloudformation.injected = NEW_TEXT + " "
    assert "the macro inserted another definition" in str(error_of(world))


@pytest.mark.parametrize("last", ["CreateChangeSet", "DescribeChangeSet", "GetTemplate"])
def test_change_set_is_deleted_after_an_error(world: World, last: str) -> None:
    on = (2,) if last == "GetTemplate" else (1,)
    denied = AwsError("no", code="AccessDenied", status=403)
    world.cloudformation.faults = [Fault(last, on, denied, acted=True)]
    with pytest.raises(ClientError):
        world.deploy()
    assert world.cloudformation.change_sets == {}


def test_change_set_is_deleted_after_ctrl_c(world: World) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    world.cloudformation.change_set_status = ("CREATE_IN_PROGRESS", "")
    world.poller = Poller(1.0, None, sleep=interrupt)
    with pytest.raises(KeyboardInterrupt):
        world.deploy()
    assert world.cloudformation.change_sets == {}
    assert world.deferrals == 2  # while it was created and while it was deleted


def test_ctrl_c_during_the_update_does_not_stop_it(world: World) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    world.poller = Poller(1.0, None, sleep=interrupt)
    with pytest.raises(KeyboardInterrupt):
        world.deploy()
    assert world.messages[-1] == "the update of the stack continues"


def test_unavailable_change_set_is_awaited(world: World) -> None:
    """CREATE_COMPLETE and UNAVAILABLE: executing it now would fail as if another process was updating."""
    world.cloudformation.execution_statuses = ["UNAVAILABLE", "UNAVAILABLE"]
    waited: list[float] = []
    world.poller = Poller(1.0, None, sleep=waited.append)
    assert world.deploy().revision == "r2"
    assert len(waited) >= 2


def test_status_of_an_earlier_update_is_ignored(world: World) -> None:
    """ExecuteChangeSet returns before the status of the stack changes."""
    world.cloudformation.statuses = ["UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"]
    world.cloudformation.accepted_only = True
    assert "stack my-stack was rolled back (UPDATE_ROLLBACK_COMPLETE)" in str(error_of(world))


def test_timeout_ends_the_wait(world: World) -> None:
    times = iter(range(0, 1_000, 10))
    world.cloudformation.statuses = ["UPDATE_IN_PROGRESS"]
    world.poller = Poller(1.0, 25.0, sleep=lambda _seconds: None, monotonic=lambda: float(next(times)))
    with pytest.raises(TimeoutPassedError):
        world.deploy()


def test_rollback_is_reported_with_its_reason(world: World) -> None:
    world.cloudformation.statuses = ["UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"]
    world.cloudformation.events = [
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
    error = error_of(world)
    assert str(error) == "the update failed, and stack my-stack was rolled back (UPDATE_ROLLBACK_COMPLETE)"
    assert error.details == ("Workflow (AWS::StepFunctions::StateMachine): denied",)


def test_failed_rollback_needs_the_owner(world: World) -> None:
    world.cloudformation.statuses = ["UPDATE_ROLLBACK_FAILED"]
    assert "its owner must repair it" in str(error_of(world))


@pytest.mark.parametrize(
    ("code", "message"), [("InvalidChangeSetStatus", "obsolete"), ("ChangeSetNotFound", "gone")]
)
def test_concurrent_update_is_reported(world: World, code: str, message: str) -> None:
    world.cloudformation.faults = [Fault("ExecuteChangeSet", (1,), AwsError(message, code=code))]
    assert "another process is updating or has updated stack my-stack" in str(error_of(world))


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("UPDATE_IN_PROGRESS", "try again when the operation has ended"),
        ("UPDATE_ROLLBACK_FAILED", "cannot be updated"),
        ("REVIEW_IN_PROGRESS", "cannot be updated"),
        ("DELETE_FAILED", "cannot be updated"),
    ],
)
def test_stack_that_cannot_be_updated_is_rejected(world: World, status: str, message: str) -> None:
    world.cloudformation.status = status
    assert message in str(error_of(world))
    assert world.written == {}


def publish_earlier(world: World, template: str | None) -> None:
    """Without one, S3 denies the request: the user may not list the bucket."""
    if template is None:
        world.s3.denied["GetObject"] = "bucket/templates/"
    else:
        world.s3.put(*PUBLISHED, template.encode())


@pytest.mark.parametrize("before", [None, json.dumps({**TEMPLATE, "Description": "before"})])
def test_template_is_published_if_permitted(world: World, before: str | None) -> None:
    publish_earlier(world, before)
    assert world.deploy().changed
    assert json.loads(world.written[PUBLISHED[1]]) == TEMPLATE
    assert "published the current template of my-stack" in world.messages


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        (None, "the template of my-stack is not published"),
        (json.dumps({**TEMPLATE, "Description": "before"}), "has changed since it was published"),
    ],
)
def test_developer_must_ask_the_owner_to_publish(world: World, before: str | None, reason: str) -> None:
    """A change set from an old template would undo later changes."""
    publish_earlier(world, before)
    world.s3.denied["PutObject"] = "bucket/templates/"
    message = str(error_of(world))
    assert reason in message
    assert "ask the owner of the stack to run `stepline workflow publish --stack my-stack`" in message


def test_other_errors_of_publishing_are_raised(world: World) -> None:
    publish_earlier(world, None)
    world.s3.faults = [Fault("PutObject", (1,), AwsError("no bucket", code="NoSuchBucket", status=404))]
    with pytest.raises(ClientError, match="NoSuchBucket"):
        world.deploy()


def test_state_machine_changed_by_another_process_is_reported(world: World) -> None:
    world.stepfunctions.definition = json.dumps({"StartAt": "X", "States": {}})
    assert "is not that of flow.json" in str(error_of(world))


@pytest.mark.parametrize("version", [None, "null"])
def test_bucket_without_versioning_is_rejected(world: World, version: str | None) -> None:
    world.s3.put_version = version
    assert "versioning is not enabled for bucket bucket" in str(error_of(world))


def test_unknown_stack_and_state_machine_are_rejected(world: World) -> None:
    assert str(error_of(world, stack="no-stack")) == "stack no-stack does not exist: deploy it first"
    assert "'Queue' is not a state machine that uses the macro M; these do: Workflow" in str(
        error_of(world, logical_id="Queue")
    )


def test_template_is_published_in_the_bucket(world: World) -> None:
    clients = world.clients
    url = publish_template(clients.cloudformation, clients.s3, STACK, UPDATER)
    assert url == "https://s3.test/bucket/templates/my-stack.template"
    assert json.loads(world.written[PUBLISHED[1]]) == TEMPLATE


def test_stack_that_is_not_an_updater_is_rejected(world: World) -> None:
    clients = world.clients
    with pytest.raises(
        UsageError, match="is not a workflow updater, it has no output 'DefinitionsBucketName'"
    ):
        publish_template(clients.cloudformation, clients.s3, STACK, STACK)
