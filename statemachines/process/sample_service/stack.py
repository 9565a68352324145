"""Reads the URL and the API key of the process from its stack."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from statemachines.process.sample_service.settings import PROCESS_API_KEY, PROCESS_URL
from stepline.core.errors import SettingsError
from stepline.core.rest_apis import local_invoke_url


def read_settings(stack_name: str, *, endpoint_url: str | None) -> dict[str, str]:
    """Return PROCESS_URL and PROCESS_API_KEY, from outputs of statemachines/process/template.yaml.

    Needs cloudformation:DescribeStacks, and apigateway:GET on the key. With `endpoint_url`, the endpoint of a
    local AWS serves the API. Raises SettingsError.
    """
    try:
        outputs = _read_outputs(stack_name)
        url = outputs["ApiUrl"]
        if endpoint_url is not None:
            url = local_invoke_url(url, endpoint_url)
        key = boto3.client("apigateway").get_api_key(apiKey=outputs["ApiKeyId"], includeValue=True)
        return {PROCESS_URL: url, PROCESS_API_KEY: key["value"]}
    except KeyError as error:
        raise SettingsError(
            f"the stack {stack_name} has no output {error.args[0]}: is it a stack of "
            "statemachines/process/template.yaml, and is it deployed completely?"
        ) from None
    except (BotoCoreError, ClientError) as error:
        endpoint = f" at {endpoint_url}" if endpoint_url else ""
        raise SettingsError(f"the stack {stack_name} cannot be read{endpoint}: {error}") from error


def _read_outputs(stack_name: str) -> dict[str, str]:
    stacks: list[Any] = boto3.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"]
    return {item["OutputKey"]: item["OutputValue"] for item in stacks[0].get("Outputs", [])}
