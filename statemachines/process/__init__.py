"""A process embedded in a REST service: docs/process.md.

`transaction`   one run of the process: its owner and its id
`data`          the data of a transaction: one object in S3, changed by conditional writes
`step`          the decorator of all steps
`step_a` …      the steps
`facade/`       the REST API, the only access to the process
"""
