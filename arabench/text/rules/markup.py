"""Rules about HTML: tags, comments, scripts and character references."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from arabench.text.rules.rule import Rule, scanner, substitution

#: Elements that start a new line on the page; their tags become a line feed.
BLOCKS: Final = frozenset(
    [
        "address", "article", "aside", "blockquote", "body", "br", "caption", "center", "dd",
        "details", "dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure",
        "footer", "form", "frameset", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header",
        "hgroup", "hr", "html", "legend", "li", "main", "menu", "nav", "ol", "optgroup",
        "option", "p", "pre", "search", "section", "select", "summary", "table", "tbody",
        "tfoot", "thead", "title", "tr", "ul",
    ]
)  # fmt: skip
#: Elements that stand beside one another; their tags become a space.
CELLS: Final = frozenset(["td", "th"])
#: Elements inside a line; their tags vanish, so that a word half in bold stays one word.
INLINE: Final = frozenset(
    [
        "a", "abbr", "acronym", "applet", "area", "audio", "b", "base", "basefont", "bdi",
        "bdo", "big", "blink", "button", "canvas", "cite", "code", "col", "colgroup", "data",
        "datalist", "del", "dfn", "em", "embed", "font", "frame", "i", "iframe", "img", "input",
        "ins", "kbd", "label", "link", "map", "mark", "marquee", "math", "meta", "meter",
        "nobr", "noframes", "noscript", "object", "output", "param", "path", "picture",
        "progress", "q", "rb", "rp", "rt", "rtc", "ruby", "s", "samp", "script", "slot",
        "small", "source", "span", "strike", "strong", "style", "sub", "sup", "svg", "template",
        "textarea", "time", "track", "tt", "u", "use", "var", "video", "wbr",
    ]
)  # fmt: skip
#: Elements whose content is no text.
RAW: Final = frozenset(["script", "style"])

_SPACE = "\\t\\n\\f\\r "  # white space of the HTML standard
_START = re.compile(
    f"<(?:(!--)|[!?](?=[A-Za-z])|(/?)([A-Za-z][A-Za-z0-9]*+(?:[:\\-][A-Za-z0-9]++)*+)(?=[{_SPACE}/>]))"
)
#: The rest of a tag. An attribute's quoted value may hold ">"; nothing in a tag is "<",
#: which bounds every attempt by the next "<" and the whole by the length of the text.
_REST = re.compile(f"(?>[^<>=]++|=[{_SPACE}]*+(?>\"[^\"<]*+\"|'[^'<]*+')?+)*+>")
_DECLARATION_REST = re.compile("[^<>]*+>")
_RAW_END = {
    name: re.compile(f"(?ai:</{name})(?=[{_SPACE}/>])[^<>]*+>") for name in ("script", "style")
}


def strip_tags() -> Rule:
    r"""Comments, declarations, tags, and scripts and styles with their content.

    - `<!--` to the next `-->` (which may share its dashes); unended: stays.
    - `<!` or `<?` and an ASCII letter, up to a `>` with no `<` or `>` between.
    - `<`, optionally `/`, a name, then white space, `/` or `>`, up to the first `>` that no
      quoted value holds. A value is quoted if its quote follows `=` (white space between)
      and has its like before the next `<`. A `<` before that `>`: no tag, all stays. The name
      is one of `BLOCKS`, `CELLS` or `INLINE` in any case, or has parts joined by `:` or `-`
      (`o:p`, custom elements); others, as in vector<int>, <unk> and <3, are text.
    - The start tag of `script` or `style` takes with it everything to the end of the next
      end tag of that name; without one only itself.

    Tags of `BLOCKS` become a line feed, of `CELLS` a space, all else nothing.

    >>> strip_tags().apply("<b>كت</b>اب<br/>")
    'كتاب\n'
    >>> strip_tags().apply("3 < 5 و vector<int>")
    '3 < 5 و vector<int>'
    """
    return scanner("markup-tags", "tags, comments, scripts and styles are removed", "<", _scan)


def _scan(text: str) -> Iterator[tuple[int, int, str]]:
    position = 0
    missing: set[str] = set()  # what was looked for up to the end of the text, in vain
    while found := _START.search(text, position):
        start = found.start()
        end, after = _tag_end(text, found, missing), ""
        if end is None:
            position = start + 1
            continue
        name = (found.group(3) or "").lower()
        if name in BLOCKS:
            after = "\n"
        elif name in CELLS:
            after = " "
        yield start, end, after
        position = end


def _tag_end(text: str, found: re.Match[str], missing: set[str]) -> int | None:
    if found.group(1):
        end = -1 if "-->" in missing else text.find("-->", found.start() + 2)
        if end < 0:
            missing.add("-->")
            return None
        return end + 3
    name = found.group(3)
    if name is None:
        rest = _DECLARATION_REST.match(text, found.end())
        return rest.end() if rest else None
    name = name.lower()
    if not (name in BLOCKS or name in CELLS or name in INLINE or ":" in name or "-" in name):
        return None
    rest = _REST.match(text, found.end())
    if rest is None:
        return None
    if name in RAW and not found.group(2) and name not in missing:
        closing = _RAW_END[name].search(text, rest.end())
        if closing:
            return closing.end()
        missing.add(name)
    return rest.end()


def decode_references() -> Rule:
    r"""Character references to their characters, one level deep.

    `&#` and 1-7 digits, `&#x` and 1-6 hexadecimal digits, or `&` and a name of at most 32
    ASCII letters and digits, none of it followed by more of its kind; then an optional `;`.
    Names are those of the HTML standard; the old ones that it allows without `;`
    (`&nbsp`, `&amp`) are read so unless `=` follows, as in the query of an address; the
    rest need it. Numbers follow the standard too: 0, surrogates and numbers above 10FFFF
    become U+FFFD, 80-9F are Windows-1252, noncharacters vanish. `&amp;lt;` becomes
    `&lt;`: text that speaks of markup stays what it is.

    >>> decode_references().apply("&laquo;نعم&#x61f;")
    '«نعم؟'
    >>> decode_references().apply("a=1&copy=2")
    'a=1&copy=2'
    """
    return substitution(
        "markup-references",
        "HTML character references become their characters",
        "&(?:#[0-9]{1,7}(?![0-9])|#[xX][0-9A-Fa-f]{1,6}(?![0-9A-Fa-f])"
        "|[A-Za-z][A-Za-z0-9]{1,31}+(?![A-Za-z0-9]));?",
        _decode,
    )


def _decode(match: re.Match[str]) -> str:
    import html
    from html.entities import html5

    reference = match.group()
    if reference[1] == "#":
        return html.unescape(reference.rstrip(";") + ";")
    if not reference.endswith(";") and match.string[match.end() : match.end() + 1] == "=":
        return reference
    return html5.get(reference[1:], reference)
