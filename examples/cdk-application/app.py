"""An application of the AWS CDK with code: two functions, one of them in a nested stack."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import App, CfnOutput, NestedStack, Stack
from aws_cdk.aws_lambda import Code, Function, Runtime
from constructs import Construct

CODE = str(Path(__file__).parent / "src")


def greeting(scope: Construct, name: str) -> Function:
    code = Code.from_asset(CODE, exclude=["__pycache__"])
    return Function(scope, name, runtime=Runtime.PYTHON_3_13, handler="greet.handler", code=code)


app = App(analytics_reporting=False)
stack = Stack(app, "Greetings", description="A sample application of the AWS CDK")
CfnOutput(stack, "FunctionName", value=greeting(stack, "Greet").function_name)
CfnOutput(stack, "NestedFunctionName", value=greeting(NestedStack(stack, "More"), "Greet").function_name)
app.synth()
