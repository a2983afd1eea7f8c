"""The stages joined: facts -> queries -> localizations -> evidence -> verdict -> saved run.

The only place that sees both halves of the harness: the stages of localization, and the claims.
"""

from harness.pipeline.settings import Settings
from harness.pipeline.workspace import Workspace

__all__ = ["Settings", "Workspace"]
