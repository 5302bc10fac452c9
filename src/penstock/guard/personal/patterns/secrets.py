"""What opens doors: keys and tokens in the shapes that their vendors document, private keys, and plain passwords.

A group of its own, so that a guard of answers can ask for nothing else.
"""

import math
from collections import Counter
from itertools import takewhile
from typing import Final

from penstock.guard.patterns.pattern import Pattern

_WORD: Final = "[0-9A-Za-z_-]"
_TOKENS: Final = (
    ("anthropic", rf"sk-ant-[a-z]{{3,8}}[0-9]{{2}}-{_WORD}{{20,180}}"),
    (
        "openai",
        rf"sk-(?:(?:proj|svcacct|admin|None)-{_WORD}{{20,200}}|[0-9A-Za-z]{{20,24}}T3BlbkFJ[0-9A-Za-z]{{20,24}})",
    ),
    ("openrouter", "sk-or-v1-[0-9a-f]{64}"),
    ("sk", "sk-[0-9A-Za-z]{32,64}"),
    ("groq", "gsk_[0-9A-Za-z]{40,60}"),
    ("xai", "xai-[0-9A-Za-z]{60,100}"),
    ("perplexity", "pplx-[0-9A-Za-z]{40,64}"),
    ("replicate", "r8_[0-9A-Za-z]{30,50}"),
    ("hugging_face", "(?:hf|api_org)_[A-Za-z]{30,40}"),
    ("aws_access_key", "(?:AKIA|ASIA|ABIA|ACCA)[2-7A-Z]{16}"),
    ("github", "gh[opusr]_[0-9A-Za-z]{36,255}"),
    ("github_fine_grained", "github_pat_[0-9A-Za-z]{22}_[0-9A-Za-z]{59}"),
    ("gitlab", rf"gl(?:pat|dt|rt|ptt|ft|soat|cbt|agent|imt|ffct)-{_WORD}{{20,64}}"),
    ("slack", "xox[abeprs](?:[.]xox[bp])?-[0-9A-Za-z-]{10,250}"),
    ("slack_app", "xapp-[0-9]-[0-9A-Z]{6,16}-[0-9]{8,16}-[0-9a-f]{32,96}"),
    ("stripe", "(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{16,247}"),
    ("stripe_webhook", "whsec_[0-9A-Za-z+/]{32,64}"),
    ("google", rf"AIza{_WORD}{{35}}"),
    ("google_client_secret", rf"GOCSPX-{_WORD}{{28}}"),
    ("google_access_token", rf"ya29[.]{_WORD}{{20,500}}"),
    ("azure_client_secret", "[0-9A-Za-z_.~-]{3}[0-9]Q~[0-9A-Za-z_.~-]{31,34}"),
    ("sendgrid", rf"SG[.]{_WORD}{{22}}[.]{_WORD}{{43}}"),
    ("mailgun", "key-[0-9a-f]{32}"),
    ("twilio", "SK[0-9a-f]{32}"),
    ("telegram", rf"[0-9]{{8,10}}:AA{_WORD}{{33}}"),
    ("npm", "npm_[0-9A-Za-z]{36}"),
    ("pypi", rf"pypi-AgE{_WORD}{{50,250}}"),
    ("digitalocean", "do[opr]_v1_[0-9a-f]{64}"),
    ("databricks", "dapi[0-9a-f]{32}"),
    ("shopify", "shp(?:at|ca|pa|ss)_[0-9A-Fa-f]{32}"),
    ("vault", rf"hv[sbr][.]{_WORD}{{24,300}}"),
    ("doppler", "dp[.](?:pt|st|ct|sa)[.][0-9A-Za-z.]{40,48}"),
    ("linear", "lin_api_[0-9A-Za-z]{40}"),
    ("notion", "(?:ntn_[0-9A-Za-z]{40,50}|secret_[0-9A-Za-z]{43})"),
    ("postman", "PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    ("atlassian", rf"ATATT3{_WORD}{{50,250}}(?:=[0-9A-F]{{8}})?"),
    ("grafana", "glsa_[0-9A-Za-z]{32}_[0-9A-Fa-f]{8}"),
    ("sentry", "sntry[su]_[0-9A-Za-z+/=_]{40,250}"),
    ("new_relic", "NRAK-[0-9A-Z]{27}"),
    ("square", rf"(?:EAAA{_WORD}{{60}}|sq0(?:atp|csp)-{_WORD}{{22,43}})"),
    ("age", "AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}"),
    ("jwt", rf"eyJ{_WORD}{{10,500}}[.]eyJ{_WORD}{{10,900}}{_WORD}{{0,900}}[.]{_WORD}{{10,700}}"),
)
_ASSIGNED: Final = (
    "password|passwd|passwort|passphrase|kennwort|mot de passe|contraseña|contrasena|palavra-passe|senha|wachtwoord|"
    "hasło|lösenord|adgangskode|pwd|pw|passcode|secret|client_secret|client secret|secret_key|secret key|api_key|"
    "api key|apikey|api-key|access_key|access key|access_token|access token|auth_token|auth token|refresh_token|"
    "bearer_token|private_key|encryption_key|session_key|token"
)
_QUOTES: Final = r"[\"'`*]{0,3}[ \t]{0,3}"
_KEY_BODY: Final = r"[0-9A-Za-z+/=\\\s:,-]{0,1000}"
_PEM: Final = (
    r"-----BEGIN (?:[A-Z]{2,9} ){0,2}PRIVATE KEY(?: BLOCK)?-----"
    + _KEY_BODY * 4
    + r"(?:-----END (?:[A-Z]{2,9} ){0,2}PRIVATE KEY(?: BLOCK)?-----)?"
)
_STAND_INS: Final = ("<", "{", "$", "%", "[", "(", "***", "...", "xxx", "XXX")
_WORDS: Final = frozenset({
    "your", "my", "none", "null", "true", "false", "undefined", "example", "changeme", "placeholder", "insert", "os",
    "process", "env", "get", "self", "config", "settings", "string", "str", "int", "optional", "required",
})  # fmt: skip
_LEAST_ENTROPY_BITS: Final = 2.2


def is_secret(text: str) -> bool:
    """Not what stands in for one, not a name or a call in a program, not a word: mixed characters in plenty."""
    head = "".join(takewhile(str.isalpha, text))
    stands_in = head.lower() in _WORDS and text[len(head) : len(head) + 1] in {"", ".", "_", "-", "(", "["}
    if stands_in or text.startswith(_STAND_INS) or "(" in text or "****" in text:
        return False
    has_digit, has_sign = any(map(str.isdigit, text)), not text.isalnum()
    is_mixed = text not in {text.lower(), text.upper()}
    return entropy_bits(text) >= _LEAST_ENTROPY_BITS and (has_digit or (has_sign and is_mixed))


def entropy_bits(text: str) -> float:
    """Shannon's, of a character, from the counts within the text."""
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())


SECRETS: Final = (
    *(Pattern(f"secrets.{name}", "API_KEY", rf"\b{expression}", most_chars=3100) for name, expression in _TOKENS),
    Pattern(
        "secrets.aws_secret_key",
        "API_KEY",
        r"(?i:aws|secret)[^\n=:]{0,30}(?i:key|secret)[\"']?[ \t]{0,3}(?:=|:|is)[ \t]{0,3}[\"']?([0-9A-Za-z/+]{40})\b",
    ),
    Pattern("secrets.azure_storage", "API_KEY", "(?i:accountkey|sharedaccesskey)=([0-9A-Za-z+/]{40,90}={0,2})"),
    Pattern("secrets.slack_webhook", "API_KEY", r"\bhooks[.]slack[.]com/(?:services|workflows)/[0-9A-Za-z+/]{40,60}"),
    Pattern("secrets.private_key", "PRIVATE_KEY", _PEM, most_chars=4200),
    Pattern(
        "secrets.putty_key",
        "PRIVATE_KEY",
        r"\bPrivate-Lines: [0-9]{1,3}\s{1,2}[0-9A-Za-z+/=\s]{40,1000}",
        most_chars=1040,
    ),
    Pattern(
        "secrets.assigned",
        "PASSWORD",
        rf"(?i:{_ASSIGNED}){_QUOTES}(?::=|=>|[:=]|\b(?i:is|ist|lautet|est|es|è)\b:?)[ \t]{{0,3}}{_QUOTES}"
        r"([^\s\"'`,;<>]{6,128})",
        is_secret,
        score=0.8,
    ),
    Pattern(
        "secrets.header",
        "API_KEY",
        r"(?i:\bauthorization|\bx-api-key|\bapi-key)[\"']?[ \t]{0,3}[:=][ \t]{0,3}[\"']?(?i:bearer |basic |token )?"
        r"[ \t]{0,2}([0-9A-Za-z_.~+/=-]{16,512})",
        is_secret,
        most_chars=560,
    ),
    Pattern("secrets.bearer", "API_KEY", r"\b(?i:bearer) ([0-9A-Za-z_.~+/=-]{20,512})", is_secret, most_chars=520),
    Pattern(
        "secrets.url_password",
        "CREDENTIAL_URL",
        r"\b[A-Za-z][0-9A-Za-z+.-]{1,20}://[^\s:@/\"'<>]{0,64}:[^\s@/\"'<>]{1,128}@[^\s/\"'<>]{1,128}",
        lambda text: not text.split(":", 2)[2].startswith(("<", "$", "{", "[")),
        most_chars=360,
    ),
    Pattern(
        "secrets.url_token",
        "CREDENTIAL_URL",
        r"[?&;#](?i:(?:access_|auth_|refresh_|id_|session_?|api_?)?(?:token|key|secret|sig|signature|sid|password|pwd|session)|phpsessid|jsessionid|x-amz-signature|code)=([0-9A-Za-z_.~%+/=-]{8,1000})",
        is_secret,
        most_chars=1020,
    ),
)
