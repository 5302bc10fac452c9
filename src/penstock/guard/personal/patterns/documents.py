# ruff: noqa: RUF001 - the typographic apostrophe is what people type
"""Passports, driving licences, identity of vehicles."""

from typing import Final

from penstock.guard.patterns.pattern import Pattern
from penstock.guard.personal.patterns.checks import has_digits, is_machine_readable_line
from penstock.guard.personal.patterns.expressions import code_after

_PASSPORT: Final = (
    "passport|reisepass|passnummer|pass-nr|passeport|pasaporte|passaporto|passaporte|paspoort|paszport|pasnummer|"
    "passnumret|passinumero|passi nro|pașaport|pasaport|útlevél|putovnic|cestovní pas|cestovný pas|διαβατήριο|паспорт"
)
_LICENCE: Final = (
    "driver'?s? licen|driver’s licen|drivers' licen|driving licen|driving permit|driver permit|licen[cs]e number|"
    "licen[cs]e no|dl number|dl no|dl#|f[uü]hrerschein|fuehrerschein|permis de conduire|permiso de conducir|"
    "carnet de conducir|patente di guida|patente n|carta de condu|rijbewijs|prawo jazdy|prawa jazdy|k[oø]rekort|"
    "k[oö]rkort|ajokortti|jogos[ií]tv|permis auto|vodičsk|řidičsk|vozačk|vozniško"
)
_PLATE: Final = (
    "licen[cs]e plate|number plate|registration plate|plate number|plate no|plates|car registration|"
    "vehicle registration|kennzeichen|nummernschild|immatricul|plaque|matr[ií]cula|targa|kenteken|"
    "rejestracyjn|registreringsnummer|rekisteri|rendszám|spz|nummerplade"
)
_MRZ_NAMES: Final = r"\bP[A-Z<][A-Z]{1,3}<{0,2}[A-Z]{1,38}<<[A-Z<]{1,38}"
_MRZ_NUMBERS: Final = r"\b[A-Z0-9<]{9}[0-9][A-Z<]{3}[0-9]{7}[MFX<][0-9]{7}[A-Z0-9<]{14}[0-9<][0-9]"

DOCUMENTS: Final = (
    Pattern(
        "personal.passport.number", "PASSPORT", code_after(_PASSPORT, "[A-Za-z]{0,3}[0-9][0-9A-Za-z]{4,9}"), has_digits
    ),
    Pattern("personal.passport.letters", "PASSPORT", code_after(_PASSPORT, "[CFGHJK][0-9A-Z]{8}[0-9]?"), has_digits),
    Pattern("personal.passport.machine_names", "PASSPORT", _MRZ_NAMES, lambda text: len(text) >= 30),
    Pattern("personal.passport.machine_numbers", "PASSPORT", _MRZ_NUMBERS, is_machine_readable_line),
    Pattern(
        "personal.driving_licence.number",
        "DRIVER_LICENSE",
        code_after(_LICENCE, r"[0-9A-Za-z](?:[0-9A-Za-z]|[ *./-][0-9A-Z]){4,19}"),
        has_digits,
    ),
    Pattern("personal.plate.german", "LICENSE_PLATE", r"\b[A-ZÄÖÜ]{1,3}-[A-Z]{1,2} [1-9][0-9]{0,3}[EH]?\b"),
    Pattern(
        "personal.plate.named",
        "LICENSE_PLATE",
        code_after(_PLATE, "[A-ZÄÖÜ0-9]{1,4}[- .·]?[A-Z0-9]{1,4}(?:[- .·]?[A-Z0-9]{1,4})?"),
        lambda text: sum(map(str.isdigit, text)) >= 2,
    ),
    Pattern(
        "personal.vehicle.identification",
        "VEHICLE_ID",
        code_after("vin|vehicle identification|fahrgestell|fahrzeug-?ident|fin|chassis", "[A-HJ-NPR-Z0-9]{17}"),
        has_digits,
    ),
)
