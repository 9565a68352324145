variable "stack_name" {
  description = "The stack of pipeline/template.yaml, in the account and region of the pipeline."
  type        = string
  default     = "stepline-action"
}

variable "pipeline_role_name" {
  description = "The name of the pipeline's role, which is allowed to invoke the function. Null if you allow it yourself."
  type        = string
  default     = null
}

variable "user_parameters" {
  description = "The action's UserParameters as an object: inputFile, input, inputS3, parameters, stateMachine, timeoutMinutes, outputVariables. See docs/trigger.md."
  type        = any
  default     = {}

  validation {
    condition = length(setsubtract(keys(var.user_parameters), [
      "input", "inputFile", "inputS3", "outputVariables", "parameters", "stateMachine", "timeoutMinutes",
    ])) == 0
    error_message = "The keys are input, inputFile, inputS3, outputVariables, parameters, stateMachine and timeoutMinutes."
  }

  validation {
    condition     = length(setintersection(keys(var.user_parameters), ["input", "inputFile", "inputS3"])) <= 1
    error_message = "Only one of input, inputFile and inputS3 can be given."
  }
}
