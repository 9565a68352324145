"""Changes the definition of a state machine that belongs to a stack, and nothing else of the stack.

`definition_update` has the whole procedure. It uses `updater` (the stack with macro, bucket and role),
`managed_machines` and `published_template` (the template of the workflow's stack), `change_set`, `inspection`
(only the definition may change) and `difference` (what changes in it).
"""
