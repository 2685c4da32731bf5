"""Where the links of a text are: web addresses, e-mail addresses and mentions, for all who ask.

What is one, `arabench.text.rules.entities` defines; here its patterns are tried only where the
signs are without which there is none (`://`, `www.`, `@`), which tests compare with going
through the whole text.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Final

from arabench.text.rules import entities

Span = tuple[int, int]

#: Letters of a scheme before its `://`: of https, http and ftp.
_SCHEME_CHARS: Final = (5, 4, 3)
_MENTION_SIGNS: Final = ("@", "\uff20")  # and FULLWIDTH COMMERCIAL AT
#: A sign is sought by its first character until that was found so often without the rest.
_PATIENCE: Final = 100


@functools.cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    return (
        entities.urls("drop").pattern,
        entities.emails("drop").pattern,
        entities.mentions("drop").pattern,
    )


def _places(text: str, sign: str) -> Iterator[int]:
    sought, in_vain = sign[0], 0  # several times as fast as looking for two characters
    place = text.find(sought)
    while place >= 0:
        if text.startswith(sign, place):
            yield place
        else:
            in_vain += 1
            if in_vain == _PATIENCE:
                sought = sign
        place = text.find(sought, place + 1)


def url_spans(text: str) -> list[Span]:
    """Start and end of every web address (`entities.urls`), left to right.

    >>> url_spans("انظر https://example.com/a، ثم")
    [(5, 26)]
    """
    starts = {max(0, place - size) for place in _places(text, "://") for size in _SCHEME_CHARS}
    starts |= {max(0, place - 2) for sign in ("w.", "W.") for place in _places(text, sign)}
    return _matches(_patterns()[0], text, sorted(starts)) if starts else []


def link_spans(text: str) -> list[Span]:
    """Start and end of every link: web addresses, e-mail addresses, mentions; left to right.

    E-mail addresses are looked for beside the web addresses, mentions beside both, as the
    rules do when all three are dropped.

    >>> [text[start:end] for text in ["@a كتب إلى b@c.org"] for start, end in link_spans(text)]
    ['@a', 'b@c.org']
    """
    _, emails, mentions = _patterns()
    found = url_spans(text)
    if not any(sign in text for sign in _MENTION_SIGNS):
        return found
    text = blank(text, found)
    found_emails = _matches(emails, text, [_local_start(text, at) for at in _places(text, "@")])
    text = blank(text, found_emails)
    signs = sorted(at for sign in _MENTION_SIGNS for at in _places(text, sign))
    return sorted([*found, *found_emails, *_matches(mentions, text, signs)])


def blank(text: str, spans: list[Span]) -> str:
    """The text with as many spaces in the place of every span."""
    parts: list[str] = []
    position = 0
    for start, end in spans:
        parts += [text[position:start], " " * (end - start)]
        position = end
    return "".join(parts) + text[position:] if spans else text


def _matches(pattern: re.Pattern[str], text: str, starts: list[int]) -> list[Span]:
    """What `finditer` finds, given every place where a match may start."""
    found: list[Span] = []
    position = 0
    for start in starts:
        if start >= position and (match := pattern.match(text, start)):
            found.append(match.span())
            position = match.end()
    return found


_LOCAL: Final = re.compile(f"{entities.LOCAL_PART}*")


def _local_start(text: str, sign: int) -> int:
    """Where the run of characters begins that may be the local part before the `@` at `sign`."""
    before = text[max(0, sign - entities.LOCAL_CHARS - 1) : sign]
    run = _LOCAL.match(before[::-1])
    return sign - (run.end() if run else 0)
