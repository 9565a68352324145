"""Resource types that ministack's CloudFormation lacks."""
