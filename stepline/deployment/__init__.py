"""Packages SAM templates and deploys them to the local AWS.

The SAM CLI does the same for AWS with the same files; both use `function_package`.
"""
