# A pipeline that knows nothing of stepline, but for the module and the last stage. docs/action.md explains it.

variable "state_machine_role_arn" {
  description = "A role that Step Functions may assume."
  type        = string
}

variable "pipeline_role_name" {
  description = "A role that CodePipeline may assume, with permissions for the repository and the bucket."
  type        = string
}

data "aws_iam_role" "pipeline" {
  name = var.pipeline_role_name
}

resource "aws_codecommit_repository" "migration" {
  repository_name = "migration"
}

resource "aws_s3_bucket" "artifacts" {
  bucket_prefix = "migration-artifacts-"
}

# The state machine that the action runs.
resource "aws_sfn_state_machine" "migration" {
  name     = "migration"
  role_arn = var.state_machine_role_arn

  definition = jsonencode({
    StartAt = "Count Rows"
    States = {
      "Count Rows" = {
        Type          = "Pass"
        QueryLanguage = "JSONata"
        Output        = { rows = "{% $count($states.input.tables) %}" }
        End           = true
      }
    }
  })
}

module "migrate" {
  source = "../../pipeline/terraform"

  properties = {
    InputFile      = "migration.json"
    TimeoutMinutes = 60
  }
}

resource "aws_codepipeline" "migration" {
  name          = "migration"
  pipeline_type = "V2"
  role_arn      = data.aws_iam_role.pipeline.arn

  artifact_store {
    type     = "S3"
    location = aws_s3_bucket.artifacts.bucket
  }

  stage {
    name = "Source"

    action {
      name             = "Source"
      category         = "Source"
      owner            = "AWS"
      provider         = "CodeCommit"
      version          = "1"
      output_artifacts = ["SourceOutput"]

      configuration = {
        RepositoryName = aws_codecommit_repository.migration.repository_name
        BranchName     = "main"
      }
    }
  }

  stage {
    name = "Migrate"

    action {
      name            = "Migrate"
      namespace       = "Migrate"
      category        = module.migrate.action_type.category
      owner           = module.migrate.action_type.owner
      provider        = module.migrate.action_type.provider
      version         = module.migrate.action_type.version
      input_artifacts = ["SourceOutput"]
      configuration   = module.migrate.configuration
    }
  }
}
