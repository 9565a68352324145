"""Patches ministack's CloudFormation: resource types, macros, service roles of stacks, and what it drops."""
