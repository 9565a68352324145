"""ministack 1.5.33, patched and connected with the services of the local AWS.

`application` loads it, and must have done so before any other module of this package is imported.
"""
