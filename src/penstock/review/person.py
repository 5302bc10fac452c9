"""Whether somebody asks for a person: by what they write, in several languages.

Only short stretches that ask for it are meant: a word of wanting or talking, and soon after it (or before, where the
language has it so) a person or somebody of the staff.  A text *about* support staff is not a wish to talk to them.
"""

import re

_STAFF_DE = r"mensch\w*|mitarbeiter\w*|berater\w*|kundenservice|kundendienst|sachbearbeiter\w*|vorgesetzt\w*"
_STAFF_NL = r"mens|medewerker|persoon|klantenservice|collega|adviseur"
_WISHES: tuple[tuple[str, str], ...] = (
    (  # English
        r"talk|speak|chat|connect(?:ed)?|transfer(?:red)?|put me|pass me|get me|hand me|escalate",
        r"person|human(?: being)?|agent|representative|rep|operator|advis[eo]r|manager|supervisor|customer service",
    ),
    (
        r"want|need|prefer|like|give me",
        r"(?:real|actual|live|human) (?:person|human|agent|being|representative|support|help|advis[eo]r)",
    ),
    (r"human|live agent|real person", r"please"),
    # German
    (r"mit|an", rf"(?:{_STAFF_DE}|person)\b[^.?!\n]{{0,25}}?\b(?:sprechen|reden|chatten|telefonieren|verb[iu]nden)"),
    (r"sprechen|reden|verbinden?|weiterleiten|leiten?", rf"(?:mit|an)\b[^.?!\n]{{0,20}}?\b(?:{_STAFF_DE})"),
    (
        r"möchte|moechte|will|brauche|bitte",
        rf"(?:echte[nr]?|richtige[nr]?|menschliche[nr]?) (?:{_STAFF_DE}|ansprechpartner\w*|person)",
    ),
    (  # French
        r"parler|discuter|échanger|joindre|contacter|transférer|passer",
        r"humaine?|vraie personne|quelqu['\u2019]un|conseill(?:er|ère)|agent|opérateur|responsable|être humain",
    ),
    (  # Spanish
        r"hablar|conversar|comunicar\w*|pas[ae]r?me|páseme|transfi\w+|conectar?\w*",
        r"humano|persona|agente|asesora?|operadora?|representante|alguien|encargad[oa]",
    ),
    (  # Italian
        r"parlare|parlo|contattare|passarmi|passami|mettermi in contatto",
        r"umano|persona|operatore|operatrice|consulente|addetto|qualcuno|responsabile",
    ),
    (  # Portuguese
        r"falar|conversar|transferir|transfira|passar",
        r"humano|pessoa|atendente|operador\w*|representante|alguém|gerente",
    ),
    # Dutch
    (r"met|naar", rf"(?:{_STAFF_NL})\b[^.?!\n]{{0,20}}?\b(?:spreken|praten|chatten|doorverb[io]nden|bellen)"),
    (r"spreken|praten|chatten", rf"met\b[^.?!\n]{{0,15}}?\b(?:{_STAFF_NL})"),
    (r"porozmawiać|rozmawiać|połącz\w*|mówić", r"człowiekiem|konsultant\w*|osobą|pracownik\w*|doradc\w*"),  # Polish
    (r"insanla?|temsilci\w*|yetkili\w*|müşteri hizmet\w*", r"konuş\w*|görüş\w*|bağla\w*"),  # Turkish
)
_ASKS = re.compile(
    "|".join(rf"\b(?:{first})\b[^.?!\n]{{0,30}}?\b(?:{then})\b" for first, then in _WISHES), re.IGNORECASE
)
_NOT = re.compile(
    r"\b(?:do(?:es)?n['\u2019]?t|not|no need to|without|never|nicht|ohne|kein\w*|ne|pas|sans|no|sin|non|senza|não|sem|"
    r"niet|zonder|nie)\b[^.?!,\n]{0,25}\Z",
    re.IGNORECASE,
)
_MOST_CHARS = 4000
_BEFORE_CHARS = 60


def asks_for_person(text: str) -> bool:
    """Whether the text asks to talk to a person.  Of a long text its first and last 4000 characters are looked at."""
    stretches = (text,) if len(text) <= 2 * _MOST_CHARS else (text[:_MOST_CHARS], text[-_MOST_CHARS:])
    return any(
        not _NOT.search(stretch[max(0, match.start() - _BEFORE_CHARS) : match.start()])
        for stretch in stretches
        for match in _ASKS.finditer(stretch)
    )
