"""Names and ARNs of CodeBuild."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Arns:
    account_id: str
    region: str

    def project(self, name: str) -> str:
        return f"arn:aws:codebuild:{self.region}:{self.account_id}:project/{name}"

    def build(self, build_id: str) -> str:
        """`build_id`: `<project name>:<UUID>`."""
        return f"arn:aws:codebuild:{self.region}:{self.account_id}:build/{build_id}"

    def log_group(self, name: str) -> str:
        return f"arn:aws:logs:{self.region}:{self.account_id}:log-group:{name}"

    def default_key(self) -> str:
        """Return the ARN of the key that encrypts artifacts if the project names none [CreateProject]."""
        return f"arn:aws:kms:{self.region}:{self.account_id}:alias/aws/s3"


def short_name(name_or_arn: str) -> str:
    """Return `name` for `name` and for `arn:…:project/name`, and a build's id for its ARN."""
    return name_or_arn.partition("/")[2] if name_or_arn.startswith("arn:") else name_or_arn
