"""What is checked here by hand, against the libraries that know."""

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import bitcoin, iban, luhn

from penstock.guard.patterns.pattern_set import PatternSet
from penstock.guard.personal.patterns import checks, phones
from penstock.guard.personal.patterns.catalogue import catalogue
from penstock.guard.personal.patterns.dates import is_date

DIGITS = st.text("0123456789", min_size=12, max_size=19)
REGIONS = ("DE", "AT", "BE", "BG", "HR", "FI", "FR", "GB", "HU", "IT", "IE", "NL", "RO", "SE", "SI", "SK", "CH")


@given(DIGITS)
@settings(deadline=None, max_examples=300)
def test_luhn_is_that_of_stdnum(digits: str) -> None:
    assert checks.has_luhn(digits) == luhn.is_valid(digits)


@given(st.text("0123456789", min_size=14, max_size=14))
@settings(deadline=None, max_examples=300)
def test_one_wrong_digit_makes_a_card_none(digits: str) -> None:
    card = "4" + digits
    card += luhn.calc_check_digit(card)
    assert checks.is_card(card)
    assert not checks.is_card(card[:5] + str((int(card[5]) + 1) % 10) + card[6:])


@pytest.mark.parametrize(
    ("country", "rest"),
    [
        ("DE", "370400440532013000"),
        ("FR", "20041010050500013M02606"),
        ("NO", "86011117947"),
        ("MT", "MALT011000012345MTLCAST001S"),
    ],
)
def test_an_iban_is_one_where_stdnum_says_so(country: str, rest: str) -> None:
    for check in range(100):
        number = f"{country}{check:02}{rest}"
        assert checks.is_iban(number) == iban.is_valid(number, check_country=False)
        assert not checks.is_iban(number + "0")


@given(st.text("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", min_size=25, max_size=33))
@settings(deadline=None, max_examples=200)
def test_an_address_in_base58_is_one_where_stdnum_says_so(rest: str) -> None:
    assert checks.is_base58_address(f"1{rest}") == bitcoin.is_valid(f"1{rest}")


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("kind", [phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE])
def test_the_example_numbers_of_a_country_are_numbers(region: str, kind: int) -> None:
    number = phonenumbers.example_number_for_type(region, kind)
    assert number is not None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    assert phones.is_international(written)
    assert phones.is_international(f"00{written[1:]}")
    assert phones.is_national(national) or not national.startswith("0")


@given(st.sampled_from([49, 33, 44, 1, 39, 48, 351]), st.text("0123456789", min_size=3, max_size=13))
@settings(deadline=None, max_examples=400)
def test_after_two_zeros_no_number_that_was_given_out_is_missed(code: int, rest: str) -> None:
    number = phonenumbers.PhoneNumber(country_code=code, national_number=int(rest), italian_leading_zero=rest[0] == "0")
    if phonenumbers.is_valid_number(number) and (rest[0] != "0" or (code == 39 and rest[1] != "0")):
        assert phones.is_international(f"00{code}{rest}")


def test_after_two_zeros_a_number_that_nobody_has_is_none() -> None:
    assert not phones.is_international("0049 1234")
    assert not phones.is_international("0033 0 00 00 00 00")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2024-11-05", False), ("05.11.2024", False), ("10.0.0.1", False), ("78 651 450", True), ("467 3395", True)],
)
def test_a_day_and_an_address_are_no_numbers_to_call(text: str, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    assert phones.is_no_date(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("03.02.1985", True), ("1985-02-30", False), ("2/30/1985", False), ("30/2/85", False), ("12/31/99", True)],
)
def test_a_day_stands_in_the_calendar(text: str, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    assert is_date(text) is expected


COUNTRIES = (
    *("AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE", "IT", "LV", "LT", "LU", "MT"),
    *("NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE", "US", "GB", "CH", "NO", "CA"),
)
FORMATS = (phonenumbers.PhoneNumberFormat.INTERNATIONAL, phonenumbers.PhoneNumberFormat.NATIONAL)
TYPES = (
    phonenumbers.PhoneNumberType.MOBILE,
    phonenumbers.PhoneNumberType.FIXED_LINE,
    phonenumbers.PhoneNumberType.TOLL_FREE,
)
TELEPHONES = PatternSet(catalogue(frozenset({"PHONE_NUMBER"})))


def _share_found(sentence: str, *formats: int) -> float:
    found: list[bool] = []
    examples = [phonenumbers.example_number_for_type(region, kind) for region in COUNTRIES for kind in TYPES]
    for number in filter(None, examples):
        for each in formats:
            written = phonenumbers.format_number(number, each)
            for form in (written, written.replace(" ", "-"), written.replace(" ", ".")):
                at = sentence.index("%")
                said = TELEPHONES.find(sentence.replace("%", form))
                digits = [place for place, char in enumerate(form, at) if char.isdigit()]
                found.append(any(span.begin <= digits[0] and digits[-1] < span.end for span in said))
    assert len(found) > 200
    return sum(found) / len(found)


def test_numbers_of_every_country_are_found_as_they_are_dialled_from_abroad() -> None:
    assert _share_found("Here it is: %, as agreed.", FORMATS[0]) == 1


def test_numbers_as_they_are_dialled_at_home_are_found_after_a_word_and_mostly_without_one() -> None:
    assert _share_found("Please call % tomorrow.", FORMATS[1]) >= 0.97
    assert _share_found("Here it is: %, as agreed.", FORMATS[1]) >= 0.7
