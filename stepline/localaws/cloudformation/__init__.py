"""What is added to the emulator's CloudFormation: macros, and stacks' service roles.

`macros` processes a template; `role_permissions` returns what a service role requires to change
a resource.
`stepline/localaws/emulators/ministack_{macros,stack_roles}.py` connect them with the emulator's stacks.
"""
