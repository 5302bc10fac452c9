"""Settings of identity that cannot work refuse to start, and say which and why."""

from pathlib import Path

import pytest

from penstock.config import InvalidConfig, read

SOUND = """
identity:
  credentials_key: env:CK
  previous_credentials_keys: [env:OLD]
  issuers:
    corp:
      issuer: https://login.example.com
      audiences: [penstock]
      claims: {tenant: org.id, roles: roles}
      role_map: {a: admin}
"""
ENVIRON = {"CK": "ab" * 32, "OLD": "cd" * 32, "SHORT": "ab"}


def problems(tmp_path: Path, old: str, new: str) -> str:
    assert old in SOUND
    file = tmp_path / "penstock.yaml"
    file.write_text(SOUND.replace(old, new))
    with pytest.raises(InvalidConfig) as caught:
        read(file, ENVIRON)
    return "\n".join(str(problem) for problem in caught.value.problems)


def test_a_sound_one_is_read(tmp_path: Path) -> None:
    file = tmp_path / "penstock.yaml"
    file.write_text(SOUND)
    identity = read(file, ENVIRON).identity
    assert identity.issuers["corp"].algorithms == ("RS256", "ES256")
    assert ENVIRON["CK"] not in repr(identity)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("credentials_key: env:CK", "credentials_key: env:SHORT", "64 hexadecimal digits"),
        ("credentials_key: env:CK", f"credentials_key: {'ab' * 32}", "never written out"),
        ("  credentials_key: env:CK\n", "", "nothing they come before"),
        ("[env:OLD]", "[env:SHORT]", "64 hexadecimal digits"),
        ("audiences: [penstock]", "audiences: []", "a token made for another service"),
        ("audiences: [penstock]", "audiences: [penstock]\n      algorithms: [HS256]", "expected one of RS256"),
        ("audiences: [penstock]", "audiences: [penstock]\n      algorithms: [none]", "expected one of RS256"),
        ("audiences: [penstock]", "audiences: [penstock]\n      algorithms: []", "at least one"),
        ("https://login.example.com", "http://login.example.com", "over https:// only"),
        ("https://login.example.com", "login.example.com", "over https:// only"),
        ("audiences: [penstock]", "audiences: [penstock]\n      jwks_url: file:///keys", "over https:// only"),
        ("tenant: org.id, ", "", "say whose tokens these are"),
        ("audiences: [penstock]", "audiences: [penstock]\n      tenant: acme", "says it already"),
        ("role_map: {a: admin}", "role_map: {}", "no word of it gives a role"),
        ("role_map: {a: admin}", "role_map: {a: root}", "expected one of owner"),
        (", roles: roles", "", "there is nothing to map"),
        ("audiences: [penstock]", "audiences: [penstock]\n      max_age_s: 5", "shorter than `refresh_s`"),
        ("audiences: [penstock]", "audiences: [penstock]\n      models: ['g*t']", "one `*` at the end"),
        ("    corp:", "    Corp/../x:", "small letters"),
    ],
)
def test_one_that_cannot_work_is_refused(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert expected in problems(tmp_path, old, new)


def test_two_names_for_one_issuer_are_refused(tmp_path: Path) -> None:
    twin = "    twin: {issuer: 'https://login.example.com', audiences: [x], tenant: a}\n"
    assert "it is the issuer of `corp` too" in problems(
        tmp_path, "      role_map: {a: admin}\n", f"      role_map: {{a: admin}}\n{twin}"
    )
