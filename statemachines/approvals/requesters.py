"""Finds who asked for a deployment, and whether an approver may be the same person.

The person that AWS has authenticated is in the trigger of the pipeline execution, if a person started it. A
push is reported by a rule, which does not say who pushed, and anybody can write any author into a commit. So
the requester of a push is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from stepline.core.aws_errors import AWS_FAILURES, error_code, is_transient

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient

_PRINCIPAL: Final = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):(?:iam|sts)::(?P<account>[0-9]{12})"
    r":(?P<kind>user|role|assumed-role|federated-user|root)(?:/(?P<name>[\x21-\x7e]+))?"
)
_IDENTITY_CENTER: Final = "AWSReservedSSO_"
"""The names of roles of IAM Identity Center begin so. It sets the session's name to that of its user; a
session of any other role has the name that its caller chooses (IAM User Guide [doc])."""


@dataclass(frozen=True)
class Requester:
    """`arn` is empty if the requester is unknown, and then `explanation` says why."""

    arn: str = ""
    explanation: str = ""


@dataclass(frozen=True)
class Principal:
    """An IAM user, a role, a session of a role, a federated user or the root user."""

    account: str
    kind: str
    name: str  # without its path, as in the ARNs of a role's sessions; it is unique all the same
    session: str = ""

    @classmethod
    def parse(cls, arn: str) -> Self | None:
        match = _PRINCIPAL.fullmatch(arn)
        if match is None:
            return None
        kind, name = match["kind"], match["name"] or ""
        if kind == "assumed-role":
            role, _, session = name.partition("/")
            return cls(match["account"], "role", role, session)
        return cls(match["account"], kind, name.rpartition("/")[2])

    def is_certainly_another_than(self, other: Self) -> bool:
        """Return whether the two cannot be the same caller, as far as their ARNs show it.

        Two sessions of one role can be of one person, who chose two names, unless IAM Identity Center named
        them.
        """
        if (self.account, self.kind, self.name) != (other.account, other.kind, other.name):
            return True
        is_named = self.kind == "role" and self.name.startswith(_IDENTITY_CENTER)
        return is_named and "" not in {self.session, other.session} and self.session != other.session


def find_requester(codepipeline: CodePipelineClient, codepipeline_input: object) -> Requester:
    """Return who started the pipeline execution. `codepipeline_input` is that member of the input."""
    found = codepipeline_input if isinstance(codepipeline_input, Mapping) else {}
    pipeline, execution = found.get("pipelineName"), found.get("pipelineExecutionId")
    if not isinstance(pipeline, str) or not isinstance(execution, str):
        return Requester(explanation="the input does not name the pipeline and its execution")
    try:
        response = codepipeline.get_pipeline_execution(pipelineName=pipeline, pipelineExecutionId=execution)
    except AWS_FAILURES as error:
        if is_transient(error):
            raise
        return Requester(explanation=f"the pipeline execution could not be read ({error_code(error)})")
    trigger = response["pipelineExecution"].get("trigger", {})
    detail, kind = trigger.get("triggerDetail", ""), trigger.get("triggerType", "an unknown event")
    if Principal.parse(detail) is not None:
        return Requester(arn=detail)
    return Requester(explanation=f"the pipeline was started by {kind}, which does not say by whom")
