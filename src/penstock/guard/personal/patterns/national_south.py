# ruff: noqa: RUF001 - the Greek words are Greek
"""National and tax numbers of southern Europe: Cyprus, Spain, Greece, Italy, Malta, Portugal, Slovenia, Croatia."""

from typing import Final

from stdnum.cy import vat as cypriot_tax
from stdnum.es import cif, dni, nie
from stdnum.gr import amka
from stdnum.gr import vat as greek_tax
from stdnum.hr import oib
from stdnum.it import codicefiscale, iva
from stdnum.pt import cc
from stdnum.pt import nif as portuguese_tax
from stdnum.si import ddv, emso

from penstock.guard.patterns.pattern import Pattern
from penstock.guard.personal.patterns.checks import is_portuguese_social_security, is_spanish_social_security
from penstock.guard.personal.patterns.expressions import code_after, number_after, words

_ID: Final = "NATIONAL_ID"
_TAX: Final = "TAX_ID"
_CODICE: Final = (
    r"\b[A-Za-z]{6}[0-9LMNP-Vlmnp-v]{2}[A-EHLMPRSTa-ehlmprst][0-9LMNP-Vlmnp-v]{2}[A-Za-z][0-9LMNP-Vlmnp-v]{3}[A-Za-z]\b"
)

SOUTH: Final = (
    Pattern(
        "personal.id.cy.tax",
        _TAX,
        number_after("tic|tin|tax id|αφτ|φορολογικ|cypriot tax", "[0-9]{8}[A-Za-z]"),
        cypriot_tax.is_valid,
    ),
    Pattern(
        "personal.id.cy.card",
        _ID,
        number_after("δελτίο ταυτότητας|αρ[.] ταυτότητας|αριθμός ταυτότητας|cypriot id|cyprus id", "[0-9]{6,10}"),
    ),
    Pattern(
        "personal.id.es.dni", _ID, r"\b[0-9]{8}[- ]?[TRWAGMYFPDXBNJZSQVHLCKEtrwagmyfpdxbnjzsqvhlcke]\b", dni.is_valid
    ),
    Pattern("personal.id.es.nie", _ID, r"\b[XYZxyz][- ]?[0-9]{7}[- ]?[A-Za-z]\b", nie.is_valid),
    Pattern(
        "personal.id.es.company",
        _TAX,
        code_after("c[.]?i[.]?f|n[.]?i[.]?f", "[A-HJNP-SUVW][- ]?[0-9]{7}[- ]?[0-9A-J]"),
        cif.is_valid,
    ),
    Pattern(
        "personal.id.es.social_security",
        _ID,
        number_after("seguridad social|nuss|n[.]?a[.]?f", "[0-9]{2}[/ -]?[0-9]{8}[/ -]?[0-9]{2}"),
        is_spanish_social_security,
    ),
    Pattern(
        "personal.id.gr.tax",
        _TAX,
        number_after("αφμ|α[.]φ[.]μ|afm|greek tax|tin|tax id", "[0-9]{9}"),
        greek_tax.is_valid,
    ),
    Pattern(
        "personal.id.gr.social_security",
        _ID,
        number_after("αμκα|α[.]μ[.]κ[.]α|amka|greek social", "[0-3][0-9]{10}"),
        amka.is_valid,
    ),
    Pattern(
        "personal.id.gr.card",
        _ID,
        rf"{words('αδτ|α[.]δ[.]τ|ταυτότητα|ταυτότητας|adt|greek id')}[^0-9A-Za-zΑ-Ω]{{1,4}}"
        r"(?:(?i:αριθμός|αρ|card|number|no)[^0-9A-Za-zΑ-Ω]{1,4}){0,3}([Α-ΩA-Z]{1,2}[- ]?[0-9]{6})\b",
    ),
    Pattern(
        "personal.id.hr.oib",
        _ID,
        number_after("oib|osobni identifikacijski|croatian personal|croatian tax|croatian id", "[0-9]{11}"),
        oib.is_valid,
    ),
    Pattern("personal.id.it.fiscal_code", _TAX, _CODICE, codicefiscale.is_valid),
    Pattern("personal.id.it.vat", _TAX, number_after("partita iva|p[.]? ?iva|italian vat", "[0-9]{11}"), iva.is_valid),
    Pattern(
        "personal.id.it.card",
        _ID,
        code_after(
            "carta d'identit[aà]|carta d’identit[aà]|carta di identit[aà]|c[.]?i[.]?e|italian id",
            "[A-Z]{2} ?[0-9]{5} ?[A-Z]{2}|[A-Z]{2} ?[0-9]{7}",
        ),
    ),
    Pattern(
        "personal.id.mt.card",
        _ID,
        number_after("id card|identity card|karta tal-identit|id number|maltese", "[0-9]{3,7} ?[MGAPLHBZmgaplhbz]"),
    ),
    Pattern(
        "personal.id.pt.tax",
        _TAX,
        number_after("nif|n[.]i[.]f|contribuinte|portuguese tax|tin|tax id", "[0-9]{3} ?[0-9]{3} ?[0-9]{3}"),
        portuguese_tax.is_valid,
    ),
    Pattern(
        "personal.id.pt.card",
        _ID,
        number_after("cart[aã]o de cidad[aã]o|cc|citizen card", "[0-9]{8}[ -]?[0-9] ?[A-Za-z0-9]{2}[0-9]"),
        cc.is_valid,
    ),
    Pattern(
        "personal.id.pt.social_security",
        _ID,
        number_after("niss|seguran[cç]a social", "[12][0-9]{10}"),
        is_portuguese_social_security,
    ),
    Pattern(
        "personal.id.si.personal",
        _ID,
        number_after("emšo|emso|slovenian personal|slovenian id|matična številka", "[0-3][0-9]{12}"),
        emso.is_valid,
    ),
    Pattern(
        "personal.id.si.tax", _TAX, number_after("davčna|davcna|slovenian tax|tin|tax id", "[0-9]{8}"), ddv.is_valid
    ),
)
