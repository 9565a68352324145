# A stepline action for a pipeline in Terraform. Its parts are the outputs of pipeline/template.yaml, which is deployed
# once for each account and region: docs/action.md.

terraform {
  required_version = ">= 1.3"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

data "aws_cloudformation_stack" "action" {
  name = var.stack_name
}

locals {
  outputs          = data.aws_cloudformation_stack.action.outputs
  is_lambda_action = var.user_parameters != null

  user_parameters = var.user_parameters == null ? "" : jsonencode(merge(var.user_parameters, {
    pipelineExecutionId = "#{codepipeline.PipelineExecutionId}"
  }))
}

resource "aws_iam_role_policy_attachment" "pipeline" {
  count = local.is_lambda_action ? (var.pipeline_role_name == null ? 0 : 1) : 0

  role       = var.pipeline_role_name
  policy_arn = local.outputs["PipelinePolicyArn"]
}
