"""What CloudFormation does besides its resources: it runs macros, and it acts under a stack's service role.

`macros` runs them on a template, `role_needs` has the permissions for changes of resources. Neither knows
ministack, which has the stacks: `emulators/ministack/cloudformation/` connects them.
"""
