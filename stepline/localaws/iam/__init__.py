"""IAM for the local AWS: who may do what, decided as AWS decides it.

`policy`, `principals`, `conditions` are the policy language; `evaluation` decides one request;
`needs` knows which permissions a request needs, `enforcement` finds the policies and keeps the
`record`; `acting` is how our services work under the roles that they were given.
"""

from stepline.localaws.iam.acting import Actor, acting_as, current_actor
from stepline.localaws.iam.enforcement import AccessDeniedError, Directory, Enforcement, Need, Role
from stepline.localaws.iam.principals import Caller
from stepline.localaws.iam.record import Record

__all__ = [
    "AccessDeniedError",
    "Actor",
    "Caller",
    "Directory",
    "Enforcement",
    "Need",
    "Record",
    "Role",
    "acting_as",
    "current_actor",
]
