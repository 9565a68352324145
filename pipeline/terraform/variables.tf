variable "stack_name" {
  description = "The stack of pipeline/template.yaml, in the account and region of the pipeline."
  type        = string
  default     = "stepline-action"
}

variable "properties" {
  description = "The properties of the custom action, which is the default: InputFile, Input, Parameters, StateMachine, OutputVariables, TimeoutMinutes, OnStop, Retry. Objects as JSON, with jsonencode. See docs/custom-action.md."
  type        = map(string)
  default     = {}

  validation {
    condition = length(setsubtract(keys(var.properties), [
      "Input", "InputFile", "OnStop", "OutputVariables", "Parameters", "Retry", "StateMachine", "TimeoutMinutes",
    ])) == 0
    error_message = "The properties are Input, InputFile, OnStop, OutputVariables, Parameters, Retry, StateMachine and TimeoutMinutes."
  }

  validation {
    condition     = length(setintersection(keys(var.properties), ["Input", "InputFile"])) <= 1
    error_message = "Only one of Input and InputFile can be given."
  }

  validation {
    condition     = alltrue([for value in values(var.properties) : length(value) <= 1000])
    error_message = "A property has at most 1,000 characters: put the input into a file of the artifact (InputFile)."
  }
}

variable "user_parameters" {
  description = "The UserParameters of a Lambda action as an object: inputFile, input, inputS3, parameters, stateMachine, timeoutMinutes, outputVariables, onStop. Null for the custom action. See docs/trigger.md."
  type        = any
  default     = null

  validation {
    condition = var.user_parameters == null ? true : length(setsubtract(keys(var.user_parameters), [
      "input", "inputFile", "inputS3", "onStop", "outputVariables", "parameters", "stateMachine", "timeoutMinutes",
    ])) == 0
    error_message = "The keys are input, inputFile, inputS3, onStop, outputVariables, parameters, stateMachine and timeoutMinutes."
  }

  validation {
    condition     = var.user_parameters == null ? true : length(setintersection(keys(var.user_parameters), ["input", "inputFile", "inputS3"])) <= 1
    error_message = "Only one of input, inputFile and inputS3 can be given."
  }
}

variable "pipeline_role_name" {
  description = "The name of the pipeline's role, which a Lambda action needs to invoke the function. Null if you allow it yourself; the custom action needs no permission."
  type        = string
  default     = null
}
