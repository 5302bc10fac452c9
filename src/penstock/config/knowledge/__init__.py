"""Settings of layer 4, as frozen values: what a model answers from."""

from penstock.config.knowledge.grounding import (
    ConfidenceSettings,
    GroundingSettings,
    SampleSettings,
    asked_same,
    asked_second,
)
from penstock.config.knowledge.ingest import IngestSettings, broken_ingest
from penstock.config.knowledge.use import KnowledgeUse, broken_knowledge

__all__ = [
    "ConfidenceSettings",
    "GroundingSettings",
    "IngestSettings",
    "KnowledgeUse",
    "SampleSettings",
    "asked_same",
    "asked_second",
    "broken_ingest",
    "broken_knowledge",
]
