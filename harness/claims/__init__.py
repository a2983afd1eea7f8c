"""Claims about where a model keeps facts: statement, estimand, margin, decision. They read evidence, never a model."""

from harness.claims.agreement import Agreement
from harness.claims.attention import ATTENTION_CLAIMS
from harness.claims.claim import Claim, JointClaim, MeasuredClaim
from harness.claims.comparison import Comparison, Facts
from harness.claims.conjunction import in_every_cell
from harness.claims.effect_claim import EffectClaim, classes_of
from harness.claims.effects import Effects
from harness.claims.evidence import Evidence, ModelSize, Retest
from harness.claims.prevalence import Prevalence
from harness.claims.prevalence_by_relation import PrevalenceByRelation
from harness.claims.procedure import Procedure, keyed_generator
from harness.claims.replication import Printed, Replication
from harness.claims.separation import Separation
from harness.claims.trend import Trend
from harness.claims.verdict import Control, Finding, Verdict, number

__all__ = [
    "ATTENTION_CLAIMS",
    "Agreement",
    "Claim",
    "Comparison",
    "Control",
    "EffectClaim",
    "Effects",
    "Evidence",
    "Facts",
    "Finding",
    "JointClaim",
    "MeasuredClaim",
    "ModelSize",
    "Prevalence",
    "PrevalenceByRelation",
    "Printed",
    "Procedure",
    "Replication",
    "Retest",
    "Separation",
    "Trend",
    "Verdict",
    "classes_of",
    "in_every_cell",
    "keyed_generator",
    "number",
]
