"""What is written down: claim rows, the manifest of a run and the run itself.

Records hold builtin types only (a numpy scalar would crash a distributed test session), never NaN (not scored is None,
with a reason), and are strict: a file with an unknown or missing key is refused, not half understood.
"""

from harness.records.claim_row import ClaimRow
from harness.records.record import SCHEMA_VERSION, check_builtin
from harness.records.run import Manifest, RunRecord
from harness.records.sensitivity import QuadratureRow, SelectionRow, SensitivityRecord

__all__ = [
    "SCHEMA_VERSION",
    "ClaimRow",
    "Manifest",
    "QuadratureRow",
    "RunRecord",
    "SelectionRow",
    "SensitivityRecord",
    "check_builtin",
]
