"""A pipeline that knows nothing of stepline, but for the last stage. docs/action.md explains it."""

import aws_cdk as cdk
from aws_cdk import aws_codecommit as codecommit
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as actions
from aws_cdk import aws_stepfunctions as sfn

from stepline.cdk import StateMachineAction


class Migration(cdk.Stack):
    def __init__(self, scope: cdk.App, name: str) -> None:
        super().__init__(scope, name)
        repository = codecommit.Repository(self, "Repository", repository_name="migration")

        # The state machine that the action runs.
        sfn.StateMachine(
            self,
            "Migration",
            state_machine_name="migration",
            definition_body=sfn.DefinitionBody.from_chainable(
                sfn.Pass.jsonata(self, "Count Rows", outputs={"rows": "{% $count($states.input.tables) %}"})
            ),
        )

        source = codepipeline.Artifact("SourceOutput")
        pipeline = codepipeline.Pipeline(
            self,
            "Pipeline",
            pipeline_name="migration",
            pipeline_type=codepipeline.PipelineType.V2,
        )
        pipeline.add_stage(
            stage_name="Source",
            actions=[
                actions.CodeCommitSourceAction(
                    action_name="Source", repository=repository, branch="main", output=source
                )
            ],
        )
        pipeline.add_stage(
            stage_name="Migrate",
            actions=[
                StateMachineAction(
                    action_name="Migrate",
                    inputs=[source],
                    input_file="migration.json",
                    timeout_minutes=60,
                    variables_namespace="Migrate",
                )
            ],
        )


app = cdk.App()
Migration(app, "migration")
app.synth()
