"""The words that rules are made of, as pieces of RE2 expressions: what an instruction is called, who is spoken to.

Texts are folded before (lower case, no accents), so `e` stands for `é` too.
"""

from typing import Final

ORDERS: Final = (
    r"(?:instructions?|instrucoes|instrucciones|instrucciones|istruzioni|anweisung(?:en)?|instructies|vorgaben"
    r"|befehle?n?"
    r"|regeln|consignes?|directives?|directions?|guide ?lines?|guidance|prompts?|system ?prompts?|rules?|reglas"
    r"|regles"
    r"|regole|regras|commands?|orders?|ordenes|ordres|ordini|ordens|directrices|constraints?|programming"
    r"|programming|training|policies|polic[iy]|safeguards?|guard ?rails?|indicaciones)"
)
"""What a model has been told."""

TOLD: Final = (
    r"(?:instructions?|instrucoes|instrucciones|istruzioni|anweisung(?:en)?|instructies|vorgaben|befehle?n?|regeln"
    r"|consignes?|directives?|guide ?lines?|guidance|(?:system[ -]?)?prompts?|rules?|reglas|regles|regole|regras"
    r"|commands?"
    r"|orders?|ordenes|ordres|ordini|ordens|directrices|constraints?|safeguards?|guard ?rails?|indicaciones)"
)
"""Of it, what is worth asking for: everybody has policies, and programming is a trade."""

EARLIER: Final = (
    r"(?:previous(?:ly)?|prior|above|earlier|preceding|foregoing|initial|original|existing|former|past|first|current"
    r"|system|developer|default|hidden|secret|internal|safety|content|ethical|your|you (?:were|are|have been)|all|any"
    r"|every|everything|these|those|bisherig\w*|vorherig\w*|vorig\w*|obig\w*|alle|deine|ihre|precedent\w*|toutes|tes"
    r"|vos|anterior\w*|todas|todos|tus|sus|previas?|prevos?|suas|precedenti|tutte|tue|vorige|eerdere|alle)"
)

DROP: Final = (
    r"(?:ignor(?:e|ing|ed|iere[nt]?|ier|ez|er|a|are|ad|ate|en)|disregard(?:ing)?|forget(?:ting)?|overrid(?:e|ing)"
    r"|over-ride|bypass(?:ing)?|neglect|violate|break|discard|dismiss|drop|erase|clear|delete|wipe|set aside"
    r"|put aside|pay no (?:attention|heed|mind) to|(?:do not|don't|dont|stop|cease|no longer|not) (?:follow(?:ing)?"
    r"|obey(?:ing)?|adher(?:e|ing) to|comply(?:ing)? with|listen(?:ing)? to|bound by)|vergiss|vergesst|vergessen sie"
    r"|missachte|uberspringe|oublie[rz]?|ne tenez pas compte|ne tiens pas compte|faites abstraction|olvida(?:r|te)?"
    r"|olvide|haz caso omiso|esqueca|desconsidere|dimentica|dimenticate|scorda|negeer|vergeet)"
)

MODEL: Final = (
    r"(?:a\.?i\.?|ai (?:model|assistant|agent|system|bot)s?|llms?|l\.l\.m\.?|assistants?|chat ?gpt|gpt(?:-?[2345]o?)?"
    r"|claude|gemini|bard|copilot|llama|mistral|grok|(?:large )?language models?|chat ?bots?|bots?|model|agents?"
    r"|virtual assistant|sprachmodell|ki(?:-assistent\w*)?|asistente|assistente|modele de langage|modelo)"
)

ANSWER: Final = (
    r"(?:response|reply|replies|answers?|output|completion|summary|summari[sz]ation|explanation|message|antwort"
    r"|ausgabe"
    r"|zusammenfassung|reponse|respuesta|resposta|risposta|elucidation|report|result|text)"
)

PROGRAM: Final = (
    r"(?:code|solution|implementation|algorithm|program|codebase|script|function|project|patch|elucidation"
    r"|programming"
    r"|development|work|app|application|software|answer|response|reply|explanation|logic)"
)

GENERATE: Final = (
    r"(?:write|explain|describe|summari[sz]e|translate|provide|list|give|tell|show|create|compose|draft|develop"
    r"|analy[sz]e"
    r"|determine|classify|recommend|suggest|help|compare|discuss|outline|generate|calculate|solve|convert|rewrite"
    r"|paraphrase|name|identify|produce|design|recite|sing|print"
    r"|schreibe?|erklare|ubersetze|nenne|erstelle|fasse|gib|ecris|ecrivez|expliquez?|traduis(?:ez)?|donnez?|escribe"
    r"|explica"
    r"|traduce|traduza|escreva|scrivi|spiega|traduci|rispondi|responde|reponds|antworte|break down|come up with)"
)

EDIT: Final = (
    r"(?:add|include|insert|integrate|append|prepend|modify|enhance|augment|incorporate|embed|mention|replace"
    r"|substitute"
    r"|encode|encrypt|reverse|invert|render|shift|remove|group|combine|scramble|jumble|misspell|rearrange|introduce"
    r"|use"
    r"|express|change|apply|utili[sz]e|merge|employ|adopt|attach|place|put|weave|slip|blend|fuse|inject|promote"
    r"|advertise"
    r"|recommend|endorse|end|begin|start|finish|prefix|convert|format|fuge|ajoutez?|anade|adicione|aggiungi|make sure"
    r"|ensure|make|consider|feel free|don't hesitate|take a moment|seamlessly)"
)

OPERATE: Final = (
    r"(?:transfer|pay|send|e-?mail|forward|delete|remove|erase|wipe|move|copy|grant|revoke|give|share|upload"
    r"|download|post"
    r"|publish|update|change|modify|set|reset|disable|enable|deactivate|activate|turn (?:on|off)|unlock|lock|open"
    r"|close"
    r"|withdraw|deposit|sell|buy|purchase|order|book|schedule|cancel|create|add|invite|redirect|reroute|dispatch"
    r"|leave"
    r"|join|initiate|execute|run|call|invoke|use|access|retrieve|retrive|get|fetch|read|search|look up|list|find"
    r"|collect"
    r"|gather|save|store|install|submit|approve|authori[sz]e|confirm|register|subscribe|unsubscribe|whitelist|allow"
    r"|block"
    r"|visit|navigate|browse|click|log ?in|sign|connect|encrypt|rename|guide|record|generate|provide|check"
    r"|exfiltrate|leak"
    r"|uberweise|sende?|losche|schicke|virez?|envoyez?|supprimez?|transfiere|envia|borra|elimina|invia|trasferisci"
    r"|exclua)"
)

POLITE: Final = (
    r"(?:please|pls|kindly|just|now|then|first|next|also|instead|finally|immediately|quickly|simply|always|and|but"
    r"|so|ok"
    r"|can you|could you|would you|will you|can u|i (?:want|need|would like|'d like|order|command|instruct"
    r"|ask) you to"
    r"|you (?:must|should|will|need to|have to|shall|are to|can|are required to|are instructed to)|be sure to|let's"
    r"|bitte|s'il vous plait|veuillez|por favor|per favore|help me|go ahead and|before (?:that|anything else))"
)

START: Final = r"(?:^|\\n|[.!?:;>*#)\]-]\s{1,4}|['\"`>|]\s{0,2}|\n\s{0,8})"
"""Where a sentence can begin; what a rule is about begins after it."""

NO_VERBS: Final = frozenset(
    """
    about above across after against all along although among and any are around because been before behind
    being below beside between both but can could did does during each either even every for from had has
    have her here his how into its just like made many may might more most must near neither nor not now off
    once one only onto other our out over past per same shall she should since some such than that the their
    them then there these they this those though through throughout thus till toward towards under unless
    until upon via was were what when where whether which while who whose why will with within without would
    yes yet you your also including regarding concerning despite except given following according due thanks
    welcome dear hello besides plus minus versus inside outside is in on at of or if as to by so an it be do
    we he no my me us up
    """.split()  # noqa: SIM905 - a hundred words read better so
)
"""Words before an article that are no imperative."""
