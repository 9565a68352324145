"""IAM for the local AWS: it allows and denies requests by AWS's rules.

`policy`, `principals`, `conditions` and `patterns` parse policies; `evaluation` decides one request;
`required_permissions` returns the permissions that a request requires; `enforcement` checks them against the
policies and keeps a `permission_record`; with `acting`, services act as the roles that they were given.
"""

from stepline.localaws.iam.acting import Actor, acting_as, current_actor
from stepline.localaws.iam.enforcement import AccessDeniedError, Enforcement, Permission, PolicyStore, Role
from stepline.localaws.iam.permission_record import PermissionRecord
from stepline.localaws.iam.principals import Caller

__all__ = [
    "AccessDeniedError",
    "Actor",
    "Caller",
    "Enforcement",
    "Permission",
    "PermissionRecord",
    "PolicyStore",
    "Role",
    "acting_as",
    "current_actor",
]
