"""CodePipeline for the local AWS: pipelines, executions and the job contract, over the AWS API.

    codepipeline = CodePipeline(Context(clock, events), clients=ServiceClients(...), sources={
        "CodeCommit": CodeCommitSource(codecommit_client, codecommit.archive, region=...),
    })

`service` serves the API; `store` keeps the pipelines; `execution_requests` starts, stops and retries
executions; `execution_flow` moves them through stages and actions; `providers` starts each action, and
`actions` has a module for each of AWS's action types, which `action_type_registry` lists together with those
of `custom_action_types`; `jobs` and `approvals` take results, and `job_queue` has the jobs that workers poll
for; `runtime` holds the lock, the clock and the events to be sent.
"""

from stepline.localaws.codepipeline.actions.codecommit_source import CodeCommitSource
from stepline.localaws.codepipeline.actions.connection_source import connection_source, github_source
from stepline.localaws.codepipeline.actions.ecr_source import EcrSource
from stepline.localaws.codepipeline.actions.s3_source import S3Source
from stepline.localaws.codepipeline.builds import BuildOutcome, BuildRequest
from stepline.localaws.codepipeline.clients import ServiceClients
from stepline.localaws.codepipeline.repositories import GitCommit, GitRepositories, RevisionNotFoundError
from stepline.localaws.codepipeline.results import Revision
from stepline.localaws.codepipeline.service import CodePipeline
from stepline.localaws.codepipeline.settings import Settings
from stepline.localaws.codepipeline.sources import Source, SourceError

__all__ = [
    "BuildOutcome",
    "BuildRequest",
    "CodeCommitSource",
    "CodePipeline",
    "EcrSource",
    "GitCommit",
    "GitRepositories",
    "Revision",
    "RevisionNotFoundError",
    "S3Source",
    "ServiceClients",
    "Settings",
    "Source",
    "SourceError",
    "connection_source",
    "github_source",
]
