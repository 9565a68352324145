output "configuration" {
  description = "The configuration of the action, whose category is Invoke, owner AWS, provider Lambda and version 1."
  value = {
    FunctionName   = local.function_name
    UserParameters = local.user_parameters
  }

  precondition {
    condition     = length(local.user_parameters) <= 1000
    error_message = "UserParameters have at most 1,000 characters: put the input into a file of the artifact (inputFile)."
  }
}

output "function_arn" {
  description = "The function, for a role that is not given by pipeline_role_name: it needs lambda:InvokeFunction."
  value       = local.function_arn
}
