"""Checks invariants after a burst, with the API, the log and the counted calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.load.burst import STACK_PREFIX, Burst
from benchmarks.load.calls import CONTINUED, SUCCEEDED
from benchmarks.load.local_aws import DeployedLocalAws

OPEN_JOBS_TABLE = "stepline-open-jobs"
_TEMPORARY_PREFIXES = ("templates/", "stepline/express/")


@dataclass(frozen=True)
class Finding:
    """One invariant, and what was observed."""

    invariant: str
    holds: bool
    observed: str


def check(local_aws: DeployedLocalAws, burst: Burst, calls: Counter[str]) -> list[Finding]:
    """Check all invariants; `calls` are those of the burst alone."""
    actions = list(_deploy_actions(local_aws, burst))
    return [
        _all_succeeded(local_aws, burst),
        _one_execution_per_action(local_aws, burst, actions),
        _one_result_per_job(burst, calls),
        one_final_result_per_action(burst, calls),
        _one_stack_per_execution(local_aws, burst),
        _no_temporary_objects(local_aws),
        _no_open_jobs(local_aws),
        _empty_log(local_aws),
    ]


def _all_succeeded(local_aws: DeployedLocalAws, burst: Burst) -> Finding:
    pages = local_aws.client("codepipeline").get_paginator("list_pipeline_executions")
    statuses: Counter[str] = Counter()
    unknown = 0
    for pipeline, started in burst.started.items():
        for page in pages.paginate(pipelineName=pipeline):
            for summary in page["pipelineExecutionSummaries"]:
                statuses[summary["status"]] += 1
                unknown += summary["pipelineExecutionId"] not in started
    return Finding(
        "every pipeline execution succeeded, and none is missing or unknown",
        statuses == {"Succeeded": burst.count} and not unknown,
        _counts_text(statuses) + (f", {unknown} unknown" if unknown else ""),
    )


def _one_execution_per_action(local_aws: DeployedLocalAws, burst: Burst, actions: list[Any]) -> Finding:
    reported = Counter(
        action["output"]["executionResult"].get("externalExecutionId", "") for action in actions
    )
    pages = local_aws.client("stepfunctions").get_paginator("list_executions")
    succeeded = Counter(
        {
            execution["executionArn"]: 1
            for page in pages.paginate(stateMachineArn=local_aws.outputs["StateMachineArn"])
            for execution in page["executions"]
            if execution["status"] == "SUCCEEDED"
        }
    )
    of_the_burst = Counter({arn: count for arn, count in succeeded.items() if arn in reported})
    others = len(succeeded) - len(of_the_burst)  # the first commit started the pipeline of the stack
    return Finding(
        "each action has one execution of the state machine, and each execution one action",
        reported == of_the_burst and len(reported) == burst.count and others == 1,
        f"{len(actions)} actions, {len(reported)} reported executions, {len(succeeded) - 1} executions",
    )


def _one_result_per_job(burst: Burst, calls: Counter[str]) -> Finding:
    """A second result is refused: of the worker that holds a job just when its execution ends."""
    jobs = calls[f"codepipeline:AcknowledgeJob {SUCCEEDED}"]
    results = {name: count for name, count in calls.items() if ":PutJob" in name}
    accepted = sum(count for name, count in results.items() if name.endswith(f" {SUCCEEDED}"))
    refused = sum(results.values()) - accepted
    return Finding(
        "each job has one result",
        accepted == jobs == 2 * burst.count,
        f"{jobs} jobs, {accepted} results, {refused} refused",
    )


def one_final_result_per_action(burst: Burst, calls: Counter[str]) -> Finding:
    final = calls[f"codepipeline:PutJobSuccessResult {SUCCEEDED}"]
    continued = calls[f"codepipeline:{CONTINUED} {SUCCEEDED}"]
    return Finding(
        "each action has one final result, and was started once",
        final == burst.count == calls[f"states:StartExecution {SUCCEEDED}"],
        f"{final} final results, {continued} with a continuation token",
    )


def _one_stack_per_execution(local_aws: DeployedLocalAws, burst: Burst) -> Finding:
    client = local_aws.client("cloudformation")
    expected = {f"{STACK_PREFIX}{name}" for executions in burst.started.values() for name in executions}
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
        "each execution deployed its stack, and deleted its change set",
        found == expected and statuses == {"CREATE_COMPLETE": burst.count} and not change_sets,
        f"stacks: {_counts_text(statuses)}; change sets: {change_sets}",
    )


def _no_temporary_objects(local_aws: DeployedLocalAws) -> Finding:
    client = local_aws.client("s3")
    bucket = local_aws.outputs["ArtifactBucketName"]
    objects = sum(
        client.list_objects_v2(Bucket=bucket, Prefix=prefix)["KeyCount"] for prefix in _TEMPORARY_PREFIXES
    )
    return Finding("temporary objects are deleted", objects == 0, f"{objects} objects")


def _no_open_jobs(local_aws: DeployedLocalAws) -> Finding:
    items = local_aws.client("dynamodb").scan(TableName=OPEN_JOBS_TABLE, Select="COUNT")["Count"]
    return Finding("no job is left in the table of open jobs", items == 0, f"{items} items")


def _empty_log(local_aws: DeployedLocalAws) -> Finding:
    lines = [line for line in local_aws.log().splitlines() if line.strip()]
    return Finding("the local AWS logged nothing", not lines, f"{len(lines)} lines in its log")


def _deploy_actions(local_aws: DeployedLocalAws, burst: Burst) -> Iterator[Any]:
    pages = local_aws.client("codepipeline").get_paginator("list_action_executions")
    for pipeline in burst.started:
        for page in pages.paginate(pipelineName=pipeline):
            for detail in page["actionExecutionDetails"]:
                if detail["actionName"] == "Deploy":
                    yield detail


def _counts_text(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "none"
