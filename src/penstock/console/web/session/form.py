"""The sign-in page: plain HTML with no script at all, so that nobody gets a socket before they are known."""

from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from penstock.console.web.layout.theme import TOKENS

CSS = (
    TOKENS
    + """
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 16px;
  background: var(--bg); color: var(--text); font: 15px/1.5 var(--font); }
main { width: 100%; max-width: 400px; background: var(--surface); border: 1px solid var(--line);
  border-radius: 14px; padding: 32px; box-shadow: var(--shadow); }
.mark { display: flex; align-items: center; gap: 10px; font-weight: 650; font-size: 17px; }
.mark i { width: 22px; height: 22px; border-radius: 6px; background: var(--brand); display: block; }
h1 { font-size: 22px; line-height: 1.25; margin: 22px 0 4px; letter-spacing: -0.01em; }
p { margin: 0 0 18px; color: var(--muted); }
label { display: block; font-weight: 550; margin-bottom: 6px; }
input { width: 100%; font: 14px/1.4 var(--mono); padding: 11px 12px; color: var(--text);
  background: var(--bg); border: 1px solid var(--line-strong); border-radius: 9px; }
button, .button { display: block; width: 100%; margin-top: 14px; padding: 11px 12px; border-radius: 9px;
  border: 1px solid transparent; background: var(--brand-strong); color: #fff; font: 600 15px/1.4 var(--font);
  text-align: center; text-decoration: none; cursor: pointer; }
.button { background: transparent; color: var(--text); border-color: var(--line-strong); }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
.bad { background: var(--bad-bg); color: var(--bad); border-radius: 9px; padding: 10px 12px; margin-bottom: 16px; }
.or { display: flex; align-items: center; gap: 12px; color: var(--muted); margin: 20px 0 6px; font-size: 13px; }
.or::before, .or::after { content: ""; flex: 1; border-top: 1px solid var(--line); }
small { display: block; margin-top: 20px; color: var(--muted); font-size: 13px; }
code { font-family: var(--mono); font-size: 12px; }
"""
)


def sign_in_page(prefix: str, then: str, issuers: Sequence[tuple[str, str]], *, problem: str | None) -> str:
    """`issuers` are names and labels.  `problem` is one of our own sentences."""
    said = "" if problem is None else f'<p class="bad" role="alert">{escape(problem)}</p>'
    buttons = "".join(
        f'<a class="button" href="{prefix}/sign-in/with/{escape(name)}?then={quote(then, safe="")}">'
        f"Continue with {escape(label)}</a>"
        for name, label in issuers
    )
    others = f'<div class="or">or</div>{buttons}' if buttons else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sign in · Penstock</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<link rel="icon" href="{prefix}/favicon.ico"><link rel="stylesheet" href="{prefix}/sign-in/style.css">
</head><body><main>
<div class="mark"><i></i>Penstock</div><h1>Sign in</h1><p>The control plane of your gateway.</p>{said}
<form method="post" action="{prefix}/sign-in"><input type="hidden" name="then" value="{escape(then)}">
<label for="credential">Admin token, API key or token</label>
<input id="credential" name="credential" type="password" autocomplete="off" spellcheck="false" required autofocus>
<button type="submit">Sign in</button></form>{others}
<small>The admin token lies in the data directory as <code>admin-token</code>. An API key needs a role.</small>
</main></body></html>"""
