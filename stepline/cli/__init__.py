"""The command line, the same for AWS and for the local AWS.

`commands/` has one module for each command; the modules beside it have what several commands share: options,
the display of executions, error messages and exit codes.
"""
