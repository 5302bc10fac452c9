"""Limits on requests: read as they are meant, and refused where they mean nothing."""

from pathlib import Path

import pytest

from penstock.config import InvalidConfig, read
from penstock.config.inputs import InputSettings, override

MODEL = "models:\n  house:\n    targets: [{provider: sim, model: sim}]\n    inputs: "


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "penstock.yaml"
    file.write_text(text)
    return file


def test_an_assistants_own_limits_take_the_place_of_the_general_ones_one_by_one(tmp_path: Path) -> None:
    text = f"inputs: {{images: 5, tokens: null}}\n{MODEL}{{messages: 3, images: null, files: 9000, choices: 0}}\n"
    config = read(written(tmp_path, text), {})
    assert config.inputs == InputSettings(images=5, tokens=None)
    expected = InputSettings(images=None, tokens=None, messages=3, files=9000, choices=0)
    assert override(config.inputs, config.models["house"].inputs) == expected


def test_limits_come_from_the_environment_too(tmp_path: Path) -> None:
    environ = {"PENSTOCK__INPUTS__MESSAGES": "7", "PENSTOCK__MODELS__HOUSE__INPUTS": "{images: null, tools: 2}"}
    config = read(written(tmp_path, f"{MODEL}{{}}\n"), environ)
    assert config.inputs.messages == 7
    assert config.models["house"].inputs == {"images": None, "tools": 2}


def test_a_changed_limit_changes_the_configurations_hash(tmp_path: Path) -> None:
    hashes = {
        read(written(tmp_path, f"{MODEL}{inputs}\n"), {}).config_hash
        for inputs in ("{}", "{images: 1}", "{images: null}", "{images: 2}")
    }
    assert len(hashes) == 4


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        (f"{MODEL}{{imagse: 1}}\n", 4, "models.house.inputs.imagse: unknown setting (did you mean `images`?)"),
        (f"{MODEL}{{images: -1}}\n", 4, "models.house.inputs.images: expected `int` >= 0"),
        (f"{MODEL}{{images: many}}\n", 4, "models.house.inputs.images: expected `int`, got `str`"),
        (f"{MODEL}7\n", 4, "models.house.inputs: expected a mapping"),
        ("inputs:\n  image: 1\n", 2, "inputs.image: unknown setting (did you mean `images`?)"),
        ("inputs: {tokens: 1.5}\n", 1, "inputs.tokens: expected `int`"),
    ],
)
def test_a_limit_that_means_nothing_is_refused_with_its_line(
    tmp_path: Path, text: str, line: int, expected: str
) -> None:
    with pytest.raises(InvalidConfig) as caught:
        read(written(tmp_path, text), {})
    assert f"penstock.yaml:{line}: {expected}" in str(caught.value)
