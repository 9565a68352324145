"""CodePipeline for the local AWS: pipelines, executions and the job contract, over the AWS API.

    pipelines = CodePipeline(clock=..., clients=ServiceClients(...), events=..., sources={
        "CodeCommit": CodeCommitSource(codecommit_client, codecommit.archive, region=...),
    })

How it hangs together: `api` takes requests; `registry` knows the pipelines; `control` starts, stops
and retries; `flow` moves executions through stages and actions; `engine` chooses who does an action's
work (`source_action`, `lambda_action` with `jobs` and `delivery`, `approval`); `core` holds the lock,
the clock and the way out for events.
"""

from stepline.localaws.codepipeline.api import CodePipeline
from stepline.localaws.codepipeline.clients import Clients, ServiceClients
from stepline.localaws.codepipeline.models import Revision
from stepline.localaws.codepipeline.settings import Settings
from stepline.localaws.codepipeline.sources import CodeCommitSource, S3Source, Source, SourceError

__all__ = [
    "Clients",
    "CodeCommitSource",
    "CodePipeline",
    "Revision",
    "S3Source",
    "ServiceClients",
    "Settings",
    "Source",
    "SourceError",
]
