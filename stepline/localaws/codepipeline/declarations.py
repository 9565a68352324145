"""Pipelines as they are declared: stages, actions, artifact stores, variables.

A declaration is parsed once from the API's document and never changes: an update creates a new version.
All names are those of the API.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import groupby, pairwise
from typing import Any


class ExecutionMode(StrEnum):
    SUPERSEDED = "SUPERSEDED"
    QUEUED = "QUEUED"
    PARALLEL = "PARALLEL"


@dataclass(frozen=True, kw_only=True)
class ActionType:
    category: str
    owner: str
    provider: str
    version: str

    def document(self) -> dict[str, str]:
        """Return the API's ActionTypeId."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class ArtifactStore:
    bucket: str
    encryption_key_id: str | None


@dataclass(frozen=True, kw_only=True)
class ActionDeclaration:
    name: str
    type: ActionType
    run_order: int
    configuration: Mapping[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    role_arn: str | None
    region: str | None
    namespace: str | None
    timeout_minutes: int | None
    commands: tuple[str, ...]
    output_files: Mapping[str, tuple[str, ...]]
    output_variables: tuple[str, ...]
    environment_variables: tuple[Mapping[str, str], ...]

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> ActionDeclaration:
        return cls(
            name=document["name"],
            type=ActionType(**document["actionTypeId"]),
            run_order=document.get("runOrder", 1),
            configuration=dict(document.get("configuration", {})),
            inputs=tuple(artifact["name"] for artifact in document.get("inputArtifacts", ())),
            outputs=tuple(artifact["name"] for artifact in document.get("outputArtifacts", ())),
            role_arn=document.get("roleArn"),
            region=document.get("region"),
            namespace=document.get("namespace"),
            timeout_minutes=document.get("timeoutInMinutes"),
            commands=tuple(document.get("commands", ())),
            output_files={
                artifact["name"]: tuple(artifact.get("files", ()))
                for artifact in document.get("outputArtifacts", ())
            },
            output_variables=tuple(document.get("outputVariables", ())),
            environment_variables=tuple(map(dict, document.get("environmentVariables", ()))),
        )


@dataclass(frozen=True, kw_only=True)
class StageDeclaration:
    name: str
    actions: tuple[ActionDeclaration, ...]

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> StageDeclaration:
        return cls(name=document["name"], actions=tuple(map(ActionDeclaration.parse, document["actions"])))

    def groups(self) -> Iterator[tuple[ActionDeclaration, ...]]:
        """Yield the actions that run in parallel, by ascending runOrder."""
        ordered = sorted(self.actions, key=lambda action: action.run_order)
        for _, group in groupby(ordered, key=lambda action: action.run_order):
            yield tuple(group)


@dataclass(frozen=True, kw_only=True)
class PipelineDeclaration:
    """One version of a pipeline. `document` is the response of GetPipeline; `stores` is keyed by region.

    The key None is the one store of a pipeline that declares no region.
    """

    name: str
    version: int
    role_arn: str
    stages: tuple[StageDeclaration, ...]
    stores: Mapping[str | None, ArtifactStore]
    mode: ExecutionMode
    type: str
    variables: Mapping[str, str | None]
    document: Mapping[str, Any]

    @classmethod
    def parse(
        cls, document: Mapping[str, Any], *, version: int, shown: Mapping[str, Any] | None = None
    ) -> PipelineDeclaration:
        """Parse the API's PipelineDeclaration, already validated against the service model.

        `shown`: the document with masked secrets, if it has some.
        """
        full = _with_defaults(document, version)
        return cls(
            name=full["name"],
            version=version,
            role_arn=full["roleArn"],
            stages=tuple(map(StageDeclaration.parse, full["stages"])),
            stores=_stores(full),
            mode=ExecutionMode(full["executionMode"]),
            type=full["pipelineType"],
            variables={item["name"]: item.get("defaultValue") for item in full.get("variables", ())},
            document=full if shown is None else _with_defaults(shown, version),
        )

    def store(self, region: str) -> ArtifactStore:
        """Return the artifact store of `region`; a pipeline declares one, or one for each region."""
        return self.stores.get(region) or self.stores[None]

    def actions(self) -> Iterator[ActionDeclaration]:
        return (action for stage in self.stages for action in stage.actions)

    def stage(self, name: str) -> StageDeclaration | None:
        return next((stage for stage in self.stages if stage.name == name), None)

    def declares(self, stage_name: str, action_name: str) -> bool:
        stage = self.stage(stage_name)
        return stage is not None and action_name in {action.name for action in stage.actions}

    def stage_after(self, name: str) -> str | None:
        """Return the name of the stage after the stage `name`, None after the last."""
        names = [stage.name for stage in self.stages]
        return dict(pairwise(names)).get(name)


def _with_defaults(document: Mapping[str, Any], version: int) -> dict[str, Any]:
    """Return the document with the defaults that AWS fills in."""
    stages = [
        {
            **stage,
            "actions": [
                {"runOrder": 1, "configuration": {}, "outputArtifacts": [], "inputArtifacts": [], **action}
                for action in stage["actions"]
            ],
        }
        for stage in document["stages"]
    ]
    defaults = {"executionMode": ExecutionMode.SUPERSEDED.value, "pipelineType": "V1"}
    return {**defaults, **document, "stages": stages, "version": version}


def _stores(document: Mapping[str, Any]) -> dict[str | None, ArtifactStore]:
    stores: dict[str | None, ArtifactStore] = {
        region: _store(store) for region, store in document.get("artifactStores", {}).items()
    }
    if "artifactStore" in document:
        stores[None] = _store(document["artifactStore"])
    return stores


def _store(document: Mapping[str, Any]) -> ArtifactStore:
    return ArtifactStore(
        bucket=document["location"], encryption_key_id=document.get("encryptionKey", {}).get("id")
    )
