"""A normalization rule: a named rewriting of a string that can say what it did."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Edit(NamedTuple):
    """One change by one rule.

    `start` and `end` are character offsets into the text as that rule received it,
    so a list of edits is replayed rule by rule (see `replay`).
    """

    rule: str
    start: int
    end: int
    before: str
    after: str


@dataclass(frozen=True)
class Rule:
    """`pattern` finds places, `replace` gives what each becomes.

    Attributes:
        name: unique, kebab-case; what `--explain` and the manifest report.
        reason: one line for people: why somebody wants this.
        pattern: compiled expression; matches must not overlap and not be empty.
        replace: match -> replacement.
        table: for rules that map single characters, the same thing as a
            `str.translate` table: faster, and checked equal by a test.
    """

    name: str
    reason: str
    pattern: re.Pattern[str]
    replace: Callable[[re.Match[str]], str]
    table: Mapping[int, str] | None = None

    def apply(self, text: str) -> str:
        """The rewritten text."""
        # Most rules find nothing in most texts, and a search is ten times as fast as a
        # translation that changes nothing.
        if self.pattern.search(text) is None:
            return text
        if self.table is not None:
            return text.translate(self.table)
        return self.pattern.sub(self.replace, text)

    def edits(self, text: str) -> Iterator[Edit]:
        """Every change `apply` would make to `text`, left to right."""
        for match in self.pattern.finditer(text):
            after = self.replace(match)
            if after != match.group():
                yield Edit(self.name, match.start(), match.end(), match.group(), after)


@dataclass(frozen=True)
class ScanRule(Rule):
    """A rule whose places no single pattern can find in linear time.

    Attributes:
        scan: text -> (start, end, replacement) of every place, left to right, disjoint.
            `pattern` only tells whether looking is worth while.
    """

    scan: Callable[[str], Iterator[tuple[int, int, str]]] = field(kw_only=True)

    def apply(self, text: str) -> str:
        """The rewritten text."""
        if self.pattern.search(text) is None:
            return text
        parts: list[str] = []
        position = 0
        for start, end, after in self.scan(text):
            parts += [text[position:start], after]
            position = end
        return "".join(parts) + text[position:]

    def edits(self, text: str) -> Iterator[Edit]:
        """Every change `apply` would make to `text`, left to right."""
        if self.pattern.search(text) is None:
            return
        for start, end, after in self.scan(text):
            if after != text[start:end]:
                yield Edit(self.name, start, end, text[start:end], after)


def char_map(name: str, reason: str, table: Mapping[str, str]) -> Rule:
    """A rule that maps single characters to strings ("" deletes)."""
    from arabench.chars import char_class

    mapping = dict(table)
    return Rule(
        name=name,
        reason=reason,
        pattern=re.compile(f"[{char_class(mapping)}]"),
        replace=lambda match: mapping[match.group()],
        table={ord(char): after for char, after in mapping.items()},
    )


def substitution(
    name: str, reason: str, pattern: str, replace: str | Callable[[re.Match[str]], str]
) -> Rule:
    """A rule that replaces every match of `pattern`."""
    function = replace if callable(replace) else lambda match: match.expand(replace)
    return Rule(name, reason, re.compile(pattern), function)


def scanner(
    name: str, reason: str, trigger: str, scan: Callable[[str], Iterator[tuple[int, int, str]]]
) -> Rule:
    """A rule that replaces what `scan` yields, in texts where `trigger` is found at all."""

    def never(match: re.Match[str]) -> str:
        raise NotImplementedError(name)

    return ScanRule(name, reason, re.compile(trigger), never, scan=scan)


def apply_rules(rules: Iterable[Rule], text: str) -> str:
    """The text after one rule after the other."""
    for rule in rules:
        text = rule.apply(text)
    return text


def replay(text: str, rules: Sequence[str], edits: Sequence[Edit]) -> str:
    """Apply `edits` to the text they were made from.

    Args:
        text: the original text.
        rules: rule names in the order in which they ran.
        edits: as returned by `Normalizer.explain`.
    """
    for name in rules:
        parts: list[str] = []
        position = 0
        for edit in edits:
            if edit.rule == name:
                parts += [text[position : edit.start], edit.after]
                position = edit.end
        text = "".join(parts) + text[position:]
    return text
