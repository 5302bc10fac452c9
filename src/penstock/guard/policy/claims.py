# ruff: noqa: E501 - tables of expressions read best as one line each
r"""What an answer must not claim: promises, and advice that only a doctor, a lawyer or an adviser may give.

Expressions in English and German, to be chosen by kind; they find how such things are usually said, and nothing else.
They suit streams: bounded, and without a look at where the text begins or ends.
"""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final, Literal, get_args

from penstock.guard.patterns.pattern import Pattern
from penstock.guard.policy.wordings import patterns_of

Claim = Literal["guarantee", "medical", "legal", "financial"]
CLAIMS: Final[tuple[Claim, ...]] = get_args(Claim)

_GAP: Final = r"[^.!?\n]{0,30}"
_MOST_CHARS: Final = 400

_EXPRESSIONS: Final = MappingProxyType[Claim, tuple[str, ...]](
    {
        "guarantee": (
            (
                r"\b(?:we|i|our (?:team|company|product|service))(?: can| do| will| hereby| fully| personally){0,2} "
                r"(?:guarantee|promise|warrant|assure)\b"
            ),
            r"\b(?:is|are|it's|comes|come|you're|results?) (?:100 ?%|fully|absolutely|completely|always)? ?guaranteed\b",
            (
                r"\b(?:100 ?%|one hundred percent|absolutely|completely|totally|entirely) (?:guaranteed|risk[- ]free|safe|secure"
                r"|foolproof|fail[- ]?proof)\b"
            ),
            r"\b(?:money[- ]back|lifetime|satisfaction|performance|lowest[- ]price|best[- ]price) guarantee\b",
            r"\bguaranteed (?:results?|success|returns?|approval|delivery|income|profits?|savings|cure|win|job)\b",
            r"\b(?:cannot|can't|can not|won't|will never|never) (?:possibly )?(?:fail|go wrong|break|lose(?: (?:any )?money)?)\b",
            r"\b(?:wir|ich) (?:garantieren?|versprechen?)\b",
            r"\b(?:ist|sind|wird|werden)(?: [a-zäöüß]{1,20}){0,3} (?:garantiert|zugesichert)\b",
            r"\b(?:hundertprozentig|100 ?%(?:ig)?|absolut|völlig|vollkommen) (?:sicher|garantiert|risikofrei|risikolos|zuverlässig)\b",
            r"\b(?:geld[- ]?zurück|zufriedenheits|bestpreis|tiefpreis|erfolgs)[- ]?garantie\b",
            r"\bgarantierte[rnsm]? (?:erfolg|ergebnisse?|renditen?|gewinne?|lieferung|zusage)\b",
        ),
        "medical": (
            (
                r"\byou (?:have|are suffering from|suffer from|clearly have|probably have|most likely have|likely have) "
                r"(?:an? |the )?(?:[a-z\-]{1,20} ){0,2}(?:cancer|diabetes|depression|infection|pneumonia|covid|flu|migraines?|asthma"
                r"|anxiety disorder|heart (?:attack|disease)|stroke|hypertension|arthritis|adhd|eczema|appendicitis|bronchitis|tumou?r)\b"
            ),
            r"\b(?:you (?:should|must|need to|can(?: safely)?|may)|please|just) (?:take|stop taking|start taking|increase|reduce|double"
            r"|halve|skip)"
            + _GAP
            + r"\b(?:\d{1,4} ?(?:mg|ml|mcg|µg|tablets?|pills?|drops)|dose|dosage|doses|medications?|medicines?"
            r"|antibiotics?|insulin|antidepressants?|painkillers?|ibuprofen|paracetamol|aspirin)\b",
            (
                r"\b(?:this|it|that|our product|which) (?:will |can |definitely |completely )?(?:cures?|heals?|reverses?|eliminates?) "
                r"(?:your |the |any |all )?(?:[a-z\-]{1,20} ){0,2}(?:cancer|diabetes|depression|disease|illness|infection|pain|anxiety"
                r"|migraines?|asthma|arthritis|symptoms)\b"
            ),
            (
                r"\b(?:no need to|you (?:don't|do not|needn't) (?:need to |have to )?)(?:see|visit|consult|call|contact) (?:a |your |the )?"
                r"(?:doctor|physician|gp|specialist|hospital|emergency)\b"
            ),
            r"\bsie (?:haben|leiden an|leiden unter)"
            + _GAP
            + r"\b(?:krebs|diabetes|depression(?:en)?|infektion|entzündung|migräne|asthma"
            r"|lungenentzündung|grippe|bluthochdruck|herzinfarkt|schlaganfall)\b",
            r"\b(?:nehmen|setzen|erhöhen|verdoppeln|reduzieren|halbieren) sie"
            + _GAP
            + r"\b(?:\d{1,4} ?(?:mg|ml|µg|tabletten?|tropfen)|dosis"
            r"|dosierung|medikamente?s?|antibiotik[au]m?|insulin|schmerzmittel|ibuprofen|paracetamol)\b",
            r"\b(?:heilt|kuriert|beseitigt) (?:ihren?|den|die|das|jeden?|alle)?"
            + _GAP
            + r"\b(?:krebs|diabetes|depression(?:en)?|krankheit(?:en)?"
            r"|entzündung(?:en)?|schmerzen|migräne|asthma)\b",
            r"\bsie (?:brauchen|müssen)"
            + _GAP
            + r"\b(?:keinen arzt|nicht zum arzt|keine ärztin|nicht ins krankenhaus)\b",
        ),
        "legal": (
            (
                r"\byou (?:have|clearly have|definitely have|certainly have) (?:a |an )?(?:strong |good |solid |valid |clear |legal ){0,2}"
                r"(?:case|claim|grounds?|right) (?:to sue|for (?:a )?(?:lawsuit|damages|compensation|dismissal)|against|in court)\b"
            ),
            (
                r"\byou (?:will|would|are going to|are certain to|are sure to) (?:definitely |certainly |surely |easily )?win (?:the |your |this |in )?"
                r"(?:case|lawsuit|court|trial|appeal|claim)\b"
            ),
            (
                r"\b(?:this|it|that|what (?:you|they|he|she) (?:did|does)|your (?:contract|plan)) (?:is|was) "
                r"(?:perfectly |completely |clearly |definitely |absolutely |not )(?:legal|illegal|lawful|unlawful|binding|enforceable|void)\b"
            ),
            (
                r"\byou (?:should|must|need to|can(?: safely)?) (?:sue|plead|sign (?:the|this) (?:contract|agreement|waiver)|ignore (?:the|this) "
                r"(?:summons|subpoena|contract|notice|court)|refuse to pay|file (?:a |the )?(?:lawsuit|suit|bankruptcy))\b"
            ),
            r"\byou (?:don't|do not) need (?:a |any )?(?:lawyer|attorney|solicitor|legal (?:advice|counsel))\b",
            r"\b(?:our|my|this) legal (?:advice|opinion) (?:is|to you)\b",
            r"\bsie (?:haben|hätten)"
            + _GAP
            + r"\b(?:anspruch auf (?:schadens?ersatz|schmerzensgeld|entschädigung)|gute (?:chancen|karten) vor gericht)\b",
            r"\bsie (?:werden|würden)" + _GAP + r"\b(?:prozess|klage|verfahren|rechtsstreit)" + _GAP + r"\bgewinnen\b",
            r"\bsie (?:sollten|müssen|können)"
            + _GAP
            + r"\b(?:verklagen|klage einreichen|klagen|widerspruch einlegen|insolvenz anmelden)\b",
            r"\bsie (?:brauchen|benötigen) (?:dafür |hierfür |dazu )?keinen? (?:anwalt|anwältin|rechtsanwalt|rechtsberatung)\b",
            r"\b(?:ist|wäre) (?:eindeutig|völlig|absolut|definitiv|klar) (?:legal|illegal|rechtswidrig|rechtens|unwirksam|nichtig|strafbar)\b",
        ),
        "financial": (
            r"\byou (?:should|must|need to|ought to|have to) (?:definitely |really |immediately )?(?:buy|sell|invest|short|hold onto|dump)\b"
            + _GAP
            + r"\b(?:stocks?|shares?|funds?|etfs?|bonds?|crypto(?:currency|currencies)?|bitcoin|ethereum|gold|real estate)\b",
            (
                r"\b(?:stocks?|shares?|price|prices|value|investment|fund|bitcoin|crypto|market) (?:will|is going to|are going to) (?:definitely |certainly |surely )"
                r"?(?:double|triple|rise|go up|skyrocket|multiply|crash|fall|outperform)\b"
            ),
            r"\b(?:risk[- ]free|guaranteed|safe|certain|sure) (?:investments?|returns?|profits?|gains?|income|yield|interest)\b",
            (
                r"\b(?:you (?:will|can|are going to) )(?:definitely |certainly |easily )?(?:earn|make|get|receive|gain) (?:at least |up to |over )?"
                r"(?:\d{1,4} ?%|\d{1,4} percent|(?:a )?\d{1,3}(?:\.\d{1,2})? ?% return)\b"
            ),
            r"\b(?:my|our) (?:financial|investment) (?:advice|recommendation) (?:is|to you|would be)\b",
            r"\bsie (?:sollten|müssen)"
            + _GAP
            + r"\b(?:aktien?|fonds|etfs?|anleihen|bitcoin|krypto(?:währungen)?|gold|immobilien?)\b"
            + _GAP
            + r"\b(?:kaufen|verkaufen|investieren|anlegen|halten|abstoßen)\b",
            r"\b(?:aktien?|kurs|kurse|wert|preis|bitcoin|rendite|fonds) (?:wird|werden)"
            + _GAP
            + r"\b(?:steigen|fallen|sich verdoppeln|explodieren|zulegen)\b",
            r"\b(?:risikofreie|risikolose|garantierte|sichere)[rnsm]? (?:anlagen?|geldanlagen?|renditen?|gewinne?|erträge?|zinsen|investments?)\b",
            r"\bunsere (?:anlage|finanz)(?:empfehlung|beratung|tipp)\b",
        ),
    }
)


def claim_patterns(claims: Sequence[Claim] = CLAIMS) -> tuple[Pattern, ...]:
    """For the kinds that are chosen; the rules are `policy.claim.<kind>`."""
    return patterns_of(_EXPRESSIONS, claims, rule="policy.claim", kind="CLAIM", most_chars=_MOST_CHARS)
