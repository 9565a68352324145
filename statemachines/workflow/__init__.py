"""The workflow updater: a CloudFormation macro that puts a state machine's definition into a stack."""
