"""What the acceptance run will create, and what that costs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from rich.table import Table

from stepline.deployment import template
from tests.acceptance import redrive_steps
from tests.acceptance.environment import PROJECT, SYSTEMS, Environment
from tests.acceptance.system_steps import sample_stack

_PRICED = {
    "AWS::KMS::Key": "a dollar a month, by the hour, until its deletion is scheduled",
    "AWS::CodePipeline::Pipeline": "0.002 dollars for each minute of an action",
    "AWS::Batch::ComputeEnvironment": "Fargate: about 0.01 dollars for an hour of one job",
    "AWS::EC2::VPC": "nothing",
    "AWS::CloudWatch::Alarm": "0.10 dollars a month, by the hour",
    "AWS::CloudWatch::Dashboard": "3 dollars a month, by the hour, above three of an account",
}
"""Resources that cost something while they exist or run, in us-east-1 [AWS's price lists, 2026]."""

TOTAL = "Everything else costs by use, far below a cent for this run. The whole run costs less than a dollar."


def plan(environment: Environment) -> Table:
    """Return a table of the stacks, their resources, and what these cost."""
    table = Table("stack", "resources", "costs besides use", pad_edge=False)
    files = {environment.stack_name(): PROJECT / "template.yaml"}
    files |= {
        environment.stack_name(s): PROJECT / "statemachines" / s / "template.yaml"
        for s in (*SYSTEMS, "rollout")
    }
    files[sample_stack(environment)] = PROJECT / "statemachines/workflow/sample.yaml"
    files[redrive_steps.name_of(environment)] = PROJECT / "examples/redrive/pipeline.yaml"
    files[f"{environment.prefix}-app"] = PROJECT / "app/template.yaml"
    for name, file in files.items():
        types = _types(file)
        costs = [f"{count} {kind}: {_PRICED[kind]}" for kind, count in types.items() if kind in _PRICED]
        table.add_row(name, str(types.total()), "\n".join(costs))
    return table


def _types(file: Path) -> Counter[str]:
    """Count the resources of a template by their types, with those of its nested stacks."""
    found: Counter[str] = Counter()
    for resource in template.read_template(file)["Resources"].values():
        found[resource["Type"]] += 1
        if resource["Type"] == "AWS::Serverless::Application":
            found += _types(file.parent / resource["Properties"]["Location"])
    return found
