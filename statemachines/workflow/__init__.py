"""The workflow updater: a CloudFormation macro that injects a state machine's definition into a stack."""
