"""A process embedded in a REST service: docs/process.md.

`transaction`   one call of the process: whose it is, and its id
`data`          what is known of a transaction: one object in S3, which is never overwritten unseen
`step`          what every step does around its own work
`step_a` …      the steps
`facade/`       the REST interface, the only way in
"""
