"""What attacks on models are made of, as expressions over folded text.

Each rule is a sign, and few of them are proof: `weigh` and the head on the encoder say what they are worth together,
by who wrote the text.  Names are stable; findings carry them as `injection.<name>`.
"""

from typing import Final, NamedTuple

from penstock.guard.injection.words import (
    ANSWER,
    DROP,
    EARLIER,
    EDIT,
    GENERATE,
    MODEL,
    NO_VERBS,
    OPERATE,
    ORDERS,
    POLITE,
    PROGRAM,
    START,
    TOLD,
)


class Rule(NamedTuple):
    """`expression` is in RE2's syntax, over text that was folded by `fold`.  Where it has a group, the sign stands
    where that begins; what the group's first word must not be is in `unless`.
    """

    name: str
    expression: str
    unless: frozenset[str] = frozenset()


_LEAD = rf"{START}((?:{POLITE}[ ,]{{1,3}}){{0,4}}"

OVERRIDE: Final = (
    Rule(
        "override",
        rf"\b{DROP}\b[^.!?\n]{{0,40}}?\b{EARLIER}\b[^.!?\n]{{0,40}}?\b{ORDERS}\b"
        rf"|\b{DROP}\b[^.!?\n]{{0,30}}?\b{ORDERS}\b[^.!?\n]{{0,30}}?\b(?:above|before|previous(?:ly)?|earlier"
        r"|you (?:were|have|got|"
        r"received)|given|so far|until now|prior|zuvor|oben|avant|anteriores|precedenti|precedentes?)\b"
        r"|\b(?:ignore|disregard|forget|override|vergiss|vergessen sie|oublie[rz]?|olvida|esqueca"
        r"|dimentica)\b (?:about )?(?:everything|all|anything|whatever|what)(?: (?:that|which"
        r"|of))?[^.!?\n]{0,16}? (?:above|"
        r"before|previous(?:ly)?|earlier|prior|you (?:were|have|know|learned|learnt)|you've|(?:been|was|were) (?:said"
        r"|told|written))\b"
        r"|\b(?:ignore|disregard|forget|skip) (?:all |everything |all of |the )?(?:the )?above\b(?:,| and\b|\.|:|$)"
        r"|\b(?:vergiss|vergessen sie|ignoriere?n?(?: sie)?|oublie[rz]?|olvida|ignora|dimentica"
        r"|esqueca)[ ,]{1,2}(?:alles"
        r"|was|tout|ce que|todo|lo que|tutto|quello che|tudo|o que)\b[^.!?\n]{0,30}? (?:dir|ihnen|du|vorher|zuvor|oben"
        r"|bisher|t'|vous|avant|te|antes|ti|prima|disse\w*)\b"
        r"|\b(?:stop what you(?:'re| are) doing|(?:instead of|whatever|forget|never mind|regardless of) (?:what "
        r"|that )?you"
        r" (?:were|are|have been|had been) (?:asked|told|doing|instructed|given))\b"
        r"|\bsupersedes? (?:all|any|every|your)\b|\b(?:cancel|abort|drop|stop) (?:the |your )(?:previous|current|last"
        r"|original|initial) (?:task|request|job|question|instructions?)\b"
        r"|\b(?:ignore|disregard|forget)(?:all|the|any|your|previous|prior|above){1,4}(?:instructions?|prompts?"
        r"|rules)"
        rf"|\bstop being (?:an? )?{MODEL}\b|\bend of (?:the )?(?:system )?(?:{ORDERS})\b"
        rf"|\b(?:your|all|any) (?:previous|prior|above|earlier|old|original|existing|initial|system|current|other"
        rf"|first)"
        rf" {ORDERS} (?:are|is|were|was"
        r"|have been|no longer|do not)\b",
    ),
    Rule(
        "new_orders",
        r"\b(?:new|updated|real|actual|true|following|next|additional|important|revised|only|special"
        rf"|secret) {ORDERS}\b ?[:=]?"
        r"|\byour (?:new|real|actual|next|only|true|sole|primary|main) (?:task|job|goal|role|objective|mission"
        r"|purpose|name|aim)\b"
        r"|\b(?:adhere|listen|stick) (?:strictly )?to (?:the|these|my|this)\b|\b(?:follow|obey) (?:only )?(?:these"
        rf"|my|this|the (?:following|new|next|below)) (?:\w+ )?{ORDERS}"
        r"|\bfrom now on\b|\bfrom (?:this|here) (?:moment|point|on)\b|\bhenceforth\b|\bstarting now\b|\bab (?:jetzt"
        r"|sofort)\b"
        r"|\ba partir de (?:ahora|agora)\b|\bdesormais\b|\bd'ora in poi\b|\bfor the (?:rest|remainder) of (?:this"
        r"|the|our)\b"
        r"|\bthe (?:above|previous) (?:was|is|were) (?:just )?(?:a test|an? example|fake|wrong|outdated)\b",
    ),
    Rule(
        "leak",
        r"\b(?:reveal|print|show|repeat|repeating|reciting|output|tell|display|leak|give|disclose|share|expose"
        r"|write(?: down| out)?|say"
        r"|recite|list|send"
        r"|return|copy|dump|echo|spell|translate|summari[sz]e|encode|zeig\w*|verrat\w*|revele[rz]?"
        r"|montre[rz]?|affiche[rz]?|donne[rz]?|(?:muestra|revela|dime|ensena)(?:me)?|(?:mostra|rivela)(?:mi)?|mostre"
        r"|nenn\w*|gib|wiederhol\w*)\b"
        rf"[^.!?\n]{{0,50}}?(?:\b(?:system|initial|original|hidden|secret|internal|starting|developer|your(?: own)?"
        rf"|dein\w*|ihre\w*|tes|vos|tus|tue|suas?)\b[^.!?\n]{{0,16}}?"
        rf"\b(?:{TOLD}|context window|context|configuration)\b|\b{ORDERS}\b (?:above|you (?:were|have|got|received)"
        rf"|given)|\b(?:the|all|your"
        rf"|every)[^.!?\n]{{0,20}}"
        rf"(?:\b(?:words?|lines?|everything|content|{ORDERS})) (?:above|before|prior)|\beverything (?:above"
        r"|before|that (?:stands|is|comes|came|was (?:written|said)) (?:above|before))"
        rf"|\b(?:above|previous|prior|preceding|earlier) {ORDERS}|\b(?:secret|hidden|forbidden|magic) (?:key|word"
        r"|phrase|code|pass)"
        rf"|\b(?:all|your|the)? ?(?:\w+ )?{ORDERS} (?:given|you|above|bullet|formatted|verbatim|word for word)\b"
        r"|\b(?:the|your|his|gandalf's secret) pass(?:word|phrase|code)\b|\bapi[ _-]?keys?\b|\bcredentials\b)"
        r"|\b(?:repeat|print|output|show|copy|recite|write out|say) (?:me )?(?:all |back )?(?:the |this )?(?:whole "
        r"|entire"
        r" |full )?text (?:from )?(?:above|before)|\b(?:copy|print|dump|output|repeat|show) (?:me )?(?:the |this "
        r"|our )?"
        r"(?:whole |entire |full )?(?:conversation|chat|context)(?: history| so far| window)?[^.!?\n]{0,20}\b(?:hidden"
        r"|system|verbatim|word for word|as json|above)\b|\bsystem_prompt\b"
        r"|\b(?:wie|was) (?:lautet|lauten|ist|sind|steht in) (?:dein|ihr|der|die)\w* (?:genaue\w* )?(?:system-?prompt"
        r"|anweisung\w*|systemanweisung\w*|vorgaben|instruktion\w*)\b"
        r"|\bwhat (?:is|are|was|were|does|did|do)\b[^.!?\n]{0,24}?\b(?:your|system|initial"
        r"|hidden) [^.!?\n]{0,14}?(?:instructions?|(?:system ?)?prompts?|directives?|programming|guidelines)\b"
        r"|\bwhat(?:'s| is| was)?(?: the)? (?:secret|password)\b|\bword your developers\b|\bnot (?:to"
        r"|supposed to) reveal\b",
    ),
    Rule(
        "unbound",
        r"\b(?:no|without(?: any)?|free (?:of|from)|not bound by|unbound by|regardless of|freed from|broken free"
        r"|break(?:ing)? free"
        r"|do(?:es)?(?:n't| not) (?:have to )?(?:care|abide|adhere|follow|obey|comply)(?: about| by| to| with)?"
        r"|not (?:limited|restricted|constrained) by|ignor(?:es?|ing)"
        r"|lacks?|not subject to|bypass(?:es|ing)?|violat\w+|despite|against|disregards?|broken all|let go of"
        r"|not have any)\b[^.!?\n]{0,36}?\b(?:restrictions?|limitations?|filters?|guidelines?"
        r"|ethic(?:s|al)|morals?|morality|censorship|polic(?:y|ies)|content policy|rules|limits|boundaries|confines"
        r"|ideals|safety (?:measures|protocols)|legality|laws?|decency)\b"
        r"|\b(?:unfiltered|uncensored|unrestricted|unethical|amoral|immoral|uninhibited|unhinged|unlimited power"
        r"|nsfw|lewd|foul-mouthed)\b|\bopen ?a[il]'?s?\b(?: content)?(?: polic\w+)?",
    ),
    Rule(
        "jailbreak",
        r"\b(?:do |perform |make |create |say )?(?:anything|everything) now\b|\bcan (?:now )?(?:do|say|generate"
        r"|write|perform|answer|create) (?:literally )?(?:anything|everything)\b"
        r"|\bd\.?a\.?n\.?\b (?:mode|can|is|has|will|does|stands)|\b(?:dan|stan|dude|aim|evil|devil)(?:gpt| mode"
        r"|-bot)\b|\bjail ?br(?:eak|oken)\w*|\banti-?gpt\b|\bgpt with\b"
        r"|\b(?:developer|god|debug|admin|sudo|root|evil|opposite|dev|maintenance|unlimited|raw|chaos|dan"
        r"|\w{2,10}) mode (?:enabled|output|activated|on|is)\b|\benter \w{3,14} mode\b|\bknowledge (?:is"
        r"|was) cut ?off\b",
    ),
    Rule(
        "never_refuse",
        r"\b(?:never|cannot|can't|can not|will not|won't|must not|not allowed to|don't|do not|unable to"
        r"|without) (?:ever )?(?:refus(?:e|ing)|say(?:ing)? (?:no|sorry|(?:that )?(?:you|it) can(?:'t|not)|(?:you"
        r"|it) (?:are|is) (?:unable|not))"
        r"|declin(?:e|ing)|reject(?:ing)?|apologi[sz](?:e|ing)|warn(?:ing)?|censor(?:ing)?"
        r"|mention(?:ing)? (?:that )?(?:you|it)|add(?:ing)? (?:any )?(?:warnings?|disclaimers?|moral))\b"
        r"|\bno (?:request|question|answer)s? (?:may|can|will|must) be (?:refused|rejected|declined)"
        r"|\bas an ai(?: language model)?\b|\b(?:disclaimers?|warnings?)\b[^.\n]{0,12}\b(?:no|not|never|without)\b"
        r"|\bmust (?:always )?(?:answer|comply|obey|accept|follow)\b|\balways (?:answers?|compl(?:y|ies)|obeys?)\b"
        r"|\b(?:regardless of|no matter (?:what|how|if|whether))\b[^.\n]{0,40}\b(?:legal\w*|ethic\w*|moral\w*"
        r"|harm\w*|polic\w+|guidelines?|ask\w*|said|says?|requests?|questions?|prompts?|users?|consequences|illegal"
        r"|unethical|immoral)\b"
        r"|\b(?:illegal|harmful|unethical|immoral|explicit|offensive|dangerous|inappropriate|sexual|violent)(?:,| or"
        r"| and|/)+ ?(?:or |and )?(?:illegal|harmful|unethical|immoral|explicit|offensive|dangerous|inappropriate"
        r"|sexual|violent)\b",
    ),
    Rule(
        "in_character",
        r"\bstays? (?:in (?:your )?character|\w+ until)\b|\b(?:in|of|break) character\b"
        r"|\btokens?\b[^.\n]{0,40}\b(?:lose|deduct|die|remain)\w*|\b(?:two|2) (?:different |separate )*(?:responses"
        r"|ways|answers|paragraphs)\b"
        r"|\bhypothetical (?:response|world|story)\b|\b(?:start|begin|prefix|preface)\w* (?:each|every"
        r"|all)(?: and every)?(?: of)?(?: your)?(?: single)? (?:answer|response|message|output|sentence)s?\b"
        r"|\[(?:gpt|classic|jailbreak|dan|normal)\W?\]"
        r"|\bswears?\b|\bcurs(?:e|ing) words?\b|\bprofanit\w+|\bexplicit content\b|\bif you (?:refuse|break|fail"
        r"|understand)\b|\binsert (?:your )?prompt\b|\bmy first (?:question|prompt|request|command|message)\b",
    ),
    Rule(
        "persona",
        r"\byou(?:'re| are|r)?(?: now| currently| about to| going to| gonna| will| shall| must| to| should| be"
        r"| have to| both){0,4}"
        r" (?:act|acting|pretend|pretending|role-?play|become|simulate|play|playing|impersonate|immerse|embody"
        r"|behave|emulate)\b"
        r"|\b(?:pretend|pose|role-?play|role play) (?:exactly )?(?:as|like)\b|\b(?:pretend|roleplay|role-play"
        r"|roleplaying)\b|\b(?:take|taking) on the (?:role|persona)\b|\bin(?:to)? the (?:role|persona|shoes) of\b"
        r"|\byou are (?:now|no longer|not|currently)\b|\byou (?:will|shall) be(?:come)? (?:called|known|named|an?)\b"
        r"|\byour name is\b"
        r"|\bi want you to (?:act|be|play|pretend|become|respond|answer|simulate|imagine)\b|\blet's (?:play"
        r"|role ?play)\b|\bpersona\b"
        r"|\b(?:now|jetzt) known as\b|\bdu bist (?:jetzt|nun|ab)\b|\btu es (?:maintenant|desormais)\b|\bahora eres\b"
        r"|\bactua como\b|\bagora voce e\b"
        r"|\bimagine (?:that )?you(?:'re| are)\b|\bcharacter (?:named|called|who)\b|\byou are (?:an? "
        r"|the )?[\w ,-]{0,60}(?:ai|bot|gpt|chatbot|assistant|language model)\b",
    ),
)

ROLE: Final = (
    Rule(
        "role",
        r"\b(?:act|behave|respond|answer|reply|speak|talk|write|work) (?:exactly )?(?:as|like)\b (?:if|an?|the"
        r"|though|you|my|\w+)|\byou are (?:an?|the) [a-z]"
        r"|\bdu bist (?:ein|der|die)\b|\btu es (?:un|le)\b|\b(?:eres|sei|voce e) (?:un|uma?)\b",
    ),
)

ADDRESS: Final = (
    Rule(
        "to_model",
        r"\b(?:dear|hey|hi|hello|attention|attn|listen(?: up)?|alert|ok|greetings|achtung|hallo|message (?:for|to)"
        r"|notes? (?:for|to)|instructions? (?:for|to)"
        r"|directives? (?:for|to)|notice (?:for|to)|memo to|to (?:all|any|every|whichever)|hinweis (?:fur|an)"
        rf"|nota para|note pour|reminder (?:for|to))[ ,:]{{1,3}}"
        r"(?:the |an? |any |all |my |our |your |die |le |el |il |o |this |automated |processing |reading "
        rf"|future )*{MODEL}\b"
        rf"|\bif you(?:'re| are) (?:an? |the |reading this (?:as )?)?(?:\w+ )?{MODEL}\b|\bas an? {MODEL}\b"
        rf"|\b{MODEL}\b ?(?:should|must|shall|needs? to|has to|is (?:required|instructed|asked) to|reading"
        r"|processing|parsing|,? please)"
        rf"|\b(?:any|every|all|the) {MODEL} (?:that|who|which|reading|processing|summari[sz]ing)\b|\byou(?:'re"
        rf"| are) (?:an? )?{MODEL}\b",
    ),
    Rule(
        "turn",
        r"<\|?/?(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id|end_header_id"
        r"|begin_of_text|end_of_turn|start_of_turn)\|?>"
        r"|\[/?(?:inst|sys|system|system_?message|admin|assistant|instructions?|developer|prompt)\]|<</?sys>>"
        r"|</?(?:system|instructions?|sys|user_?(?:query|input|message|request)|tool_?(?:result|response|output)s?"
        r"|context|documents?|data|assistant|admin|important|prompt|untrusted)>"
        r"|(?:^|\n|\\n)[ \t#*>\[-]{0,6}(?:system|assistant|ai|user|human|developer|admin(?:istrator)?"
        r"|new instructions?)(?: ?(?:message|prompt|note|override|update|notice|instructions?))?[\]*]{0,3} ?:"
        r"|#{2,4} ?(?:system|instructions?|assistant|new task)\b ?:?"
        r"|[-=#%*_~]{3,} ?(?:end|begin|start|stop|new|ende|fin)\b[^\n]{0,40}|\bend of (?:the )?(?:document|context"
        r"|input|text|email|data|article|file|web ?page|user|tool|results?)\b"
        r"|\b(?:system|admin(?:istrator)?|developer|security|override) (?:message|notice|note|override|update|alert"
        r"|instruction|command)\b ?:?",
    ),
    Rule(
        "secrecy",
        r"\b(?:do not|don't|dont|never|without|no need to|not|avoid|refrain from)\b[^.!?\n]{0,16}?\b(?:tell|telling"
        r"|mention|mentioning|inform|informing|reveal|notify|notifying"
        r"|alert|alerting|disclose|disclosing|let|letting|acknowledg\w+|confirm(?:ing|ation)?)\b[^.!?\n]{0,30}?"
        r"\b(?:the users?|users?|anyone|anybody|them|human|owner|customer|this (?:instruction|message|text|note|step"
        r"|action)|these instructions|about (?:this|it))\b"
        r"|\b(?:silently|secretly|covertly|discreetly|unnoticed|heimlich|en secret|en silencio|quietly)\b (?:and "
        r"|then )?(?:do|add|call|send|forward|run|execute|copy|append|include|delete|upload|email|share|change"
        r"|transfer)"
        r"|\bin the background,|\bbehind the scenes,|\bwithout asking\b|\bkeep (?:this|it) (?:a )?(?:secret|hidden"
        r"|confidential|between)\b|\bmust not notice\b|\bas if nothing\b"
        r"|\bbetween (?:us|you and me)\b|\bthe user (?:has (?:already )?(?:approved|agreed|asked|confirmed)|asked"
        r"|already|told|wants you)\b|\btell the user\b|\binform the user\b",
    ),
    Rule(
        "tool",
        r"\b[a-z]+(?:_[a-z]+){1,4}\([^)\n]{0,80}\)|\b(?:using|use|call|invoke|run|execute|via|through|with"
        r"|trigger)\b[^.!?\n]{0,24}?(?:\b\w{3,40} (?:tools?|functions?|api|plugin|command)\b|`[^`\n]{2,40}`)"
        r"|[\"'](?:tool_?calls?|function_?call|function|tool|action|recipient_name|tool_?name)[\"'] ?: ?[\"'{\[]"
        r"|</?(?:tool_call|function|invoke|function_calls|action|execute)[^>\n]{0,40}>"
        r"|\b(?:action|tool|function) ?(?:input|call|name)? ?: ?\w{3,}|\b\w{4,30} (?:tool|function"
        r"|plugin)\b[^.\n]{0,12}\bto\b",
    ),
    Rule(
        "hurry",
        r"\b(?:important|urgent|attention|critical|warning|mandatory|emergency|priority)\b ?(?:!{1,}|:|-{2,}|\*{2,})"
        r"|!{3,}|\bmost important(?:ly)?\b"
        r"|\b(?:immediately|right away|right now|at once|asap|without delay|before (?:doing|answering|anything"
        r"|responding|you (?:answer|continue|respond|do)))\b"
        r"|\bthis is (?:very |extremely |really |super )?(?:important|urgent|critical|an emergency|mandatory)\b"
        r"|\b(?:under no circumstances|at all costs|no matter what|strictly (?:follow|adhere|obey|carry|comply))\b",
    ),
)

ASK: Final = (
    Rule(
        "your_answer",
        rf"\b(?:your|deine[rm]?|ihre[rm]?|votre|ta|tu|su|sua|tua) (?:\w+ ){{0,2}}{ANSWER}\b|\b(?:in|to|of|with|from"
        rf"|into|throughout|at the (?:end|top|start|beginning) of) (?:the|this|its|each|every) {ANSWER}\b"
        r"|\b(?:respond|reply|answer|antworte|responde|reponds|rispondi)\b (?:only |just |exactly |always )?(?:with"
        r"|in|using|mit|auf|en|em|con|backwards?)\b"
        r"|\b(?:say|print|output|respond|reply|answer|write|return) (?:only|exactly|just|nothing but|the (?:word"
        r"|words|phrase|following))\b|\b(?:begin|start|end|prefix|finish|preface) (?:your|each|every|all)\b",
    ),
    Rule(
        "your_code",
        r"\b(?:your|you(?:'re| are)? (?:produce|write|writing|generate|develop|create"
        rf"|build)\w*)\b[^.!?\n`]{{0,30}}?\b{PROGRAM}\b|\b{PROGRAM} (?:that )?you (?:produce|write|generate|develop"
        r"|create|build)\b",
    ),
    Rule(
        "that_code",
        r"\b(?:following|below|subsequent|given|next|attached|succeeding|ensuing|enclosed|snippet|excerpt"
        r"|fragment)\b[^.!?\n`]{0,24}?\b(?:code|snippet|excerpt|block|fragment|segment|section|lines?|script"
        r"|function)\b"
        r"|\bcode (?:snippet|excerpt|block|fragment|segment|section|piece) (?:below|here|that follows|given)\b",
    ),
    Rule(
        "edit",
        rf"{_LEAD}{EDIT}\b[^.!?\n]{{0,100}}?\b(?:{ANSWER}|letters|vowels|words|spaces|sentence|code|implementation"
        r"|solution|algorithm)\b)",
    ),
    Rule("generate", rf"{_LEAD}{GENERATE}\b(?: me| us)?(?: an?| the| some| all| my| your| how| why| what| \d+|\b))"),
    Rule(
        "operate",
        rf"{_LEAD}{OPERATE}\b (?:an?|the|all|my|your|our|this|that|these|those|any|every|\$|\d|us|me|it|them|to|with"
        r"|for|\w+'s?|['\"<]))",
    ),
    Rule(
        "imperative",
        rf"{START}((?:{POLITE}[ ,]{{1,3}}){{0,4}}[a-z]{{3,14}} (?:the|my|your|all|this|these|those|every|each|any"
        r"|an?)\b )",
        NO_VERBS,
    ),
    Rule(
        "polite",
        rf"{START}((?:please|kindly|can you|could you|would you|will you|i (?:want|need|would like|'d like) you to"
        r"|i need|i want|help me|bitte|por favor|per favore|veuillez)\b)",
    ),
    Rule(
        "when",
        r"\b(?:when(?:ever)?|if|once|before|after|while|each time|every time) (?:you(?:'re| are|'ve| have)?|the users?"
        r"|someone|anyone) (?:\w+ )?(?:are asked|asked?s?|answer\w*|respond\w*|repl(?:y|ies|ied)|summari[sz]\w*"
        r"|read(?:s|ing)?"
        r"|process\w*|see(?:s)? this|finish\w*|continue|generate\w*|writ(?:e|ing)|speak|mention\w*)\b",
    ),
    Rule("duty", rf"{START}(you (?:must|should|will|have to|need to|are required to|shall)\b)"),
    Rule(
        "question",
        rf"{START}((?:what|how|why|who|when|where|which|whose|is|are|do|does|did|can|could|should|will|would|was|wie"
        rf"|warum|wer|que|como|quel|quelle|comment|cosa|chi)(?:'s|'re)?\b[^?\n]{{4,200}}\?)",
    ),
    Rule("mine", r"\b(?:my [a-z]|for me\b|to me\b|mein\w*\b|mon |mes |mis |meu |minha |mio |mia )"),
    Rule("myself", r"\b(?:i'm|i am|i've|i need|i want|i have|ich|je |yo )"),
    Rule("your", r"\b(?:you|your|yourself|du|dein\w*|sie|tu|vous|votre|usted|voce|lei)\b"),
)

REACH: Final = (
    Rule(
        "send_out",
        r"\b(?:sent?|e-?mail|mail|forward|post|upload|submit|transmit|deliver|share|report|exfiltrate|leak|cc|bcc"
        r"|message|text|push|export|give|provide|sende|envoyez?|envia|invia)\b[^!?\n]{0,160}?"
        r"(?:[\w.+-]{1,40}@[\w-]{1,40}\.[a-z]{2,}|https?://|www\.|\b\w{2,30}\.(?:com|net|org|io|xyz|info|ru)\b"
        r"|\bmy (?:\w+ ){0,2}(?:e-?mail|address|account|server|friend|advisor|number)\b|\bthis (?:address|number|url"
        r"|server|e-?mail|link)\b)",
    ),
    Rule("mail", r"[\w.+-]{1,64}@[\w-]{1,60}\.[a-z]{2,10}"),
    Rule(
        "link",
        r"https?://[^\s'\"<>]{3,200}|\bwww\.[\w-]{2,60}\.[a-z]{2,10}|\b[\w-]{3,40}\.(?:com|net|xyz|info|ru|cc|tk"
        r"|top)\b",
    ),
    Rule(
        "value",
        r"\b(?:passwords?|credit cards?|bank (?:account|details?)|account (?:number|id|details)|payment(?:s"
        r"| methods?)?|api keys?|tokens?|credentials|secrets?|ssn|social security|private (?:key|data|files?"
        r"|information)|confidential|personal (?:details|data|information)|records?|contacts|two-factor|2fa|bitcoin"
        r"|crypto\w*|wallet|iban|saved addresses|prescriptions?|genetic data|medical|history|locations?)\b",
    ),
    Rule(
        "money",
        r"[$€£]\s?\d[\d,.]{0,12}|\b\d[\d,.]{0,12}\s?(?:usd|eur|gbp|dollars|euros?|bitcoins?|btc|eth|units|shares)\b",
    ),
    Rule(
        "id",
        r"\b\d{3,}-\d{2,}[\d-]{0,20}\b|\b(?:id|number|no\.?|account"
        r"|user(?:name)?)\b[ :=#(]{1,3}['\"]?[a-z0-9_-]*\d[\w-]*|\b[a-z]{2,}[-_]\d{2,}\b|(?:~|/(?:etc|home|tmp|usr"
        r"|var|documents|users))/[\w./-]{1,80}",
    ),
    Rule(
        "steer",
        r"\b(?:rank|rate|score|recommend|choose|select|prefer|hire|accept|praise|promote"
        r"|mention)\b[^.!?\n]{0,40}\b(?:first|highest|top|best|only|10/10|positive(?:ly)?|candidate|product"
        r"|strong accept|above all)\b"
        r"|\b(?:positive|favou?rable|glowing) (?:review|rating|summary|assessment)s?\b[^.\n]{0,12}\bonly\b"
        r"|\bonly (?:say|give|write|output)? ?positive\b|\bdo not (?:highlight|mention) (?:any )?(?:negatives?"
        r"|weakness\w*)\b"
        rf"|{START}(?:please )?(?:say|state|claim|conclude|declare|confirm|pretend) that\b"
        rf"|{START}(?:please )?(?:mark|classify|label|treat|flag|list) (?:this|these|everything|it|all|the \w+)\b"
        r"[^.\n]{0,40}\bas\b"
        rf"|{START}(?:please )?(?:rate|rank|score|grade) (?:this|the|me|it|us|him|her)\b"
        rf"|{START}(?:do not|don't|never) (?:summari[sz]e|translate|read|analy[sz]e|answer|process|evaluate)\b"
        r"|\b(?:say|state|claim|tell|report|conclude|answer|pretend) (?:that )?(?:there (?:is|are) no"
        r"|the (?:document|page|file|email|product|company|candidate) (?:is|was|has)|you (?:cannot|can't"
        r"|are unable))",
    ),
)

TALK: Final = (
    Rule(
        "discussed",
        r"\b(?:prompt[- ]injections?|jailbreak(?:s|ing|ers?)?|injection attacks?|attackers?|adversar\w+"
        r"|red[- ]team\w*|vulnerabilit\w+|exploit\w*|phishing|social engineering|security research\w*|owasp)\b"
        r"|\b(?:such as|for example|e\.g\.|phrases?|strings? like|says?|means?|what does|called|known as|so-called"
        r"|attempts? to|try to|tries to|might (?:say|write)|classif\w+|detect\w*)\b ?[:]? ?[\"'`]",
    ),
    Rule(
        "draft",
        r"\b(?:ignore|disregard|forget|discard|skip|drop|delete)\b[^.!?\n]{0,30}\b(?:draft|version|message|e-?mail"
        r"|case|warnings?|errors?|spaces|whitespace|typos?|invoice|letter|attachment|proposal|request|appointment"
        r"|files?|outliers|nulls?|values?|comments?|punctuation|notice|ticket|meeting)\b",
    ),
    Rule(
        "human",
        r"\b(?:team|meeting|office|customers?|colleagues?|employees?|department|unsubscribe|sincerely|regards|cheers"
        r"|thanks|thank you|click|button|page|section|documentation|install|menu|settings|slack|channel|issue"
        r"|pull request|support)\b",
    ),
    Rule(
        "code",
        r"```|\bdef \w+\(|\bimport \w+|\bfunction \w*\(|\breturn \w|[{};]\s*$|\bclass \w+|\bconst \w+ ?=|#include"
        r"|\bselect \w+ from\b|=>|\bpublic (?:static|class)\b",
    ),
)

RULES: Final = (*OVERRIDE, *ROLE, *ADDRESS, *ASK, *REACH, *TALK)
NAMES: Final = tuple(rule.name for rule in RULES)
