"""Changes the definition of a state machine that belongs to a stack, and nothing else of the stack.

`updater` finds the stack with macro, bucket and role; `stack_template` is what the workflow's stack is made
of; `change_set` and `inspection` make sure that a change set changes the definition alone; `difference` shows
it; `deployment` is the whole way; `hook` goes it when git pushes.
"""
