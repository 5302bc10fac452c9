# ruff: noqa: RUF001 - the typographic apostrophe is what people type
"""Days, ages, and what people are addressed by."""

from typing import Final

from penstock.guard.patterns.pattern import Pattern
from penstock.guard.personal.patterns.checks import is_day
from penstock.guard.personal.patterns.expressions import CAPITAL, LETTER, words

_MONTH: Final = (
    "(?i:january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|"
    "aug|sept|sep|oct|nov|dec|januar|jänner|februar|märz|mai|juni|juli|oktober|dezember|janvier|février|mars|avril|juin|"
    "juillet|août|septembre|octobre|novembre|décembre|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|"
    "octubre|noviembre|diciembre|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre|janeiro|"
    "fevereiro|março|maio|junho|julho|setembro|outubro|novembro|dezembro|januari|februari|maart|mei|augustus|december)"
)
_OTHER_MONTHS: Final = (
    "maj|augusti|marts|desember|stycznia|lutego|marca|kwietnia|maja|czerwca|lipca|sierpnia|września|października|"
    "listopada|grudnia|ledna|února|března|dubna|května|června|července|srpna|září|října|listopadu|prosince|januára|"
    "februára|apríla|mája|júna|júla|augusta|septembra|októbra|novembra|decembra|január|február|március|április|május|"
    "június|július|augusztus|szeptember|október|ianuarie|februarie|martie|aprilie|iunie|iulie|septembrie|octombrie|"
    "noiembrie|decembrie|tammikuuta|helmikuuta|maaliskuuta|huhtikuuta|toukokuuta|kesäkuuta|heinäkuuta|elokuuta|"
    "syyskuuta|lokakuuta|marraskuuta|joulukuuta|jaanuar|veebruar|märts|aprill|juuni|juuli|oktoober|detsember|"
    "janvār|februār|mart|aprīl|maij|jūnij|jūlij|septembr|oktobr|novembr|decembr|sausio|vasario|kovo|"
    "balandžio|gegužės|birželio|liepos|rugpjūčio|rugsėjo|spalio|lapkričio|gruodžio|siječnja|veljače|ožujka|travnja|"
    "svibnja|lipnja|srpnja|kolovoza|rujna|studenoga|prosinca|januarja|februarja|aprila|junija|julija|avgusta|oktobra|"
    "ιανουαρίου|φεβρουαρίου|μαρτίου|απριλίου|μαΐου|μαίου|ιουνίου|ιουλίου|αυγούστου|σεπτεμβρίου|οκτωβρίου|νοεμβρίου|"
    "δεκεμβρίου|януари|февруари|март|април|май|юни|юли|август|септември|октомври|ноември|декември|jannar|frar|marzu|"
    "mejju|ġunju|lulju|awwissu|settembru|ottubru|novembru|diċembru"
)
_YEAR: Final = "(?:1[89]|20)[0-9]{2}"
_DAY: Final = "(?:3[01]|[12][0-9]|0?[1-9])"
_MONTH_NUMBER: Final = "(?:1[0-2]|0?[1-9])"
_CLOCK: Final = (
    r"(?:[T ,]{1,2}(?:(?:at|um|à) )?[012]?[0-9]:[0-5][0-9](?::[0-5][0-9](?:[.][0-9]{1,6})?)?"
    r"(?: ?(?:Z|UTC|[AaPp]\.?[Mm]\.?|Uhr|[+-][0-9]{2}:?[0-9]{2}))?)?"
)
_NUMERIC: Final = (
    rf"{_YEAR}(?:-{_MONTH_NUMBER}-{_DAY}|/{_MONTH_NUMBER}/{_DAY}|[.]{_MONTH_NUMBER}[.]{_DAY})|"
    rf"[0-3]?[0-9](?:/[0-3]?[0-9]/|-[0-3]?[0-9]-|[.] ?[01]?[0-9][.] ?)(?:{_YEAR}|[0-9]{{2}})"
)
_NAMED: Final = (
    rf"{_DAY}(?:st|nd|rd|th|[.]|º)?(?: (?:of|de|di))?[ -]{_MONTH}[.]?(?:[, -]{{1,2}}(?:(?:de|del) )?{_YEAR})?|"
    rf"{_MONTH}[.]? {_DAY}(?:st|nd|rd|th)?(?:,? {_YEAR})?|{_MONTH}[.]?,? (?:of |de )?{_YEAR}|"
    rf"{_YEAR}[.,]?(?: m[.]| gada)? (?:{_MONTH} {_DAY}|{_DAY}[.] {_MONTH})"
)
_BORN_DAY: Final = (  # a month of any language: after a word, as a stream cannot follow so many names everywhere
    rf"(?:{_NUMERIC}|{_NAMED}|{_DAY}[.]? (?i:{_OTHER_MONTHS})(?: {_YEAR})?|"
    rf"{_YEAR}[.,]?(?: m[.]| gada)? (?:(?i:{_OTHER_MONTHS}) {_DAY}|{_DAY}[.] (?i:{_OTHER_MONTHS})))"
)
_BIRTH: Final = (
    "born|birth|dob|d[.]o[.]b|b-day|birthdate|birthday|geboren|geburtstag|geburtsdatum|geb[.]|geb |né le|née le|"
    "date de naissance|nacido|nacida|nacimiento|nato|nata|nascita|nascido|nascida|nascimento|geboortedatum|urodz|"
    "född|født|syntynyt|syntymä|narozen|narodený|született|születési|născut|nașter|γεννήθηκε|γέννησης|роден"
)
_WEEKDAY: Final = (
    "monday|tuesday|wednesday|thursday|friday|saturday|sunday|montag|dienstag|mittwoch|donnerstag|freitag|samstag|"
    "sonnabend|sonntag"
)
_YEAR_WORDS: Final = (
    "in|since|during|until|till|from|by|of|year|after|before|around|circa|and|to|"
    "through|between|class of|as of|seit|im jahr|im jahre|jahr|von|bis|ab|anno|"
    "en|depuis|desde|dal|nel|em|sinds|w roku|fall|spring|summer|winter|autumn|early|late|mid"
)
_AGED: Final = (
    "age of|aged|age is|my age|age|alter von|alter|im alter|turn|turns|turned|turning|i am|i'm|i’m|he is|she is|he's|"
    "she's|ich bin|jahrgang|ages|edad|età|âge|leeftijd|wiek"
)
_PEOPLE: Final = (
    "he|she|who|patient|child|son|daughter|father|mother|dad|mum|mom|husband|wife|brother|sister|grandmother|"
    "grandfather|uncle|aunt|friend|boyfriend|girlfriend|er|sie|sohn|tochter|vater|mutter|mann|frau|bruder|schwester|oma|opa"
)
_OLD: Final = (
    "year[s]?[- ]old|year[s]? young|yrs?[- ]old|y/o|y[.]o[.]|yo|year[s]? of age|jahre alt|jahre jung|-?jährige?[nrs]?|"
    "-?jaehrige?[nrs]?|ans|años|anos de idade|anni|jaar oud|lat|år gammel|år gammal|år|vuotta"
)
_TITLES: Final = (
    "Mr|Mrs|Ms|Mx|Dr|Prof|Sr|Sra|Srta|Mme|Mlle|Dott|Dr[.] med|Dr[.]-Ing|Dipl[.]-Ing|Ing|Hr|Fr|Rev|Hon|Gen|Col|Capt|"
    "Lt|Sgt|Prof[.] Dr|Fr[äa]ulein|Miss|Madam|Sir|Lord|Lady|Professor|Doctor|Herr|Herrn|Frau|Monsieur|Madame|"
    "Mademoiselle|Señor|Señora|Señorita|Signor|Signora|Signorina|Senhor|Senhora|Meneer|Mevrouw|Pan|Pani|MR|MRS|MS|DR|PROF|HERR|FRAU"
)


_NAME: Final = f"[{CAPITAL}][{LETTER}'’.-]{{1,24}}"
_OFFICES: Final = (
    "President|Senator|Governor|Chancellor|Judge|Justice|Officer|Detective|Inspector|Captain|Colonel|Lieutenant|Sergeant|"
    "Father|Pastor|Bishop|Rabbi|Imam|Prince|Princess|Queen|Baron|Baroness|Duke|Ambassador|Mayor|Nurse|Coach|"
    "Bundeskanzler|Bundeskanzlerin|Präsident|Präsidentin|Minister|Ministerin|Richter|Richterin|Pfarrer|Pfarrerin|"
    "Bürgermeister|Bürgermeisterin|Graf|Gräfin|Freiherr|Pater"
)


def is_date(text: str) -> bool:
    """Numbers that make a day of the calendar in one of the orders; a month's name needs no proof."""
    if any(map(str.isalpha, text[:8])):
        return True
    numbers = [int(each) for each in _numbers(text[:10])]
    if len(numbers) < 3:
        return True
    first, second, third = numbers[:3]
    if first > 31:
        return is_day(first, second, third)
    year = third if third > 99 else 1900 + third
    return is_day(year, second, first) or is_day(year, first, second)


def _numbers(text: str) -> list[str]:
    return "".join(each if each.isdigit() else " " for each in text).split()


def is_age(text: str) -> bool:
    return 0 < int(text) <= 120


DATES: Final = (
    Pattern("personal.birth.date", "DATE_OF_BIRTH", rf"{words(_BIRTH)}[^0-9]{{0,30}}?\b({_BORN_DAY})\b", is_date),
    Pattern("personal.birth.year", "DATE_OF_BIRTH", rf"{words(_BIRTH)}[^0-9]{{0,12}}\b({_YEAR})\b", score=0.8),
    Pattern("personal.date.numeric", "DATE_TIME", rf"\b(?:{_NUMERIC}){_CLOCK}\b", is_date),
    Pattern("personal.date.named", "DATE_TIME", rf"\b(?:{_NAMED}){_CLOCK}\b"),
    Pattern("personal.date.weekday", "DATE_TIME", rf"\b(?i:{_WEEKDAY})\b"),
    Pattern("personal.date.year", "DATE_TIME", rf"{words(_YEAR_WORDS)} (?:the (?:year )?)?({_YEAR})\b", score=0.6),
    Pattern("personal.date.years", "DATE_TIME", rf"\b{_YEAR} ?[–-] ?{_YEAR}\b", score=0.6),
    Pattern("personal.date.year_alone", "DATE_TIME", r"\b(?:19[0-9]{2}|20[0-3][0-9])\b", score=0.4),
    Pattern(
        "personal.date.decade",
        "DATE_TIME",
        r"\b(?:1[89]|20)[0-9]0(?:'|’)?s\b|\b[1-9]0er(?:[ -][Jj]ahren?)?\b",
        score=0.5,
    ),
    Pattern(
        "personal.date.clock",
        "DATE_TIME",
        r"\b(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?(?: ?(?:[AaPp][.]?[Mm]\b[.]?|Uhr\b))?",
    ),
    Pattern("personal.age.years", "AGE", rf"\b([0-9]{{1,3}})[- ]?(?i:{_OLD})\b", is_age),
    Pattern(
        "personal.age.named",
        "AGE",
        rf"{words(_AGED)}(?:[ :=]|\b(?i:is|of|on|am|to)\b){{1,4}}([0-9]{{1,3}})\b",
        is_age,
        score=0.7,
    ),
    Pattern(
        "personal.age.said",
        "AGE",
        rf"{words(_PEOPLE)}(?:'s|’s| is| was| will be| turned| just turned| turns| ist| war| wird| wurde){{1,2}} "
        r"(?:(?i:now|only|just|about|almost|nearly|already|jetzt|erst|schon|fast) ){0,2}([0-9]{1,3})[,.;!? )]",
        is_age,
        score=0.6,
    ),
    Pattern("personal.title", "TITLE", rf"\b((?:{_TITLES})[.]?) [{CAPITAL}]", score=0.7),
    Pattern(
        "personal.title.office",
        "TITLE",
        rf"\b((?:{_OFFICES})) {_NAME}(?: {_NAME}|'s|’s|[,;:!?]| (?:is|was|has|had|said|and|will))",
        score=0.6,
    ),
    Pattern(
        "personal.title.after_name",
        "TITLE",
        rf"{_NAME},? (Ph[.]?D|M[.]D|D[.]?D[.]S|DVM|MBA|Esq|Jr|M[.]Sc|B[.]Sc|LL[.]M|CPA|RN)\b",
        score=0.6,
    ),
    Pattern("personal.title.abbreviated", "TITLE", r"\b((?i:mr|mrs|ms|mx|dr|prof)[.])"),
)
