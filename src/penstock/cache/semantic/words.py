# ruff: noqa: SIM905, E501 - tables of words read best as lines of words
"""What English words say that a sentence vector does not: closed classes, as tables.

`reading` uses them.  Vectors of two sentences are close where one of these words is another, and the answers are not.
"""

from types import MappingProxyType
from typing import Final

NUMBERS: Final = MappingProxyType(
    {
        word: value
        for value, word in enumerate(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
            "seventeen eighteen nineteen twenty".split()
        )
    }
    | {
        "thirty": 30,
        "forty": 40,
        "fifty": 50,
        "sixty": 60,
        "seventy": 70,
        "eighty": 80,
        "ninety": 90,
        "hundred": 100,
        "thousand": 1000,
        "million": 1_000_000,
        "billion": 1_000_000_000,
        "dozen": 12,
        "half": 0.5,
        "once": 1,
        "twice": 2,
        "double": 2,
        "triple": 3,
        "second": 2,
        "third": 3,
        "fourth": 4,
        "fifth": 5,
        "sixth": 6,
        "seventh": 7,
        "eighth": 8,
        "ninth": 9,
        "tenth": 10,
    }
)
MULTIPLIERS: Final = MappingProxyType({"k": 1e3, "m": 1e6, "mn": 1e6, "bn": 1e9})

_UNITS: Final = (
    ("$", "usd", "dollar", "dollars", "buck", "bucks"),
    ("€", "eur", "euro", "euros"),
    ("£", "gbp", "pound", "pounds", "sterling", "quid"),
    ("¥", "jpy", "yen", "cny", "yuan", "rmb"),
    ("₹", "inr", "rupee", "rupees"),
    ("chf", "franc", "francs"),
    ("aud",),
    ("cad",),
    ("cent", "cents", "pence", "penny"),
    ("%", "percent", "pct"),
    ("°c", "celsius", "centigrade"),
    ("°f", "fahrenheit"),
    ("kelvin",),
    ("mm", "millimeter", "millimeters", "millimetre", "millimetres"),
    ("cm", "centimeter", "centimeters", "centimetre", "centimetres"),
    ("meter", "meters", "metre", "metres"),
    ("km", "kilometer", "kilometers", "kilometre", "kilometres"),
    ("inch", "inches"),
    ("foot", "feet", "ft"),
    ("yard", "yards"),
    ("mile", "miles"),
    ("mph",),
    ("kph", "kmh"),
    ("knot", "knots"),
    ("mg", "milligram", "milligrams"),
    ("gram", "grams"),
    ("kg", "kilo", "kilos", "kilogram", "kilograms"),
    ("ton", "tons", "tonne", "tonnes"),
    ("oz", "ounce", "ounces"),
    ("lb", "lbs"),
    ("ml", "milliliter", "milliliters", "millilitre", "millilitres"),
    ("liter", "liters", "litre", "litres"),
    ("gallon", "gallons"),
    ("pint", "pints"),
    ("cup", "cups"),
    ("tablespoon", "tablespoons", "tbsp"),
    ("teaspoon", "teaspoons", "tsp"),
    ("bit", "bits"),
    ("byte", "bytes"),
    ("kb", "kilobyte", "kilobytes"),
    ("mb", "megabyte", "megabytes"),
    ("gb", "gigabyte", "gigabytes"),
    ("tb", "terabyte", "terabytes"),
    ("ms", "millisecond", "milliseconds"),
    ("sec", "secs", "seconds"),
    ("min", "mins", "minute", "minutes"),
    ("hour", "hours", "hr", "hrs"),
    ("day", "days", "daily"),
    ("week", "weeks", "weekly"),
    ("fortnight", "fortnights", "fortnightly", "biweekly"),
    ("month", "months", "monthly"),
    ("quarter", "quarters", "quarterly"),
    ("year", "years", "yearly", "annual", "annually"),
    ("decade", "decades"),
    ("century", "centuries"),
    ("watt", "watts"),
    ("kw", "kilowatt", "kilowatts"),
    ("volt", "volts"),
    ("amp", "amps", "ampere", "amperes"),
    ("hz", "hertz"),
    ("mhz",),
    ("ghz",),
    ("calorie", "calories", "kcal"),
    ("joule", "joules"),
    ("acre", "acres"),
    ("hectare", "hectares"),
)
UNITS: Final = MappingProxyType({word: unit[0] for unit in _UNITS for word in unit})

_DATES: Final = (
    *((word, word[:3]) for word in "january february march april june july august october november december".split()),
    ("september", "sep", "sept"),
    *((word, word[:3]) for word in "monday wednesday friday saturday sunday".split()),
    ("tuesday", "tue", "tues"),
    ("thursday", "thu", "thur", "thurs"),
    *((word,) for word in "today tonight tomorrow yesterday morning noon afternoon evening night midnight".split()),
    *((word,) for word in "spring summer autumn winter christmas easter ramadan thanksgiving weekend weekday".split()),
    ("am",),
    ("pm",),
)
_AMBIGUOUS_DATES: Final = frozenset({"mar", "jun", "jul", "sat", "sun", "wed", "mon", "am", "march", "spring"})
"""Read as dates only with a capital letter, or beside a number."""
DATES: Final = MappingProxyType({word: date[0] for date in _DATES for word in date} | {"may": "may"})
AMBIGUOUS_DATES: Final = _AMBIGUOUS_DATES | {"may"}

NEGATIONS: Final = frozenset(
    "not no never none nobody nothing nowhere neither nor cannot without except unless hardly barely isn aren wasn "
    "weren don doesn didn won wouldn couldn shouldn hasn haven hadn mustn needn ain excluding lack lacks lacking fail "
    "fails failed refuse refuses refused unable dont doesnt didnt cant wont isnt arent wasnt hasnt havent couldnt "
    "shouldnt wouldnt besides".split()
)

_OPPOSITES: Final = (
    "increase/decrease,raise/lower,rise/fall,grow/shrink,gain/lose,win/lose,buy/sell,purchase/sell,send/receive",
    "give/take,give/receive,lend/borrow,deposit/withdraw,credit/debit,pay/charge,import/export,upload/download",
    "open/close,open/shut,start/stop,start/end,begin/end,start/finish,enable/disable,activate/deactivate,lock/unlock",
    "block/unblock,freeze/unfreeze,install/uninstall,subscribe/unsubscribe,connect/disconnect,attach/detach,add/remove",
    "add/delete,add/subtract,create/delete,create/destroy,insert/delete,insert/remove,accept/reject,accept/decline",
    "approve/reject,approve/deny,allow/deny,allow/forbid,allow/block,permit/forbid,allow/prevent,confirm/cancel",
    "encrypt/decrypt,encode/decode,compress/decompress,compress/extract,zip/unzip,push/pull,load/unload,save/delete",
    "load/save,read/write,sign/unsign,login/logout,arrive/leave,arrive/depart,arrival/departure,enter/exit,enter/leave",
    "hire/fire,join/leave,come/go,bring/take,ask/answer,teach/learn,remember/forget,love/hate,like/dislike,agree/disagree",
    "succeed/fail,success/failure,pass/fail,build/destroy,attack/defend,include/exclude,expand/collapse,show/hide",
    "maximum/minimum,maximize/minimize,max/min,most/least,more/less,more/fewer,many/few,higher/lower,high/low,up/down",
    "previous/following,preceding/following,top/bottom,upper/lower,above/below,over/under,before/after,earlier/later,early/late,first/last,previous/next",
    "past/future,old/new,older/newer,oldest/newest,young/old,younger/older,best/worst,better/worse,good/bad,pros/cons",
    "advantage/disadvantage,benefit/drawback,benefit/risk,strength/weakness,strong/weak,positive/negative,plus/minus",
    "hot/cold,warm/cool,heat/cool,big/small,large/small,larger/smaller,bigger/smaller,largest/smallest,biggest/smallest",
    "long/short,longer/shorter,longest/shortest,tall/short,fast/slow,faster/slower,fastest/slowest,quick/slow",
    "heavy/light,dark/light,bright/dark,wide/narrow,thick/thin,deep/shallow,hard/soft,hard/easy,difficult/easy",
    "rich/poor,cheap/expensive,cheaper/pricier,cheapest/priciest,free/paid,full/empty,wet/dry,clean/dirty,safe/dangerous",
    "public/private,internal/external,inside/outside,in/out,indoor/outdoor,indoors/outdoors,on/off,online/offline",
    "manual/automatic,manually/automatically,digital/analog,physical/virtual,real/virtual,physical/digital,wired/wireless",
    "domestic/international,local/global,local/remote,local/foreign,personal/business,single/multiple,single/joint",
    "one/both,all/some,all/none,all/any,always/never,always/sometimes,often/rarely,everyone/nobody,everything/nothing",
    "with/without,to/from,into/from,onto/off,for/against,left/right,north/south,east/west,northern/southern",
    "eastern/western,horizontal/vertical,row/column,rows/columns,front/back,forward/backward,forwards/backwards",
    "male/female,man/woman,men/women,boy/girl,husband/wife,father/mother,son/daughter,brother/sister,his/her,him/her",
    "he/she,my/your,parent/child,teacher/student,employer/employee,buyer/seller,landlord/tenant,lender/borrower",
    "doctor/patient,sender/recipient,sender/receiver,customer/merchant,client/server,host/guest,input/output,source/target",
    "source/destination,income/expense,profit/loss,asset/liability,supply/demand,cause/effect,question/answer,true/false",
    "valid/invalid,legal/illegal,possible/impossible,correct/incorrect,correct/wrong,right/wrong,known/unknown,visible/hidden",
    "able/unable,likely/unlikely,necessary/unnecessary,required/optional,mandatory/optional,active/inactive,complete/incomplete",
    "direct/indirect,dependent/independent,equal/unequal,regular/irregular,normal/abnormal,common/rare,usual/unusual",
    "acid/base,alive/dead,live/die,birth/death,born/died,marry/divorce,married/single,asleep/awake,raw/cooked,sweet/sour",
    "day/night,morning/evening,sunrise/sunset,summer/winter,war/peace,friend/enemy,buy/rent,rent/own,gross/net",
    "ascending/descending,synchronous/asynchronous,static/dynamic,odd/even,prime/composite,odd/prime,singular/plural",
    "breakfast/dinner,lunch/dinner,inflation/deflation,bull/bear,long/short,call/put,hardware/software,frontend/backend",
    "credit/debit,savings/checking,visa/mastercard,visa/amex,apple/google,android/ios,windows/mac,windows/linux,cat/dog",
    "sum/difference,product/quotient,multiply/divide,multiplication/division,addition/subtraction,square/cube,sine/cosine",
    "vegetarian/vegan,mild/severe,acute/chronic,benign/malignant,inhale/exhale,systolic/diastolic,dose/overdose",
    "incoming/outgoing,inbound/outbound,inward/outward,upstream/downstream,upgrade/downgrade,refund/charge,refill/empty",
    "strengthen/weaken,join/quit,merge/split,lend/borrow,fill/drain,hide/reveal,archive/restore,tighten/loosen",
    "hire/dismiss,publish/retract,praise/criticise,praise/criticize,accelerate/brake,enlarge/shrink,widen/narrow,stretch/shrink",
    "freeze/thaw,freeze/melt,boil/freeze,push/drag,sink/float,assemble/dismantle,inflate/deflate,attach/remove,win/forfeit",
    "present/absent,presence/absence,majority/minority,major/minor,partial/full,partially/fully,temporary/permanent",
    "within/outside,within/after,during/after,during/before,until/since,till/since,last/next,ago/in,quiet/loud,quieter/louder",
    "usually/rarely,usually/never,often/seldom,toward/away,towards/away,strict/lenient,stricter/laxer,reliable/unreliable",
    "temporarily/permanently,weekday/weekend,lead/follow,leader/follower,employ/dismiss,earn/spend,save/spend",
)
OPPOSITES: Final[frozenset[tuple[str, str]]] = frozenset(
    pair
    for line in _OPPOSITES
    for both in line.split(",")
    for left, right in [both.split("/")]
    for pair in ((left, right), (right, left))
)

_OPPOSED: Final = (
    ("begin start commence initiate launch open continue keep resume proceed maintain", "stop end finish quit cease halt abort avoid discontinue pause suspend interrupt drop"),
    ("allow permit let enable authorize authorise entitle", "forbid prevent prohibit ban block refuse disallow hinder stop force forced oblige compel require"),
    ("recommend suggest advise encourage promote support favour favor", "discourage oppose against resist"),
    ("admit confirm acknowledge affirm concede accept agree", "deny dispute reject contest refuse decline"),
    ("accelerate speed hasten expedite advance hurry", "slow delay postpone defer brake prolong"),
    ("plan intend remember manage", "forget forgot fail neglect omit cease"),
    ("want wish prefer love", "hate refuse avoid"),
    ("certainly definitely surely always", "possibly perhaps maybe never"),
    ("often frequently regularly usually", "seldom rarely occasionally hardly"),
    ("other another different", "same identical"), ("here", "there elsewhere"), ("new unused", "used old"), ("free", "fee"),
    ("together jointly", "instead alone separately"), ("for", "by against"), ("before", "past"), ("through", "around"), ("behind", "front"),
)  # fmt: skip
_OWN_OPPOSITES: Final = frozenset(
    pair
    for one, other in _OPPOSED
    for left in one.split()
    for right in other.split()
    for pair in ((left, right), (right, left))
)
OPPOSED: Final = OPPOSITES | _OWN_OPPOSITES
"""In two texts with the same other words: also what need not be opposite elsewhere."""
QUANTIFIERS: Final = MappingProxyType(
    {
        "all": "all", "every": "all", "each": "all", "everyone": "all", "everything": "all", "none": "none",
        "most": "most", "majority": "most", "few": "few", "half": "half", "only": "only", "some": "some", "any": "some",
        "several": "some", "many": "many", "both": "both", "either": "either", "minority": "few", "least": "least",
    }
)  # fmt: skip
"""How many of something: the same word for those that mean the same."""
STRICT_QUANTIFIERS: Final = frozenset({"all", "none", "few", "half", "only", "both", "least"})
"""They cannot be left out."""
NEGATING_PREFIXES: Final = ("un", "dis", "in", "im", "ir", "il", "non", "mis", "de", "anti", "over", "under", "re")

DIRECTIONS: Final = frozenset(
    "from to into onto before after than over under above below by for with via instead of".split()
)
"""Prepositions whose two sides cannot be exchanged."""

SYMMETRIC: Final = frozenset("and or with between plus versus vs & / , as".split())
"""Words whose two sides can."""

FUNCTION: Final = frozenset(
    "a an the this that these those is are was were be been being am do does did doing have has had having will would "
    "shall should can could may might must i me my mine we us our you your yours he him his she her it its they them "
    "their to of in on at by for with from into onto as and or but if so than then there here just really very please "
    "kindly also too about up out off what which who whom whose when where why how s t d ll m re ve not no yes hi hello "
    "hey thanks thank ok okay well now some any get got let's lets let via per etc like need want know tell show help "
    "quick question one ask wonder wondering hello greetings regards cheers sorry excuse advance "
    "first able way go going try trying i'm i've it's there's got".split()
)

QUESTIONS: Final = frozenset("what which who whom whose when where why how".split())
ANAPHORS: Final = frozenset(
    "it that this they them those these he him she her his its one ones same above previous earlier again else "
    "instead former latter there then".split()
)
CONTINUATIONS: Final = frozenset("and but or also so then what's ok okay yes no sure continue more another".split())

OBLIGING: Final = frozenset("must should shall ought".split())
PERMITTING: Final = frozenset("can could may might".split())
FUTURE: Final = frozenset("will won't".split())
PAST: Final = frozenset("did was were had didn't wasn't weren't hadn't".split())
OPEN_TO_MODES: Final = frozenset({"how", "what", "where"})
"""`How can I`, `how should I` and `how must I` ask for the same."""
SUBORDINATING: Final = frozenset("if because when whenever unless although though while before after so since".split())
LINKS: Final = MappingProxyType(
    {"if": "if", "unless": "unless", "because": "because", "so": "so", "therefore": "so", "thus": "so", "hence": "so",
     "although": "although", "though": "although", "despite": "although", "until": "until", "till": "until", "while": "if",
     "before": "before", "after": "after", "whether": "if", "when": "if", "whenever": "if"}
)  # fmt: skip
"""How one half of a sentence hangs on the other: the same word for those that mean nearly the same."""
OWNERS: Final = MappingProxyType(
    {"my": "me", "mine": "me", "our": "me", "ours": "me", "your": "you", "yours": "you", "his": "him", "him": "him",
     "he": "him", "her": "her", "hers": "her", "she": "her", "their": "them", "theirs": "them", "them": "them", "they": "them"}
)  # fmt: skip
"""Whose something is, or who it is about: one of those cannot stand for another."""
WHICH: Final = MappingProxyType(
    {
        "this": "this",
        "current": "this",
        "last": "last",
        "past": "last",
        "previous": "last",
        "next": "next",
        "coming": "next",
    }
)
"""Which of several, by its time."""
AT_LEAST: Final = frozenset({"at least", "from", "over", "above", "minimum of", "more than"})
AT_MOST: Final = frozenset({"at most", "up to", "under", "below", "maximum of", "less than", "fewer than", "within"})
"""What stands before a number that is a bound."""
FOCUSED: Final = frozenset("all every always only both each everyone everything entirely necessarily".split())
"""What a `not` right before them denies is another thing than what one behind them does."""
JOINING: Final = frozenset({*SUBORDINATING, *LINKS, *DIRECTIONS})
"""They have no endings."""
EXCEPTING: Final = frozenset({"other than", "apart from", "aside from"})
PRONOUNS: Final = frozenset("i you he she it we they".split())
NOUN_PHRASE_STARTS: Final = PRONOUNS | frozenset("the a an this that these those my your his her our their its".split())
AUXILIARIES: Final = frozenset(
    "do does did can could will would shall should may might must has have had is are was were".split()
)
POLITE: Final = frozenset(
    "hi hello hey there thanks thank many please kindly wonder wondering i was am could you tell me know let advance "
    "quick question one in so just".split()
)
"""What may stand around a question without belonging to it."""
