"""From the project's template.yaml to a stack: packages it and deploys it to the local AWS.

On AWS the SAM CLI does the same with the same files; `function_package` serves both.
"""
