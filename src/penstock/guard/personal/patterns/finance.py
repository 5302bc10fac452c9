"""Money: cards, accounts, and addresses of what is paid in cryptocurrency."""

from typing import Final

from stdnum.us import rtn

from penstock.guard.patterns.pattern import Pattern
from penstock.guard.personal.patterns.checks import (
    is_base58_address,
    is_bech32_address,
    is_card,
    is_iban,
    is_named_card,
)
from penstock.guard.personal.patterns.expressions import code_after, number_after

_CARD_FIRST: Final = r"\b(?:[3-6][0-9]{3}|2[2-7][0-9]{2}|2131|1800)"
_BECH32: Final = r"\b(?:(?:bc|ltc|tb)1[02-9ac-hj-np-z]{11,87}|(?:BC|LTC|TB)1[02-9AC-HJ-NP-Z]{11,87})\b"
_BASE58: Final = "1-9A-HJ-NP-Za-km-z"

FINANCE: Final = (
    Pattern("personal.card.plain", "CREDIT_CARD", rf"{_CARD_FIRST}[0-9]{{8,15}}\b", is_card),
    Pattern(
        "personal.card.grouped",
        "CREDIT_CARD",
        rf"{_CARD_FIRST}(?:(?:[ .-][0-9]{{4}}){{3}}(?:[ .-][0-9]{{1,3}})?|[ .-][0-9]{{6}}[ .-][0-9]{{4,5}})\b",
        is_card,
    ),
    Pattern(
        "personal.card.named",
        "CREDIT_CARD",
        number_after(
            "card|credit|debit|visa|mastercard|maestro|amex|kreditkarte|karte|karten|carte|tarjeta|carta|kaart|kort|karta",
            "[0-9]{12,19}|[0-9]{4}(?:[ -][0-9]{4}){2,3}(?:[ -][0-9]{1,3})?",
        ),
        is_named_card,
        score=0.9,
    ),
    Pattern("personal.iban.plain", "IBAN", r"\b[A-Za-z]{2}[0-9]{2}[0-9A-Za-z]{11,30}\b", is_iban),
    Pattern(
        "personal.iban.grouped",
        "IBAN",
        r"\b[A-Za-z]{2} ?[0-9]{2}(?:[ -][0-9A-Za-z]{4}){2,7}(?:[ -][0-9A-Za-z]{1,3})?\b",
        is_iban,
    ),
    Pattern("personal.iban.digits", "IBAN", r"\b[A-Za-z]{2} ?[0-9]{2}(?:[ -]{1,2}[0-9]{3,20}){1,6}\b", is_iban),
    Pattern("personal.bank.routing", "BANK_ACCOUNT", number_after("routing|aba|rtn", "[0-9]{9}"), rtn.is_valid),
    Pattern(
        "personal.bank.account",
        "BANK_ACCOUNT",
        number_after(
            "account number|account no|account #|acct|bank account|checking account|savings account|kontonummer|"
            "konto-nr|kto|num[eé]ro de compte|n[uú]mero de cuenta|numero di conto|rekeningnummer|numer konta|"
            "account is",
            "[0-9][0-9 -]{4,18}[0-9]",
        ),
        lambda text: 6 <= sum(map(str.isdigit, text)) <= 17,
    ),
    Pattern(
        "personal.bank.sort_code",
        "BANK_ACCOUNT",
        number_after("sort code|bankleitzahl|blz", "[0-9]{2}-[0-9]{2}-[0-9]{2}|[0-9]{6}|[0-9]{3} ?[0-9]{3} ?[0-9]{2}"),
    ),
    Pattern(
        "personal.bank.bic",
        "BANK_ACCOUNT",
        code_after("bic|swift", "[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?"),
    ),
    Pattern("personal.crypto.base58", "CRYPTO_ADDRESS", rf"\b[13LMDT9A][{_BASE58}]{{25,34}}\b", is_base58_address),
    Pattern(
        "personal.crypto.bech32",
        "CRYPTO_ADDRESS",
        _BECH32,
        is_bech32_address,
    ),
    Pattern("personal.crypto.ethereum", "CRYPTO_ADDRESS", r"\b0x[0-9a-fA-F]{40}\b"),
    Pattern("personal.crypto.monero", "CRYPTO_ADDRESS", rf"\b[48][0-9AB][{_BASE58}]{{93}}\b"),
    Pattern("personal.crypto.cardano", "CRYPTO_ADDRESS", r"\b(?:addr|stake)1[02-9ac-hj-np-z]{50,103}\b"),
    Pattern(
        "personal.crypto.ripple",
        "CRYPTO_ADDRESS",
        code_after("xrp|ripple", f"r[{_BASE58}]{{24,34}}"),
    ),
    Pattern(
        "personal.crypto.solana",
        "CRYPTO_ADDRESS",
        code_after("solana|sol", f"[{_BASE58}]{{32,44}}"),
    ),
)
