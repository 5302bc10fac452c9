"""A second opinion that cannot be had is refused at the start."""

from pathlib import Path

import pytest

from penstock.config import read
from penstock.core.errors import ConfigError

MODELS = """\
region: eu
models:
  help:
    regions: [eu]
    tiers:
      fast: [{provider: sim, model: sim, region: eu}]
      strong: [{provider: sim, model: sim-reasoning, region: eu}]
    knowledge: {bases: [b], grounding: {fail: closed, STREAM confidence: {CONFIDENCE}}}
  near: {targets: [{provider: sim, model: sim, region: eu}]}
  far: {targets: [{provider: sim, model: sim, region: us}]}
"""


def written(tmp_path: Path, confidence: str, stream: str = "") -> Path:
    path = tmp_path / "penstock.yaml"
    path.write_text(MODELS.replace("CONFIDENCE", confidence).replace("STREAM", stream))
    return path


@pytest.mark.parametrize(
    ("confidence", "stream", "said"),
    [
        ("second_opinion: 0.5", "", "confidence.second_opinion: say whose"),
        ("second_opinion: 0.5, tier: strong, model: near", "", "confidence.second_opinion: say whose"),
        ("tier: strong", "", "confidence.second_opinion: say below which"),
        ("second_opinion: 0.5, tier: strnog", "", "did you mean `strong`"),
        ("second_opinion: 0.5, tier: fast", "", "confidence.tier: it is the weakest tier"),
        ("second_opinion: 0.5, model: help", "", "confidence.model: it names no other model"),
        ("second_opinion: 0.5, model: far", "", "confidence.model: a step of it is outside"),
        ("hold: 0.5, log_probability: -1", "", "confidence.log_probability: it asks for nothing"),
        ("second_opinion: 0.5, tier: strong", "stream: window,", "`confidence.second_opinion` needs the whole answer"),
        ("samples: {agreement: 0.5}", "", "confidence.samples: they ask for nothing: set"),
        ("notice: 0.4, hold: 0.3, samples: {agreement: 0.5, below: 0.3}", "", "confidence.samples.below: they ask for"),
        ("notice: 0.4, samples: {agreement: 0.5}", "stream: window,", "`confidence.samples` needs the whole answer"),
        ("notice: 0.4, samples: {agreement: 0.5, count: 6}", "", "confidence.samples.count"),
        ("notice: 0.4, samples: {agreement: 1.5}", "", "confidence.samples.agreement"),
    ],
)
def test_what_cannot_be_had_is_refused(tmp_path: Path, confidence: str, stream: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(written(tmp_path, confidence, stream), {})
    assert said in str(refused.value)


@pytest.mark.parametrize("whose", ["tier: strong", "model: near"])
def test_what_can_is_taken(tmp_path: Path, whose: str) -> None:
    read(written(tmp_path, f"second_opinion: 0.5, {whose}"), {})
    # Above the lowest of the thresholds that the agreement counts for, it may still ask for what they do not.
    read(written(tmp_path, f"second_opinion: 0.5, {whose}, hold: 0.3, samples: {{agreement: 0.5, below: 0.4}}"), {})
