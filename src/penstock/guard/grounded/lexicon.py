# ruff: noqa: E501, SIM905 - lists of words read best so
"""Words that are read for what they do in a sentence, in English and German; all in lower case."""

from types import MappingProxyType
from typing import Final

FUNCTION: Final = frozenset(
    "a an the this that these those is are was were be been being am do does did doing done has have had having will "
    "would shall should can could may might must i me my mine we us our ours you your yours he him his she her hers it "
    "its they them their theirs to of in on at by for with from into onto as and or but if so than then there here just "
    "very also too about up out off what which who whom whose when where why how s t d ll m re ve per via etc such "
    "however therefore thus while whereas both either well further furthermore additionally moreover overall one ones "
    "within through during between among over under upon like get gets got let lets yes no not nor any some each every "
    "all more most other another same own only because although though since until unless after before again "
    "der die das den dem des ein eine einen einem einer eines und oder aber ist sind war waren wird werden wurde wurden "
    "hat haben hatte hatten kann können muss müssen soll sollen darf dürfen ich du er sie es wir ihr sich mein dein "
    "sein unser euer zu zum zur von vom mit bei beim im in am an auf aus für nach über unter um durch als wie wenn dass "
    "ob auch noch nur schon so da dort hier man dieser diese dieses jeder jede jedes nicht kein keine keinen".split()
)
"""They say how words belong together; whether they occur in a source tells nothing."""

LIGHT: Final = frozenset(
    "make makes made making take takes taken give gives given set put way ways thing things number numbers lot lots kind "
    "kinds sort case cases part use uses used using time times order basis place process able back new based include "
    "includes including various different certain particular specific need needs want wants know go goes going come keep "
    "part parts please say says said tell mean means allow allows provide provides help helps ensure sure".split()
)
"""They carry little: that one of them is in no source tells little."""

TYING: Final = frozenset(
    "to of in on at by for with from into onto or but if than up out off what who when where why how about will would "
    "shall should can could may might must within through during between among over under upon no not nor any some each "
    "every all more most other another same own only because although though since until unless after before again both "
    "either never none without zu von vom mit bei im am an auf aus für nach über unter um durch als wenn ob nur schon "
    "und oder aber kann können muss müssen soll sollen darf dürfen nicht kein keine keinen jeder jede jedes".split()
)
"""Of the words that tie others together those of which no other says the same."""

PRONOUNS: Final = frozenset(
    "i me my mine we us our ours you your yours he him his she her hers it its they them their theirs one ones "
    "ich mich mir mein meine wir uns unser unsere du dich dir dein sie ihr ihre ihnen er ihn ihm sein seine es".split()
)
"""For any of them whom it means may be named."""

NEGATIONS: Final = frozenset(
    "not no never none nobody nothing nowhere neither nor cannot without hardly barely isn aren wasn weren don doesn "
    "didn won wouldn couldn shouldn hasn haven hadn mustn needn ain lack lacks lacking fail fails failed unable "
    "nicht kein keine keinen keinem keiner keines nie niemals niemand nichts ohne weder".split()
)

_OPPOSITES: Final = (
    "increase/decrease,increase/reduce,raise/lower,rise/fall,grow/shrink,gain/lose,win/lose,buy/sell,send/receive",
    "give/take,lend/borrow,deposit/withdraw,credit/debit,import/export,upload/download,open/close,start/stop,start/end",
    "begin/end,enable/disable,activate/deactivate,lock/unlock,block/unblock,install/uninstall,attach/detach,add/remove",
    "add/delete,create/delete,create/destroy,accept/reject,accept/decline,approve/reject,approve/deny,allow/deny",
    "allow/forbid,allow/block,allow/prevent,permit/forbid,permit/prohibit,allow/prohibit,confirm/cancel,push/pull",
    "encrypt/decrypt,encode/decode,load/save,read/write,arrive/depart,enter/exit,enter/leave,hire/fire,join/leave",
    "remember/forget,love/hate,like/dislike,agree/disagree,succeed/fail,success/failure,pass/fail,include/exclude",
    "expand/collapse,show/hide,maximum/minimum,maximize/minimize,most/least,more/less,more/fewer,many/few,higher/lower",
    "high/low,up/down,previous/next,top/bottom,upper/lower,above/below,over/under,before/after,earlier/later,early/late",
    "first/last,past/future,old/new,older/newer,best/worst,better/worse,good/bad,advantage/disadvantage,strong/weak",
    "stronger/weaker,strength/weakness,positive/negative,hot/cold,big/small,large/small,larger/smaller,bigger/smaller",
    "largest/smallest,long/short,longer/shorter,fast/slow,faster/slower,quickly/slowly,heavy/light,wide/narrow,hard/easy",
    "difficult/easy,rich/poor,cheap/expensive,free/paid,full/empty,safe/dangerous,public/private,internal/external",
    "inside/outside,online/offline,manual/automatic,manually/automatically,domestic/international,local/global",
    "personal/business,single/multiple,always/never,always/sometimes,often/rarely,frequently/rarely,usually/rarely",
    "everyone/nobody,everything/nothing,with/without,for/against,left/right,north/south,east/west,front/back",
    "male/female,man/woman,men/women,input/output,source/target,income/expense,profit/loss,true/false,valid/invalid",
    "legal/illegal,possible/impossible,correct/incorrect,right/wrong,known/unknown,visible/hidden,able/unable",
    "likely/unlikely,necessary/unnecessary,required/optional,mandatory/optional,active/inactive,complete/incomplete",
    "direct/indirect,directly/indirectly,normal/abnormal,common/rare,alive/dead,birth/death,born/died,gross/net",
    "synchronous/asynchronous,static/dynamic,hardware/software,frontend/backend,mild/severe,acute/chronic,day/night",
    "benign/malignant,incoming/outgoing,inbound/outbound,upgrade/downgrade,strengthen/weaken,merge/split,publish/retract",
    "accelerate/slow,present/absent,presence/absence,majority/minority,major/minor,partially/fully,temporary/permanent",
    "within/outside,usually/never,encourage/discourage,recommend/discourage,promote/inhibit,activate/inhibit",
    "activation/inhibition,induce/inhibit,enhance/impair,enhance/reduce,improve/worsen,elevated/reduced,help/harm,support/oppose",
    "upregulate/downregulate,admit/deny,must/optional,required/forbidden,dependent/independent",
    "sufficient/insufficient,effective/ineffective,stable/unstable,available/unavailable,same/different,winter/summer",
    "morning/evening,weekday/weekend,employer/employee,buyer/seller,sender/recipient,customer/vendor,parent/child",
    "erhöhen/senken,steigen/fallen,öffnen/schließen,beginnen/enden,erlaubt/verboten,immer/nie,mehr/weniger,vor/nach",
    "groß/klein,lang/kurz,hoch/niedrig,neu/alt,gut/schlecht,mit/ohne,intern/extern,öffentlich/privat,täglich/jährlich",
    "mindestens/höchstens,annehmen/ablehnen,kostenlos/kostenpflichtig,pflichtig/frei,richtig/falsch,maximal/minimal",
)
OPPOSITES: Final[frozenset[tuple[str, str]]] = frozenset(
    pair
    for line in _OPPOSITES
    for both in line.split(",")
    for left, right in [both.split("/")]
    for pair in ((left, right), (right, left))
)

NUMBER_WORDS: Final = MappingProxyType(
    {
        **dict(zip("zero one two three four five six seven eight nine ten eleven twelve".split(), range(13), strict=True)),
        "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
        "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
        "dozen": 12, "hundred": 100, "thousand": 1_000, "twice": 2, "once": 1, "half": 0.5, "third": 3, "second": 2,
        "first": 1, "fourth": 4, "fifth": 5, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6, "sieben": 7,
        "acht": 8, "neun": 9, "zehn": 10, "elf": 11, "zwölf": 12, "zwanzig": 20, "dreißig": 30, "hundert": 100,
        "tausend": 1_000,
    }
)  # fmt: skip
LOOSE_NUMBERS: Final = frozenset(
    {"one", "once", "first", "second", "third", "half", "hundred", "thousand", "zero", "acht"}
)
"""Number words that mostly are said without counting: they are wanted in no source."""

SCALES: Final = MappingProxyType(
    {"k": 1e3, "thousand": 1e3, "m": 1e6, "mn": 1e6, "million": 1e6, "bn": 1e9, "b": 1e9, "billion": 1e9,
     "trillion": 1e12, "tausend": 1e3, "millionen": 1e6, "mio": 1e6, "milliarden": 1e9, "mrd": 1e9}
)  # fmt: skip

_UNITS: Final = (
    ("$", "usd", "dollar", "dollars"), ("€", "eur", "euro", "euros"), ("£", "gbp", "pound", "pounds"), ("¥", "yen"),
    ("%", "percent", "pct", "prozent", "percentage"), ("°c", "celsius"), ("°f", "fahrenheit"),
    ("mm", "millimeters", "millimetres"), ("cm", "centimeters", "centimetres", "zentimeter"),
    ("m", "meter", "meters", "metre", "metres"), ("km", "kilometer", "kilometers", "kilometres"),
    ("inch", "inches"), ("foot", "feet", "ft"), ("mile", "miles"), ("mg", "milligram", "milligrams"),
    ("g", "gram", "grams", "gramm"), ("kg", "kilogram", "kilograms", "kilogramm"), ("ton", "tons", "tonne", "tonnes"),
    ("lb", "lbs"), ("ml", "milliliter", "milliliters"), ("l", "liter", "liters", "litre", "litres"),
    ("kb", "kilobytes"), ("mb", "megabyte", "megabytes"), ("gb", "gigabyte", "gigabytes", "gib"),
    ("tb", "terabyte", "terabytes"), ("ms", "millisecond", "milliseconds"),
    ("second", "seconds", "sec", "secs", "sekunde", "sekunden"), ("minute", "minutes", "min", "mins", "minuten"),
    ("hour", "hours", "hr", "hrs", "stunde", "stunden"), ("day", "days", "tag", "tage", "tagen"),
    ("week", "weeks", "woche", "wochen"), ("month", "months", "monat", "monate", "monaten"),
    ("quarter", "quarters", "quartal", "quartale"), ("year", "years", "jahr", "jahre", "jahren"),
    ("decade", "decades"), ("hz", "hertz"), ("ghz",), ("mhz",), ("watt", "watts"), ("volt", "volts"),
)  # fmt: skip
UNITS: Final = MappingProxyType({word: unit[0] for unit in _UNITS for word in unit})

MONTHS: Final = MappingProxyType(
    {
        name: at // 3 + 1
        for at, name in enumerate(
            "january januar jan february februar feb march märz mar april apr apr may mai may june juni jun "
            "july juli jul august aug aug september sep sept october oktober oct november nov nov "
            "december dezember dec".split()
        )
    }
)
WEEKDAYS: Final = MappingProxyType(
    {
        name: at // 3
        for at, name in enumerate(
            "monday mondays montag tuesday tuesdays dienstag wednesday wednesdays mittwoch thursday thursdays donnerstag "
            "friday fridays freitag saturday saturdays samstag sunday sundays sonntag".split()
        )
    }
)
AMBIGUOUS: Final = frozenset({"may", "march", "mar", "jan", "sun", "sep", "dec"})
"""Read as months only with a capital letter, and `may` only beside a number."""

STRONG: Final = frozenset(
    "must always never only all every required requires require mandatory exclusively entirely cannot guaranteed "
    "muss müssen immer nie nur alle jeder erforderlich".split()
)
WEAK: Final = frozenset(
    "may might can could should some most recommend recommended recommends encouraged suggested sometimes often usually typically optional optionally mostly many  generally possibly "
    "likely kann können manchmal oft meist einige".split()
)
PERSONAL: Final = frozenset("i i'm i've i'd me my mine myself ich mir mich mein meine".split())
OPINION: Final = frozenset(
    "think believe guess feel love like enjoy hope wish wonder favorite favourite cool wow haha lol awesome nice sure "
    "glad really pretty definitely probably bet imagine heard remember".split()
)
VERBS: Final = frozenset(
    "is are was were be been has have had do does did can could will would shall should may might must get gets gives "
    "includes include contains contain requires require provides provide allows allow uses use needs need means mean "
    "takes take makes make works work runs run shows show says say becomes become remains remain begins begin starts "
    "start ends end applies apply depends depend offers offer supports support helps help sends send goes go comes come "
    "leads lead owns own manages manage creates create reports report responsible ist sind war waren wird werden wurde "
    "hat haben hatte kann können muss müssen soll sollen darf dürfen gibt gilt gelten enthält erhält erhalten".split()
)
