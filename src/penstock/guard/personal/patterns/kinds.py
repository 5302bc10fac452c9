"""The kinds of data that are looked for: for who speaks of them, and has no use for the patterns themselves."""

from types import MappingProxyType
from typing import Final

GROUPS: Final = MappingProxyType(
    {
        "contact": frozenset({"EMAIL_ADDRESS", "PHONE_NUMBER"}),
        "finance": frozenset({"CREDIT_CARD", "IBAN", "BANK_ACCOUNT", "CRYPTO_ADDRESS"}),
        "government": frozenset(
            {"NATIONAL_ID", "TAX_ID", "SSN", "PASSPORT", "DRIVER_LICENSE", "LICENSE_PLATE", "VEHICLE_ID"}
        ),
        "network": frozenset({"IP_ADDRESS", "MAC_ADDRESS", "URL", "DOMAIN_NAME"}),
        "place": frozenset({"STREET_ADDRESS", "POSTAL_CODE", "COORDINATES"}),
        "person": frozenset({"DATE_OF_BIRTH", "AGE", "TITLE"}),
        "time": frozenset({"DATE_TIME"}),
        "secrets": frozenset({"API_KEY", "PASSWORD", "PRIVATE_KEY", "CREDENTIAL_URL"}),
    }
)
"""Kinds that are mostly wanted together."""

KINDS: Final = frozenset[str]().union(*GROUPS.values())
"""Every kind there is."""
