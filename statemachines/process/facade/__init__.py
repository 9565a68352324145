"""The REST interface: three Lambda functions behind API Gateway.

`http`      requests and answers
`endpoint`  what every endpoint does around its own work
"""
