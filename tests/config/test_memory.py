"""What a model may keep: masked, here, and nothing where nobody asks for it."""

import asyncio
from pathlib import Path

import pytest

from penstock.app.explain import explain
from penstock.config import read
from penstock.config.types import Config
from penstock.core.errors import ConfigError

MASKS = "guards: {personal_data: {fail: closed, names: false}}"


def config(tmp_path: Path, model: str, more: str = "") -> Config:
    path = tmp_path / "penstock.yaml"
    path.write_text(
        f"data_dir: {tmp_path}\n{more}models:\n  m:\n    targets: [{{provider: sim, model: sim}}]\n    {model}\n"
    )
    return read(path, {})


OURS = {"memory", "keep", "deliver"}


@pytest.mark.parametrize(
    ("model", "more", "said"),
    [
        ("memory: {}", "", "models.m.memory: what is said would be kept with personal data"),
        (
            "memory: {}",
            "guards: {default: {personal_data: {fail: closed, mode: shadow}}}\n",
            "with personal data in it",
        ),
        ("memory: {keep_days: 0}", "", "models.m.memory.keep_days"),
    ],
)
def test_what_must_not_be_kept_refuses_to_start(tmp_path: Path, model: str, more: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        config(tmp_path, model, more)
    assert said in str(refused.value)


def test_what_would_leave_its_region_refuses_to_start(tmp_path: Path) -> None:
    path = tmp_path / "penstock.yaml"
    target = "targets: [{provider: sim, model: sim, region: eu}], regions: [eu], memory: {unmasked: true}"
    path.write_text(f"region: us\nmodels: {{m: {{{target}}}}}\n")
    with pytest.raises(ConfigError) as refused:
        read(path, {})
    assert "outside of the model's regions" in str(refused.value)
    path.write_text(f"region: eu\nmodels: {{m: {{{target}}}}}\n")
    assert read(path, {}).models["m"].memory is not None


def test_a_request_without_memory_meets_none_of_it(tmp_path: Path) -> None:
    body = b'{"model": "m", "input": "hello"}'
    plain = asyncio.run(explain(config(tmp_path, MASKS), {}, body, "openai-responses"))
    names = [each.stage for each in plain.stages]
    assert not OURS & set(names)
    keeping = asyncio.run(explain(config(tmp_path, MASKS + "\n    memory: {}"), {}, body, "openai-responses"))
    with_memory = [each.stage for each in keeping.stages]
    assert set(with_memory) - set(names) == OURS
    # Before everything that counts or judges; what is kept is noted behind the guards, and before a cache.
    assert with_memory.index("memory") < with_memory.index("inputs") < with_memory.index("guards")
    assert with_memory.index("guards") < with_memory.index("keep") < with_memory.index("cache")
    assert len(keeping.filters) - len(plain.filters) == 1
