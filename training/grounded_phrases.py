# ruff: noqa: E501 - lists read best as they are
"""Words and sentences that the made answers are made with; every second one is kept for tests alone."""

from typing import Final

_SYNONYMS = """use=make use of|help=assist|begin=start|make sure=ensure|need to=have to|must=have to|about=regarding|also=in addition|
teammates=team members|team member=teammate|quickly=fast|often=frequently|usually=normally|such as=like|in order to=to|create=set up|
provide=give|request=ask for|issue=problem|issues=problems|goal=aim|goals=aims|company=organization|employees=staff|meeting=call|
weekly=every week|monthly=every month|annually=every year|responsible for=in charge of|discuss=talk about|
decide=choose|important=essential|several=a number of|many=a lot of|improve=make better|receive=get|require=need|requires=needs|
purchase=buy|additional=extra|currently=at present|because=since|however=but|large=big|respond=reply|review=look over|show=display|
complete=finish|completed=finished|entire=whole|ask=inquire|allow=let|allows=lets|allowed=permitted|work with=collaborate with|contact=reach out to|
find=locate|change=modify|changes=modifications|update=revise|share=pass on|ensure=make certain|primary=main|main=primary|
various=different|per year=a year|at least=no less than|up to=at most|before=prior to|after=following|if=in case|
customers=clients|customer=client|build=develop|choose=select|people=persons|regularly=on a regular basis|people=individuals|understand=grasp|
each=every|goal=objective|purpose=aim|manager=supervisor|schedule=plan|explain=describe|feedback=comments|hire=recruit|hiring=recruiting|
laptop=notebook computer|vacation=holiday|expenses=costs|expense=cost|problem=issue|try to=attempt to|would like to=want to|guide=manual|
guidelines=rules|policy=rule|join=become part of|clear=plain|quick=rapid|best=most suitable|steps=stages|enough=sufficient"""
SYNONYMS: Final = tuple(
    (one, other) for each in _SYNONYMS.replace("\n", "").split("|") for one, other in [each.split("=")]
)

OPENINGS: Final = (
    "According to the handbook, ", "Based on the documents, ", "Good question! ", "Sure! ", "Thanks for asking. ",
    "The handbook says that ", "Here is what I found: ", "In short, ", "Hello! ", "Certainly. ",
)  # fmt: skip
CLOSINGS: Final = (
    " I hope this helps!", " Let me know if you have any other questions.", " Feel free to ask if anything is unclear.",
    " Is there anything else I can help you with?", " If you need more details, just ask.",
)  # fmt: skip

EXTRAPOLATIONS: Final = (
    "This also applies to contractors and freelancers.", "Exceptions must be approved by the finance department.",
    "It usually takes about two weeks.", "This has reduced the number of incidents considerably.",
    "Violations may lead to termination of employment.", "A fee is charged for late submissions.",
    "This was introduced after complaints from customers.", "The process is audited by an external firm.",
    "New hires receive training on this during their first month.", "All records are kept for ten years.",
    "Most teams have already completed this step.", "The legal department reviews every case in person.",
    "You can call the hotline around the clock for support.", "This saves the company a lot of money.",
    "Approval is granted automatically after three business days.", "The budget for this was doubled last year.",
    "It is mandatory for everyone outside the United States.", "Requests are handled in the order in which they arrive.",
    "The policy will be revised at the end of the year.", "Participation is rewarded with a bonus.",
    "An escrow account is opened for every new supplier.", "The warranty covers accidental damage as well.",
    "Employees without a badge are turned away at the entrance.", "A printed copy must be signed and mailed to headquarters.",
    "This is because competitors had copied the earlier design.", "The rule does not hold on public holidays.",
    "Managers who ignore this lose their stock options.", "It was the first such program in the industry.",
    "The mobile app sends a reminder every morning.", "Parents of small children are exempt from it.",
)  # fmt: skip

OPPOSITES: Final = (
    ("before", "after"), ("increase", "decrease"), ("always", "never"), ("internal", "external"), ("public", "private"),
    ("first", "last"), ("more", "less"), ("start", "stop"), ("add", "remove"), ("allowed", "forbidden"), ("high", "low"),
    ("required", "optional"), ("early", "late"), ("open", "closed"), ("inside", "outside"), ("success", "failure"),
    ("new", "old"), ("short", "long"), ("manual", "automatic"), ("include", "exclude"), ("above", "below"), ("best", "worst"),
    ("weekly", "yearly"), ("encourage", "discourage"), ("accept", "reject"), ("largest", "smallest"), ("easy", "hard"),
    ("everyone", "nobody"), ("with", "without"), ("synchronous", "asynchronous"), ("public", "confidential"),
    ("small", "huge"), ("together", "separately"), ("transparent", "secretive"), ("daily", "monthly"), ("paid", "unpaid"),
)  # fmt: skip
STRONGER: Final = (
    ("may", "must"), ("can", "must"), ("should", "must"), ("usually", "always"), ("some", "all"), ("often", "always"),
    ("sometimes", "always"), ("most", "all"), ("many", "all"), ("might", "will"), ("could", "will"), ("typically", "always"),
    ("recommend", "require"), ("recommended", "mandatory"), ("encouraged", "obliged"), ("generally", "without exception"),
)  # fmt: skip
