"""What people say they do: the name of a job after words that announce one, or on a line of its own below a name.

A job is known by its last word, or by the first where what follows narrows it (`Engineer, civil`).  The words are those
of common trades; without anything that announces it a job is a word like any other, and is left.
"""

from typing import Final

from penstock.guard.patterns.pattern import Pattern
from penstock.guard.personal.patterns.expressions import CAPITAL, LETTER, words

_TITLE: Final = "TITLE"
_ENGLISH: Final = (
    "account(?:ant| manager)|act(?:or|ress|uary)|administrator|advis[eo]r|agent|analyst|anima?tor|architect|archivist|"
    "artist|assistant|associate|astronomer|attorney|auditor|author|baker|banker|barber|barista|barrister|bartender|"
    "biochemist|biologist|bookkeeper|botanist|broker|builder|butcher|buyer|caregiver|caretaker|carpenter|cashier|chef|"
    "chemist|chief|chiropractor|cleaner|clerk|clinician|coach|conservator|consultant|contractor|controller|cook|"
    "coordinator|co-ordinator|copywriter|counsell?or|courier|curator|dancer|dealer|decorator|dentist|designer|developer|"
    "dieti[ct]ian|director|dispatcher|doctor|draughtsman|drafter|driver|ecologist|economist|editor|electrician|engineer|"
    "estimator|examiner|executive|farmer|firefighter|fisherman|florist|forester|foreman|gardener|geneticist|geographer|"
    "geologist|geophysicist|glazier|guard|guide|gynecologist|hairdresser|handler|historian|housekeeper|hydrologist|"
    "hygienist|illustrator|immunologist|inspector|installer|instructor|interpreter|investigator|janitor|jeweller|joiner|"
    "journalist|judge|labou?rer|landscaper|lawyer|lecturer|librarian|lifeguard|linguist|lobbyist|locksmith|logistician|"
    "machinist|maid|manager|marketer|mason|mathematician|mechanic|mediator|merchandiser|metallurgist|meteorologist|"
    "microbiologist|midwife|miner|minister|musician|nanny|negotiator|neurologist|nurse|nutritionist|oceanographer|officer|"
    "operative|operator|optician|optometrist|osteopath|paediatrician|painter|paralegal|paramedic|pathologist|pediatrician|"
    "pharmacist|pharmacologist|photographer|physician|physicist|physiologist|physiotherapist|pilot|planner|plumber|poet|"
    "policeman|policewoman|politician|porter|practitioner|president|printer|producer|professor|programmer|psychiatrist|"
    "psychologist|psychotherapist|publisher|radiographer|radiologist|ranger|realtor|receptionist|recruiter|repairer|"
    "reporter|representative|researcher|roofer|sailor|salesman|salesperson|saleswoman|scientist|sculptor|secretary|"
    "setter|singer|social worker|soldier|solicitor|sommelier|specialist|statistician|steward|stewardess|stylist|"
    "superintendent|supervisor|surgeon|surveyor|tailor|teacher|technician|technologist|teller|tester|therapist|"
    "toxicologist|trader|trainer|translator|treasurer|trucker|tutor|underwriter|upholsterer|vet|veterinarian|waiter|"
    "waitress|warden|welder|worker|writer|zoologist|ceo|cto|cfo|coo|sergeant|lieutenant|pastor|priest"
)
_GERMAN: Final = (
    "anwalt|anwältin|arzt|ärztin|assistentin|bäckerin|beamter|beamtin|beraterin|berater|buchhalter|buchhalterin|"
    "chirurg|chirurgin|elektriker|elektrikerin|entwickler|entwicklerin|erzieher|erzieherin|fahrer|fahrerin|forscher|"
    "forscherin|friseur|friseurin|führer|führerin|handwerker|hausmeister|ingenieur|ingenieurin|journalistin|kauffrau|"
    "kaufmann|kellner|kellnerin|koch|köchin|lehrer|lehrerin|leiter|leiterin|makler|maklerin|maler|mechaniker|"
    "mechanikerin|meister|meisterin|pfleger|pflegerin|polizist|polizistin|professorin|psychologin|psychologe|referent|"
    "referentin|richter|richterin|sachbearbeiter|sachbearbeiterin|schreiner|schwester|sekretär|sekretärin|techniker|"
    "technikerin|tischler|verkäufer|verkäuferin|verwalter|zahnarzt|zahnärztin|übersetzer|übersetzerin"
)
_WORD: Final = f"[{LETTER}][{LETTER}'’./&+-]{{0,24}}"  # noqa: RUF001 - the typographic apostrophe is what people type
_JOB: Final = rf"(?:{_WORD},? (?:and |of |& )?){{0,4}}(?:(?i:{_ENGLISH})|[{LETTER}-]{{0,20}}(?i:{_GERMAN}))"
_NAME: Final = f"[{CAPITAL}][{LETTER}'’.-]{{1,24}}"  # noqa: RUF001 - same
_SAID: Final = (
    "works as|work as|worked as|working as|employed as|hired as|job as|career as|role as|position as|trained as|"
    "retired as|he is a|she is a|he's a|she's a|husband is a|wife is a|father is a|mother is a|he is an|she is an|"
    "he's an|she's an|arbeite als|arbeitet als|tätig als|angestellt als|beschäftigt als|job als|ausbildung als|"
    "ausbildung zum|ausbildung zur"
)
_NAMED: Final = (
    "job title|occupation|profession|current position|current role|job role|beruf|berufsbezeichnung|"
    "position im unternehmen"
)
_IS: Final = r"(?i:[\"'*]{0,3} ?[:=-] ?[\"'*]{0,3} ?| is | ist | was )(?i:(?:a|an|the|ein|eine) )?"
_NAME_LINE: Final = rf"{_WORD}(?: {_WORD}){{1,3}}(?:[ \t\r]{{0,3}}\n[ \t\r\n>]{{0,8}}| [|–-] )"  # noqa: RUF001 - a dash
_NARROWED: Final = rf"(?i:{_ENGLISH}), {_WORD}(?:[ ,/(]{{1,2}}{_WORD}){{0,4}}"
_OF_SENTENCES: Final = frozenset({
    "a", "an", "the", "this", "that", "these", "those", "is", "am", "are", "was", "were", "be", "been", "has",
    "have", "had", "do", "does", "did", "will", "would", "can", "could", "should", "i", "you", "he", "she",
    "it", "we", "they", "my", "your", "his", "her", "its", "our", "their", "by", "to", "from", "with",
    "without", "in", "on", "at", "for", "as", "if", "not", "no", "or", "but", "so", "ein", "eine", "einen",
    "der", "die", "das", "den", "dem", "des", "ist", "sind", "war", "ich", "du", "er", "sie", "es", "wir",
    "und", "oder", "mit", "von", "zu", "nicht",
})  # fmt: skip


def is_job(text: str) -> bool:
    """No line of a sentence: "and saw the doctor" ends as the name of a job does."""
    return _OF_SENTENCES.isdisjoint(text.lower().split())


OCCUPATIONS: Final = (
    Pattern(
        "personal.title.job_of_name",
        _TITLE,
        rf"{_NAME}(?: {_NAME})?(?:,| is| was) (?:an?|the) ({_JOB})\b",
        is_job,
        score=0.5,
    ),
    Pattern(
        "personal.title.job_said",
        _TITLE,
        rf"{words(_SAID)} (?i:(?:a|an|ein|eine) )?({_JOB})\b",
        score=0.6,
    ),
    Pattern(
        "personal.title.job_named",
        _TITLE,
        rf"{words(_NAMED)}{_IS}({_JOB})\b",
        score=0.7,
    ),
    Pattern(
        "personal.title.job_line",
        _TITLE,
        rf"{_NAME_LINE}((?:{_JOB}|{_NARROWED}))[)]?[ \t\r]{{0,3}}\n",
        is_job,
        score=0.6,
        most_chars=400,
    ),
)
