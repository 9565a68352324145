"""The interpreter of state machines: LocalStack's engine, which moto 5.2.5 contains.

Importing it takes most of a second, so only `interpreter` may be imported before it is needed.
"""
