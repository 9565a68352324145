"""What CloudFormation does besides its resources: it runs macros, and it acts under a stack's service role.

`macros` runs them on a template, `role_needs` tells what changing a resource needs. Neither knows the
emulator that has the stacks; `stepline/localaws/emulators/ministack_{macros,stack_roles}.py` join them.
"""
