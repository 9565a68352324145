"""Systems Manager's public parameters."""

from stepline.localaws.systems_manager.public_parameters import public_parameter

__all__ = ["public_parameter"]
