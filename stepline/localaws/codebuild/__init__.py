"""CodeBuild: the commands of a build run as processes of this machine.

`submission` builds the configuration of a build, `scheduler` queues and ends builds, `execution` runs the
phases of one. It parses the `buildspec`, downloads `sources`, sets `variables`, finds the programs of this
machine (`toolchain`), runs commands (`shell`, `processes`, `runner`), and uploads (`artifacts`, `uploads`).
"""

from stepline.localaws.codebuild.execution import Environment
from stepline.localaws.codebuild.models import (
    Build,
    BuildStatus,
    PipelineArtifact,
    PipelineInput,
    PipelineSource,
    S3Object,
)
from stepline.localaws.codebuild.service import CodeBuild
from stepline.localaws.codebuild.sources import Sources

__all__ = [
    "Build",
    "BuildStatus",
    "CodeBuild",
    "Environment",
    "PipelineArtifact",
    "PipelineInput",
    "PipelineSource",
    "S3Object",
    "Sources",
]
