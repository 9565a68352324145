"""Layers of a stack, which its functions find."""

from __future__ import annotations

import io
import json
import zipfile

from tests.localaws.cloudformation.deployments import Deployment, resources
from tests.localaws.running_server import Server

PUBLISHED = "arn:aws:lambda:us-east-1:017000801446:layer:AWSLambdaPowertoolsPythonV3-python313-x86_64:7"
"""A layer of AWS, whose content is not here."""


def test_function_of_a_stack_finds_the_modules_of_its_layers(deployment: Deployment, server: Server) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("python/shared.py", "NAME = 'of the layer'")
    s3 = server.client("s3")
    s3.create_bucket(Bucket="layers")
    s3.put_object(Bucket="layers", Key="layer.zip", Body=content.getvalue())
    template = resources(
        Shared=("AWS::Serverless::LayerVersion", {"ContentUri": "s3://layers/layer.zip"}),
        Function=(
            "AWS::Serverless::Function",
            {
                "InlineCode": "import shared\ndef handler(event, context): return shared.NAME\n",
                "Handler": "index.handler",
                "Runtime": "python3.13",
                "Layers": [{"Ref": "Shared"}, PUBLISHED],
            },
        ),
    )
    template |= {
        "Transform": "AWS::Serverless-2016-10-31",
        "Outputs": {"Name": {"Value": {"Ref": "Function"}}},
    }
    name = deployment.create(template).outputs()["Name"]
    response = server.client("lambda").invoke(FunctionName=name)
    assert json.loads(response["Payload"].read()) == "of the layer"
