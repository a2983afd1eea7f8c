"""Claims about where a model keeps facts: statement, estimand, margin, decision. They read evidence, never a model."""

from harness.claims.claim import Claim
from harness.claims.evidence import Evidence, Retest
from harness.claims.prevalence import Prevalence
from harness.claims.prevalence_by_relation import PrevalenceByRelation
from harness.claims.procedure import Procedure, keyed_generator
from harness.claims.separation import Separation
from harness.claims.verdict import Control, Finding, Verdict, number

__all__ = [
    "Claim",
    "Control",
    "Evidence",
    "Finding",
    "Prevalence",
    "PrevalenceByRelation",
    "Procedure",
    "Retest",
    "Separation",
    "Verdict",
    "keyed_generator",
    "number",
]
