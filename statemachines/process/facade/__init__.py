"""The REST API: three Lambda functions behind API Gateway.

`http`      requests and responses
`endpoint`  the decorator of all endpoints
"""
