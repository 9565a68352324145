"""What must hold after a burst, looked at from outside: the API, the log, and the counted calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.load.burst import STACK_PREFIX, Burst, trigger_function
from benchmarks.load.calls import CONTINUED, INVOKE, SUCCEEDED
from benchmarks.load.local_aws import LocalAws

_TEMPORARY_PREFIXES = ("templates/", "stepline/express/")


@dataclass(frozen=True)
class Finding:
    """One invariant; `seen` says what was found, whether it holds or not."""

    invariant: str
    holds: bool
    seen: str


def check(local_aws: LocalAws, burst: Burst, calls: Counter[str]) -> list[Finding]:
    """`calls` are those of the burst alone."""
    actions = list(_deploy_actions(local_aws, burst))
    return [
        _all_succeeded(local_aws, burst),
        _one_execution_per_action(local_aws, burst, actions),
        _each_job_answered_once(local_aws, burst, calls),
        _one_end_per_action(burst, calls),
        _stacks_as_wanted(local_aws, burst),
        _nothing_temporary(local_aws),
        _quiet_log(local_aws),
    ]


def _all_succeeded(local_aws: LocalAws, burst: Burst) -> Finding:
    pages = local_aws.client("codepipeline").get_paginator("list_pipeline_executions")
    statuses: Counter[str] = Counter()
    strangers = 0
    for pipeline, started in burst.started.items():
        for page in pages.paginate(pipelineName=pipeline):
            for summary in page["pipelineExecutionSummaries"]:
                statuses[summary["status"]] += 1
                strangers += summary["pipelineExecutionId"] not in started
    return Finding(
        "every pipeline execution succeeded, none is lost, none came from nowhere",
        statuses == {"Succeeded": burst.count} and not strangers,
        _told(statuses) + (f", {strangers} that nobody started" if strangers else ""),
    )


def _one_execution_per_action(local_aws: LocalAws, burst: Burst, actions: list[Any]) -> Finding:
    reported = Counter(
        action["output"]["executionResult"].get("externalExecutionId", "") for action in actions
    )
    pages = local_aws.client("stepfunctions").get_paginator("list_executions")
    running = Counter(
        {
            execution["executionArn"]: 1
            for page in pages.paginate(stateMachineArn=local_aws.outputs["StateMachineArn"])
            for execution in page["executions"]
            if execution["status"] == "SUCCEEDED"
        }
    )
    of_the_burst = Counter({arn: count for arn, count in running.items() if arn in reported})
    others = len(running) - len(of_the_burst)  # of the first commit, which made the pipeline of the stack run
    return Finding(
        "each action has one execution of the state machine, and each execution one action",
        reported == of_the_burst and len(reported) == burst.count and others == 1,
        f"{len(actions)} actions, {len(reported)} executions named by them, {len(running) - 1} executions",
    )


def _each_job_answered_once(local_aws: LocalAws, burst: Burst, calls: Counter[str]) -> Finding:
    """The function was invoked once for each job, since no invocation failed."""
    function = trigger_function(local_aws)
    jobs = calls[f"lambda:{INVOKE.format(function=function)} {SUCCEEDED}"]
    answers = {name: count for name, count in calls.items() if ":PutJob" in name}
    taken = sum(count for name, count in answers.items() if name.endswith(f" {SUCCEEDED}"))
    refused = sum(answers.values()) - taken
    return Finding(
        "each job was answered once",
        refused == 0 and taken == jobs >= 2 * burst.count,
        f"{jobs} jobs, {taken} answers, {refused} refused",
    )


def _one_end_per_action(burst: Burst, calls: Counter[str]) -> Finding:
    ends = calls[f"codepipeline:PutJobSuccessResult {SUCCEEDED}"]
    continued = calls[f"codepipeline:{CONTINUED} {SUCCEEDED}"]
    return Finding(
        "each action has one final answer, and was started once",
        ends == burst.count == calls[f"states:StartExecution {SUCCEEDED}"],
        f"{ends} final answers, {continued} that asked for another job",
    )


def _stacks_as_wanted(local_aws: LocalAws, burst: Burst) -> Finding:
    client = local_aws.client("cloudformation")
    wanted = {f"{STACK_PREFIX}{name}" for executions in burst.started.values() for name in executions}
    statuses: Counter[str] = Counter()
    change_sets = 0
    found = set()
    for page in client.get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            if stack["StackName"].startswith(STACK_PREFIX):
                found.add(stack["StackName"])
                statuses[stack["StackStatus"]] += 1
    for name in found:
        change_sets += len(client.list_change_sets(StackName=name)["Summaries"])
    return Finding(
        "each execution deployed its stack, and left no change set",
        found == wanted and statuses == {"CREATE_COMPLETE": burst.count} and not change_sets,
        f"stacks: {_told(statuses)}; change sets: {change_sets}",
    )


def _nothing_temporary(local_aws: LocalAws) -> Finding:
    client = local_aws.client("s3")
    bucket = local_aws.outputs["ArtifactBucketName"]
    left = sum(
        client.list_objects_v2(Bucket=bucket, Prefix=prefix)["KeyCount"] for prefix in _TEMPORARY_PREFIXES
    )
    return Finding("no temporary object is left", left == 0, f"{left} objects")


def _quiet_log(local_aws: LocalAws) -> Finding:
    lines = [line for line in local_aws.log().splitlines() if line.strip()]
    return Finding("the local AWS had nothing to complain about", not lines, f"{len(lines)} lines in its log")


def _deploy_actions(local_aws: LocalAws, burst: Burst) -> Iterator[Any]:
    pages = local_aws.client("codepipeline").get_paginator("list_action_executions")
    for pipeline in burst.started:
        for page in pages.paginate(pipelineName=pipeline):
            for detail in page["actionExecutionDetails"]:
                if detail["actionName"] == "Deploy":
                    yield detail


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "none"
