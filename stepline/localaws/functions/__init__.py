"""Lambda functions of the local AWS: run in this process, or in processes of AWS's runtime client."""

from stepline.localaws.functions.in_process import Context, Handler, InProcessFunctions

__all__ = ["Context", "Handler", "InProcessFunctions"]
