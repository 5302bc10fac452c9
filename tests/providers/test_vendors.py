"""The table of vendors is sound, and model names find who made them."""

from typing import get_args

import pytest

from penstock.core.chat import DIALECTS
from penstock.providers.vendors import Quirk, vendor_of_model, vendors


def test_every_row_is_sound() -> None:
    assert len(vendors()) >= 20
    for name, vendor in vendors().items():
        assert vendor.name == name
        assert vendor.dialect in DIALECTS
        assert vendor.quirks <= set(get_args(Quirk))
        assert not vendor.base_url.endswith("/")
        assert vendor.base_url.startswith("https://") or not vendor.needs_key or not vendor.base_url
        assert vendor.key_env


def test_every_dialect_has_a_vendor_and_every_quirk_too() -> None:
    assert {vendor.dialect for vendor in vendors().values()} == set(DIALECTS)
    assert {quirk for vendor in vendors().values() for quirk in vendor.quirks} | {"no_base64_embeddings"} == set(
        get_args(Quirk)
    )


def test_no_two_vendors_claim_a_prefix() -> None:
    prefixes = [prefix for vendor in vendors().values() for prefix in vendor.prefixes]
    assert len(prefixes) == len(set(prefixes))


@pytest.mark.parametrize(
    ("model", "vendor"),
    [
        ("gpt-4o", "openai"),
        ("o3-mini", "openai"),
        ("claude-sonnet-4-5", "anthropic"),
        ("anthropic.claude-3-haiku-20240307-v1:0", "bedrock"),
        ("gemini-2.5-pro", "gemini"),
        ("mistral-large-latest", "mistral"),
        ("grok-4", "xai"),
        ("deepseek-chat", "deepseek"),
        ("command-r-plus", "cohere"),
        ("palmyra-x5", "writer"),
        ("llama-3", None),
        ("", None),
    ],
)
def test_a_bare_model_name_finds_its_vendor(model: str, vendor: str | None) -> None:
    found = vendor_of_model(model)
    assert (None if found is None else found.name) == vendor


def test_no_base_url_is_taken_from_a_variable_that_points_applications_at_us() -> None:
    taken = {name for vendor in vendors().values() for name in vendor.url_env}
    assert not taken & {"OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"}
