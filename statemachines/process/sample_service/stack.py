"""Address and API key of the process, looked up in its stack."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from statemachines.process.sample_service.errors import SettingsError
from statemachines.process.sample_service.settings import PROCESS_API_KEY, PROCESS_URL

ENDPOINT_URL: Final = "AWS_ENDPOINT_URL"


@dataclass(frozen=True)
class Outputs:
    """Outputs of statemachines/process/template.yaml."""

    api_url: str
    api_id: str
    stage: str
    api_key_id: str

    @classmethod
    def of_stack(cls, stack_name: str, values: Mapping[str, str]) -> Outputs:
        try:
            return cls(values["ApiUrl"], values["ApiId"], values["ApiStage"], values["ApiKeyId"])
        except KeyError as error:
            raise SettingsError(
                f"the stack {stack_name} has no output {error.args[0]}: is it a stack of "
                "statemachines/process/template.yaml, and is it deployed completely?"
            ) from None


def look_up(stack_name: str, *, endpoint_url: str | None) -> dict[str, str]:
    """PROCESS_URL and PROCESS_API_KEY, as the environment would have them.

    Takes cloudformation:DescribeStacks and apigateway:GET on the key. With `endpoint_url`, that of a
    local AWS, the API is behind it. Raises SettingsError.
    """
    try:
        outputs = Outputs.of_stack(stack_name, _outputs(stack_name))
        answer = boto3.client("apigateway").get_api_key(apiKey=outputs.api_key_id, includeValue=True)
    except (BotoCoreError, ClientError) as error:
        where = f" at {endpoint_url}" if endpoint_url else ""
        raise SettingsError(f"the stack {stack_name} cannot be looked up{where}: {error}") from error
    return {PROCESS_URL: _url(outputs, endpoint_url), PROCESS_API_KEY: answer["value"]}


def endpoint_url() -> str | None:
    """Of a local AWS, if there is one."""
    return os.environ.get(ENDPOINT_URL) or None


def _outputs(stack_name: str) -> dict[str, str]:
    stacks: list[Any] = boto3.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"]
    return {item["OutputKey"]: item["OutputValue"] for item in stacks[0].get("Outputs", [])}


def _url(outputs: Outputs, endpoint_url: str | None) -> str:
    if endpoint_url is None:
        return outputs.api_url
    return f"{endpoint_url.rstrip('/')}/restapis/{outputs.api_id}/{outputs.stage}/_user_request_"
