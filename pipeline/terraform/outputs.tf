output "action_type" {
  description = "What the action has as category, owner, provider and version."
  value = {
    category = "Invoke"
    owner    = local.is_lambda_action ? "AWS" : "Custom"
    provider = local.is_lambda_action ? "Lambda" : local.outputs["ActionProvider"]
    version  = local.is_lambda_action ? "1" : local.outputs["ActionVersion"]
  }
}

output "configuration" {
  description = "The configuration of the action."
  value = local.is_lambda_action ? {
    FunctionName   = local.outputs["TriggerFunctionName"]
    UserParameters = local.user_parameters
  } : var.properties

  precondition {
    condition     = local.is_lambda_action ? length(var.properties) == 0 : true
    error_message = "Only one of properties, of the custom action, and user_parameters, of the Lambda action, can be given."
  }

  precondition {
    condition     = length(local.user_parameters) <= 1000
    error_message = "UserParameters have at most 1,000 characters: put the input into a file of the artifact (inputFile)."
  }
}

output "function_arn" {
  description = "The function of the Lambda action, for a role that is not given by pipeline_role_name: it needs lambda:InvokeFunction."
  value       = local.outputs["TriggerFunctionArn"]
}
