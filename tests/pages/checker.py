"""What holds for every HTML page the package writes, checked with two parsers.

The standard's own parser (justhtml) repairs what it reads and keeps silent on some elements
that were never closed; tags are therefore balanced one by one as well.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

from justhtml import JustHTML

#: Elements without an end tag (HTML Living Standard, 13.1.2).
VOID: Final = frozenset(
    "area base br col embed hr img input link meta source track wbr".split()  # noqa: SIM905
)
ARABIC: Final = re.compile("[\u0621-\u064a\u066e-\u06d3]")


@dataclass
class Element:
    """An element with its attributes, its text so far and what it stands in."""

    tag: str
    attributes: dict[str, str]
    parents: tuple[Element, ...]
    text: str = ""
    own_text: list[str] = field(default_factory=list)

    def inherited(self, name: str) -> str | None:
        """The attribute here or on the nearest element around."""
        for element in (self, *reversed(self.parents)):
            if name in element.attributes:
                return element.attributes[name]
        return None


class _Balanced(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.open: list[Element] = []
        self.problems: list[str] = []
        self.declaration = ""

    def handle_decl(self, decl: str) -> None:
        self.declaration = decl

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = Counter(name for name, _ in attrs)
        self.problems += [f"<{tag}> has {name} twice" for name, n in names.items() if n > 1]
        element = Element(tag, {k: v or "" for k, v in attrs}, tuple(self.open))
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID and not any(element.tag == "svg" for element in self.open):
            self.problems.append(f"<{tag}/> is left open by HTML")
        self.elements.append(Element(tag, {k: v or "" for k, v in attrs}, tuple(self.open)))

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1].tag == tag:
            self.open.pop()
        else:
            inside = self.open[-1].tag if self.open else "nothing"
            self.problems.append(f"line {self.getpos()[0]}: </{tag}> inside <{inside}>")

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data
        if self.open:
            self.open[-1].own_text.append(data)


@dataclass
class Page:
    """A page that was parsed without a problem."""

    elements: list[Element]

    def all(self, tag: str) -> list[Element]:
        """Elements of a tag, in order."""
        return [element for element in self.elements if element.tag == tag]

    @property
    def text(self) -> str:
        """Text of the body."""
        return self.all("body")[0].text

    def with_id(self, name: str) -> Element:
        """The element of an id."""
        return next(e for e in self.elements if e.attributes.get("id") == name)


def problems_of(html: str) -> list[str]:
    """What is wrong with a page, a sentence each."""
    parser = _Balanced()
    parser.feed(html)
    parser.close()
    found = [*parser.problems, *(f"<{element.tag}> is never closed" for element in parser.open)]
    found += [f"parser: {error}" for error in JustHTML(html, collect_errors=True).errors]
    if parser.declaration.lower() != "doctype html":
        found.append("no doctype")
    elements = parser.elements
    root = [element for element in elements if element.tag == "html"]
    if not root or not root[0].attributes.get("lang"):
        found.append("the page has no language")
    metas = [element.attributes for element in elements if element.tag == "meta"]
    if not any(meta.get("charset", "").lower() == "utf-8" for meta in metas):
        found.append("no charset")
    if not any(
        meta.get("name") == "viewport" and "width=device-width" in meta.get("content", "")
        for meta in metas
    ):
        found.append("no viewport: phones would show the page small")
    styles = "".join(element.text for element in elements if element.tag == "style")
    if "prefers-color-scheme: dark" not in styles:
        found.append("no dark mode")
    return found + _links(elements) + _places(elements) + _languages(elements)


def _links(elements: list[Element]) -> list[str]:
    ids = Counter(e.attributes["id"] for e in elements if "id" in e.attributes)
    found = [f"the id {name!r} is there {count} times" for name, count in ids.items() if count > 1]
    for element in elements:
        target = element.attributes.get("href", element.attributes.get("src"))
        if target is None:
            continue
        if not target.startswith("#"):
            found.append(f"<{element.tag}> loads or leads to {target[:60]!r}")
        elif target[1:] not in ids:
            found.append(f"the link {target!r} leads nowhere")
    return found + _scripts(elements)


def _scripts(elements: list[Element]) -> list[str]:
    """Scripts that the page's policy does not allow by their digest, and code in attributes."""
    policies = [
        element.attributes.get("content", "")
        for element in elements
        if element.attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    found = [] if policies and all("default-src 'none'" in p for p in policies) else ["no policy"]
    for element in elements:
        code = "".join(element.own_text).encode("utf-8")
        digest = base64.b64encode(hashlib.sha256(code).digest()).decode("ascii")
        if element.tag == "script" and not any(f"'sha256-{digest}'" in p for p in policies):
            found.append(f"a <script> that the policy does not allow: {code[:60]!r}")
        found += [
            f"<{element.tag} {name}> is code"
            for name, value in element.attributes.items()
            if name.startswith("on") or value.strip().lower().startswith("javascript:")
        ]
    return found


def _places(elements: list[Element]) -> list[str]:
    found = []
    for element in elements:
        around = [parent.tag for parent in element.parents]
        if "nav" in around and element.tag != "a":
            found.append(f"<{element.tag}> inside the navigation")
        if element.tag == "table" and element.attributes.get("class") == "wide":
            boxes = [parent.attributes.get("class") for parent in element.parents]
            if "scroll" not in boxes:
                found.append("a wide table without a box of its own to scroll in")
    return found


def _languages(elements: list[Element]) -> list[str]:
    """Arabic text must say its language and direction on an element around it."""
    found = []
    for element in elements:
        way = element.attributes.get("dir")
        if way is not None and way not in {"rtl", "ltr", "auto"}:
            found.append(f"dir={way!r}")
        if way == "rtl" and not element.attributes.get("lang"):
            found.append(f"<{element.tag}> right to left in no language: {element.text[:40]!r}")
        for text in element.own_text:
            if len(ARABIC.findall(text)) > 3 and element.tag not in {"title", "style", "pre"}:
                if element.inherited("dir") is None:
                    found.append(f"Arabic without direction: {text[:40]!r}")
                if element.inherited("lang") == "en":
                    found.append(f"Arabic said to be English: {text[:40]!r}")
    return found


def parsed(html: str) -> Page:
    """The page, when nothing is wrong with it; an AssertionError that names all else."""
    found = problems_of(html)
    assert not found, "\n".join(found)
    parser = _Balanced()
    parser.feed(html)
    return Page(parser.elements)
