"""`stepline workflow deploy` against services in memory: what is refused, and that nothing is left behind."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepline.aws.polling import Polling, TimeoutPassedError
from stepline.core.errors import UsageError
from stepline.workflow import deployment
from tests.statemachines.fake_client import FakeAwsError, Fault
from tests.workflow.fakes import MACHINE, NEW_TEXT, STACK, TEMPLATE, UPDATER, Cloud, change

_DONE = {"ResourceStatus": "UPDATE_COMPLETE", "LogicalResourceId": "Queue"}


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def refused(cloud: Cloud, **how: Any) -> UsageError:
    with pytest.raises(UsageError) as caught:
        cloud.deploy(**how)
    assert cloud.stacks.change_sets == {} or cloud.stacks.executed, "a change set is left behind"
    return caught.value


def test_a_definition_is_deployed(cloud: Cloud) -> None:
    outcome = cloud.deploy()
    assert outcome == deployment.Outcome(MACHINE, changed=True, revision="r2")
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
    assert cloud.shown[:3] == ["~ the machine", "+ B", "- A"]


def test_a_dry_run_changes_nothing_and_leaves_nothing(cloud: Cloud) -> None:
    outcome = cloud.deploy(dry_run=True)
    assert outcome == deployment.Outcome(MACHINE, changed=True, revision=None)
    assert cloud.stacks.change_sets == {}
    assert cloud.stacks.executed == {}
    assert "+ B" in cloud.shown


def test_what_is_deployed_already_is_no_failure(cloud: Cloud) -> None:
    cloud.stacks.made = ("FAILED", "The submitted information didn't contain changes.")
    assert cloud.deploy() == deployment.Outcome(MACHINE, changed=False, revision=None)
    assert cloud.stacks.change_sets == {}
    assert cloud.said == ["flow.json is deployed already: nothing to change"]


def test_the_macros_reason_is_told(cloud: Cloud) -> None:
    cloud.stacks.made = ("FAILED", "Transform 1::M failed with: no machine")
    assert str(refused(cloud)) == "nothing was changed: Transform 1::M failed with: no machine"


def test_a_change_of_something_else_on_the_second_page_is_refused(cloud: Cloud) -> None:
    cloud.stacks.pages = [[change()], [change("Queue", "QueueName")]]
    assert refused(cloud).details == ("Queue (AWS::SQS::Queue): Modify",)


def test_a_change_that_no_change_set_tells_is_refused(cloud: Cloud) -> None:
    cloud.stacks.extra_template = {"Outputs": {"Url": {"Value": "x"}}}
    assert refused(cloud).details == ("Outputs",)


def test_another_parameter_that_changes_is_refused(cloud: Cloud) -> None:
    """Such as one whose value is kept in Systems Manager."""
    cloud.stacks.interference["DescribeChangeSet", 1] = lambda: next(iter(cloud.stacks.change_sets.values()))[
        "values"
    ].update(Size="2")
    assert "parameters would change: Size" in str(refused(cloud))


def test_another_text_than_the_files_is_refused(cloud: Cloud) -> None:
    cloud.stacks.injected = NEW_TEXT + " "
    assert "the macro M injected another definition" in str(refused(cloud))


@pytest.mark.parametrize("last", ["CreateChangeSet", "DescribeChangeSet", "GetTemplate"])
def test_what_aws_refuses_leaves_no_change_set(cloud: Cloud, last: str) -> None:
    on = (2,) if last == "GetTemplate" else (1,)
    cloud.stacks.faults = [Fault(last, on, FakeAwsError("AccessDenied", "no", 403), acted=True)]
    with pytest.raises(ClientError):
        cloud.deploy()
    assert cloud.stacks.change_sets == {}


def test_ctrl_c_leaves_no_change_set(cloud: Cloud) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    cloud.stacks.made = ("CREATE_IN_PROGRESS", "")
    cloud.polling = Polling(1.0, None, sleep=interrupt)
    with pytest.raises(KeyboardInterrupt):
        cloud.deploy()
    assert cloud.stacks.change_sets == {}
    assert cloud.held == 2  # while it was made, and while it was deleted


def test_ctrl_c_while_the_stack_is_updated_says_that_it_goes_on(cloud: Cloud) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    cloud.polling = Polling(1.0, None, sleep=interrupt)
    with pytest.raises(KeyboardInterrupt):
        cloud.deploy()
    assert cloud.said[-1] == "the update of my-stack goes on without being watched"


def test_change_set_that_cannot_be_executed_yet_is_waited_for(cloud: Cloud) -> None:
    """CREATE_COMPLETE and UNAVAILABLE: executing it now would fail as if another process was updating."""
    cloud.stacks.execution_statuses = ["UNAVAILABLE", "UNAVAILABLE"]
    waited: list[float] = []
    cloud.polling = Polling(1.0, None, sleep=waited.append)
    assert cloud.deploy().revision == "r2"
    assert len(waited) >= 2


def test_status_of_an_earlier_update_is_not_taken_for_this_one(cloud: Cloud) -> None:
    """ExecuteChangeSet only accepts: the stack shows the status of before for a moment."""
    cloud.stacks.statuses = ["UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"]
    cloud.stacks.accepted_only = True
    assert "as it was before (UPDATE_ROLLBACK_COMPLETE)" in str(refused(cloud))


def test_it_does_not_wait_for_ever(cloud: Cloud) -> None:
    times = iter(range(0, 1_000, 10))
    cloud.stacks.statuses = ["UPDATE_IN_PROGRESS"]
    cloud.polling = Polling(1.0, 25.0, sleep=lambda _seconds: None, monotonic=lambda: float(next(times)))
    with pytest.raises(TimeoutPassedError):
        cloud.deploy()


def test_a_rollback_is_told_with_its_reason(cloud: Cloud) -> None:
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
    error = refused(cloud)
    assert str(error) == "the update failed, and my-stack is as it was before (UPDATE_ROLLBACK_COMPLETE)"
    assert error.details == ("Workflow (AWS::StepFunctions::StateMachine): denied",)


def test_a_broken_stack_needs_a_person(cloud: Cloud) -> None:
    cloud.stacks.statuses = ["UPDATE_ROLLBACK_FAILED"]
    assert "a person must look at it" in str(refused(cloud))


@pytest.mark.parametrize(
    ("code", "message"), [("InvalidChangeSetStatus", "obsolete"), ("ChangeSetNotFound", "gone")]
)
def test_another_update_that_came_first_is_reported(cloud: Cloud, code: str, message: str) -> None:
    cloud.stacks.faults = [Fault("ExecuteChangeSet", (1,), FakeAwsError(code, message))]
    assert "my-stack is being updated by another process" in str(refused(cloud))


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("UPDATE_IN_PROGRESS", "it is being updated; try again when that is over"),
        ("UPDATE_ROLLBACK_FAILED", "cannot be updated"),
        ("REVIEW_IN_PROGRESS", "cannot be updated"),
        ("DELETE_FAILED", "cannot be updated"),
    ],
)
def test_a_stack_that_cannot_be_updated_is_told(cloud: Cloud, status: str, told: str) -> None:
    cloud.stacks.status = status
    assert told in str(refused(cloud))
    assert cloud.objects.written == {}


PUBLISHED = "bucket/templates/my-stack.template"


@pytest.mark.parametrize("before", [None, json.dumps({**TEMPLATE, "Description": "before"})])
def test_whoever_may_publishes_the_template_on_the_way(cloud: Cloud, before: str | None) -> None:
    cloud.objects.template = before
    assert cloud.deploy().changed
    assert json.loads(cloud.objects.written[PUBLISHED]) == TEMPLATE
    assert "published the template of my-stack as it is now" in cloud.said


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (None, "the template of my-stack is not published"),
        (json.dumps({**TEMPLATE, "Description": "before"}), "has got another template since"),
    ],
)
def test_a_developer_is_told_who_must_publish_it(cloud: Cloud, before: str | None, told: str) -> None:
    """An old one would bring back what was changed since."""
    cloud.objects.template, cloud.objects.refused = before, "bucket/templates/"
    message = str(refused(cloud))
    assert told in message
    assert "whoever is in charge of the stack runs `stepline workflow publish --stack my-stack`" in message


def test_what_keeps_a_template_from_being_published_otherwise_is_told(cloud: Cloud) -> None:
    cloud.objects.template = None
    cloud.objects.faults = [Fault("PutObject", (1,), FakeAwsError("NoSuchBucket", "no bucket", 404))]
    with pytest.raises(ClientError, match="NoSuchBucket"):
        cloud.deploy()


def test_a_machine_that_somebody_changed_meanwhile_is_told(cloud: Cloud) -> None:
    cloud.machines.definition = json.dumps({"StartAt": "X", "States": {}})
    assert "has another definition than flow.json" in str(refused(cloud))


@pytest.mark.parametrize("version", [None, "null"])
def test_a_bucket_without_versions_is_told(cloud: Cloud, version: str | None) -> None:
    cloud.objects.version = version
    assert "the bucket bucket has no versions" in str(refused(cloud))


def test_what_is_not_there_is_told(cloud: Cloud) -> None:
    assert str(refused(cloud, stack="no-stack")) == "there is no stack no-stack: deploy it first"
    assert "'Queue' is no state machine with the macro M; those are Workflow" in str(
        refused(cloud, logical_id="Queue")
    )


def test_a_template_is_published_where_developers_may_take_it_from(cloud: Cloud) -> None:
    url = deployment.publish(cloud.clients, STACK, UPDATER)
    assert url == "https://s3.test/bucket/templates/my-stack.template"
    assert json.loads(cloud.objects.written["bucket/templates/my-stack.template"]) == TEMPLATE


def test_an_updater_that_is_none_is_told(cloud: Cloud) -> None:
    with pytest.raises(
        UsageError, match="is no updater of workflows, it has no output 'DefinitionsBucketName'"
    ):
        deployment.publish(cloud.clients, STACK, STACK)
