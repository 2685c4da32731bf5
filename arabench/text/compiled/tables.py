"""Tables that drive the compiled engine, made from the same rules the reference runs.

Rules that look at one character at a time are composed into one table from code point
to output; the few that look at neighbours (zero-width joiners, foreign script, marks,
word ends, white space) become switches of the kernel. Nothing here repeats what a rule
does: the table is filled by running the reference rules on every code point.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from arabench import chars
from arabench.text.rules import diacritics
from arabench.text.rules.rule import Rule

CODE_POINTS: Final = 0x110000

# Entries of `Tables.action` that are no code point.
#: Deleted before zero-width and foreign characters are looked at: leaves no trace.
DELETE: Final = -1
#: Run of these becomes one space.
FOREIGN: Final = -2
#: Zero-width joiner: kept between emoji.
JOINER: Final = -3
#: Deleted zero-width character: ends what a joiner could hold together.
ZERO_WIDTH: Final = -4
#: Deleted by a later rule: also ends a run of foreign characters.
DELETE_LATE: Final = -5
#: Action -(SEQUENCE + i) writes sequence i.
SEQUENCE: Final = 16

# Bits of `Tables.kind`, the class of a character that the kernel writes.
MARK: Final = 1
LETTER: Final = 2
SPACE: Final = 4
BREAK: Final = 8
#: Letters that a cluster rule may change: bases of compositions, alif forms, hamza carriers.
SPECIAL: Final = 16
EMOJI: Final = 32

# High bits of `Tables.fast`: what the fast stretch of the kernel does with a character.
# 0 leaves it to the general path.
FAST_COPY: Final = 1
FAST_SPACE: Final = 2
FAST_DELETE: Final = 3
FAST_MARK: Final = 4
#: Code points of one and two UTF-8 bytes.
FAST_CODES: Final = 0x800

#: Rules that look at neighbours and that the kernel knows, in the order in which it runs them.
_ORDER: Final = (
    "zero-width", "non-arabic", "outside-scripts", "case-endings", "mark-order", "alif-forms",
    "hamza-carriers", "loose-hamza", "final-ya-to-maqsura", "trim", "line-breaks", "spaces",
)  # fmt: skip
_SCRIPTS: Final = frozenset({"non-arabic", "outside-scripts"})
_WHITESPACE: Final = frozenset(_ORDER[-3:])
#: A map that has a default for all characters it does not name.
_EVERY_CHARACTER: Final = "character-map"
#: Maps of characters that no rule about marks and letters looks at.
_MAPS_AT_THE_END: Final = frozenset({"ta-marbuta", "tags-write"})


class Tables(NamedTuple):
    """What rules do, as `kernel.normalize_rows` reads it; nothing in it is written to.

    Attributes:
        action: (CODE_POINTS,) int32: a code point to write, or DELETE, FOREIGN, JOINER,
            or -(SEQUENCE + i).
        kind: (CODE_POINTS,) uint8: class bits of a written code point.
        sequence_start: (n + 1,) int32 and sequence: (m,) int32: code points of sequence i.
        mark_class: (CODE_POINTS,) uint8: canonical combining class of Arabic marks.
        is_hamza_mark: (CODE_POINTS,) bool.
        composed: (256, 3) int32: [base - 0x600, mark - 0x653] -> composed letter or 0.
        fast: (3, FAST_CODES) uint16: FAST_... << 11 | code point to write; one row per mode of
            the kernel: JSON strings need escapes, text lines cannot hold line breaks.
        fast_pairs: (3, 65536) uint16: for two bytes that are one character with FAST_COPY and
            become two bytes: those, both little-endian; 0 for all other pairs.
        is_ending: (CODE_POINTS,) bool: marks that are case endings at the end of a word.
        late: (256,) int32: what a letter from U+0600 becomes after case endings are removed.
        compose: marks are sorted, hamza and madda join their carrier (`mark-order`).
        unify_alif: forms of alif become bare alif (`alif-forms`).
        hamza: 1 waw and ya lose their hamza, 2 they become hamza on the line, 0 neither.
        final_ya: word-final ya becomes alif maqsura.
        collapse: white space is collapsed and trimmed.
        keep_joiners: joiners between emoji stay.
        case_endings: vowels of word ends are removed.
    """

    action: NDArray[np.int32]
    kind: NDArray[np.uint8]
    sequence_start: NDArray[np.int32]
    sequence: NDArray[np.int32]
    mark_class: NDArray[np.uint8]
    is_hamza_mark: NDArray[np.bool_]
    composed: NDArray[np.int32]
    fast: NDArray[np.uint16]
    fast_pairs: NDArray[np.uint16]
    is_ending: NDArray[np.bool_]
    late: NDArray[np.int32]
    compose: bool
    unify_alif: bool
    hamza: int
    final_ya: bool
    collapse: bool
    keep_joiners: bool
    case_endings: bool


def fits(rules: Sequence[Rule], rule: Rule) -> bool:
    """Whether the kernel can run `rule` in the same pass, after `rules` that it can."""
    names = [earlier.name for earlier in rules]
    if rule.name == _EVERY_CHARACTER:
        return not any(name not in ("surrogates", "controls", "bidi-controls") for name in names)
    if rule.table is None:
        if rule.name not in _ORDER:
            return False
        rank = _ORDER.index(rule.name)
        if rule.name in _SCRIPTS and "compatibility" in names:
            return False  # one character becomes several, of which some are foreign: "a.m."
        if rule.name == "outside-scripts" and "zero-width" in names:
            return False  # it may keep emoji, and then sees the joiners between them
        return all(_ORDER.index(name) < rank for name in names if name in _ORDER)
    # Maps are composed into one, ahead of the rules about marks and letters, unless these
    # cannot see what such a map changes.
    if _EVERY_CHARACTER in names and rule.name != "tags-write":
        return False
    if "case-endings" in names and not _is_late(rule):
        return False
    if rule.name in _MAPS_AT_THE_END:
        return not any(name in _WHITESPACE for name in names)
    return not any(name in _ORDER[_ORDER.index("mark-order") :] for name in names)


def _is_late(rule: Rule) -> bool:
    """Whether `Tables.late` can hold a map: one letter of its range to one letter."""
    return all(
        0x600 <= key < 0x700 and len(after) == 1 for key, after in (rule.table or {}).items()
    )


def build_tables(rules: Sequence[Rule]) -> Tables:
    """Tables for rules of which each `fits` after those before it."""
    early, late = list(rules), list[Rule]()
    names = [rule.name for rule in rules]
    if "case-endings" in names:  # sees letters that later rules map
        after = names.index("case-endings") + 1
        early, late = early[:after], early[after:]
    action, sequences = _actions(early)
    starts = np.cumsum([0, *map(len, sequences)], dtype=np.int32)
    flat = [ord(char) for text in sequences for char in text]
    hamza = next(
        (rule.apply(chars.WAW_HAMZA) for rule in rules if rule.name == "hamza-carriers"), ""
    )
    nothing_fast = np.empty((0, 0), dtype=np.uint16)
    general = Tables(
        action=action,
        kind=_kinds(),
        sequence_start=starts,
        sequence=np.asarray(flat or [0], dtype=np.int32),
        mark_class=_mark_classes(),
        is_hamza_mark=_members(chars.HAMZA_MARKS),
        composed=_compositions(),
        fast=nothing_fast,
        fast_pairs=nothing_fast,
        is_ending=_members(diacritics.ENDINGS),
        late=_late(late),
        compose="mark-order" in names,
        unify_alif="alif-forms" in names,
        hamza={"": 0, chars.WAW: 1, chars.HAMZA: 2}[hamza],
        final_ya="final-ya-to-maqsura" in names,
        collapse="spaces" in names,
        keep_joiners="zero-width" in names and _SCRIPTS.isdisjoint(names),
        case_endings="case-endings" in names,
    )
    fast = _fast(general)
    return general._replace(fast=fast, fast_pairs=_fast_pairs(fast))


def _actions(rules: list[Rule]) -> tuple[NDArray[np.int32], list[str]]:
    """What becomes of each code point under the context-free rules, in their order."""
    action = np.arange(CODE_POINTS, dtype=np.int32)
    sequences: list[str] = []
    touched = _touched(rules)
    for rule in rules:
        if rule.name == _EVERY_CHARACTER:
            action, sequences = _mapped(rule)
    for code in touched:
        outcome = _outcome(chr(code), rules)
        if isinstance(outcome, int):
            action[code] = outcome
        elif len(outcome) == 1:
            action[code] = ord(outcome)
        else:
            action[code] = -(SEQUENCE + len(sequences))
            sequences.append(outcome)
    for rule in rules:
        if rule.name in _SCRIPTS:
            foreign = _matching(rule.pattern.pattern).copy()
            foreign[touched] = False
            action[foreign] = FOREIGN
    return action, sequences


@functools.cache
def _every_character() -> str:
    return "".join(map(chr, range(CODE_POINTS)))


@functools.lru_cache(maxsize=8)
def _matching(pattern: str) -> NDArray[np.bool_]:
    """Which code points a pattern of runs of characters matches."""
    found = np.zeros(CODE_POINTS, dtype=np.bool_)
    for match in re.finditer(pattern, _every_character()):
        found[match.start() : match.end()] = True
    return found


#: (reason, pattern) of a map of every character -> its actions and sequences: half a second.
_maps: dict[tuple[str, str], tuple[NDArray[np.int32], list[str]]] = {}


def _mapped(rule: Rule) -> tuple[NDArray[np.int32], list[str]]:
    key = (rule.reason, rule.pattern.pattern)
    if key not in _maps:
        action = np.arange(CODE_POINTS, dtype=np.int32)
        sequences: list[str] = []
        numbers: dict[str, int] = {}
        for match in rule.pattern.finditer(_every_character()):
            after = rule.replace(match)
            if len(after) == 1:
                action[match.start()] = ord(after)
            elif not after:
                action[match.start()] = DELETE
            else:
                if after not in numbers:
                    numbers[after] = len(sequences)
                    sequences.append(after)
                action[match.start()] = -(SEQUENCE + numbers[after])
        _maps[key] = action, sequences
    action, sequences = _maps[key]
    return action.copy(), list(sequences)


def _fast(tables: Tables) -> NDArray[np.uint16]:
    """What the fast stretch may do: only what no later character can change.

    A letter that a mark may join is among them, and a digit that may be part of an emoji:
    the kernel goes back to the last written character when such a mark or joiner follows.
    """
    fast = np.zeros(FAST_CODES, dtype=np.uint16)
    kind, hamza = tables.kind, tables.hamza
    carriers = {ord(chars.WAW_HAMZA): ord(chars.WAW), ord(chars.YA_HAMZA): ord(chars.YA)}
    for code in range(FAST_CODES):
        char = int(tables.action[code])
        if char in (DELETE, DELETE_LATE, ZERO_WIDTH):
            fast[code] = FAST_DELETE << 11
            continue
        if not 0 <= char < FAST_CODES:
            continue
        if kind[char] & MARK:
            # Hamza and madda marks join letters or go with them; endings need what follows.
            if not tables.is_hamza_mark[char] and not tables.case_endings:
                fast[code] = FAST_MARK << 11 | char
            continue
        if tables.collapse and kind[char] & (SPACE | BREAK):
            fast[code] = FAST_SPACE << 11 if kind[char] & SPACE else 0
            continue
        if 0x600 <= char < 0x700:
            char = int(tables.late[char - 0x600])
        if tables.unify_alif and chr(char) in chars.ALIF_VARIANTS:
            char = ord(chars.ALIF)
        if hamza and char in carriers:
            char = ord(chars.HAMZA) if hamza == 2 else carriers[char]
        if tables.final_ya and char == ord(chars.YA):
            continue  # what follows decides
        fast[code] = FAST_COPY << 11 | char
    in_json = fast.copy()
    written = fast & (FAST_CODES - 1)
    needs_escape = (written < 0x20) | (written == ord('"')) | (written == ord("\\"))
    in_json[(fast >> 11 == FAST_COPY) & needs_escape] = 0
    in_line = fast.copy()
    in_line[(fast >> 11 == FAST_COPY) & ((written == 10) | (written == 13))] = 0
    return np.stack([fast, in_json, in_line])


def _late(rules: list[Rule]) -> NDArray[np.int32]:
    """What maps of single letters among `rules` make of U+0600-06FF."""
    table = np.arange(0x600, 0x700, dtype=np.int32)
    for rule in rules:
        if rule.name not in _ORDER:
            for place, code in enumerate(table.tolist()):
                table[place] = ord(rule.apply(chr(code)))
    return table


def _fast_pairs(fast: NDArray[np.uint16]) -> NDArray[np.uint16]:
    pairs = np.zeros((len(fast), 1 << 16), dtype=np.uint16)
    code = np.arange(0x80, FAST_CODES, dtype=np.uint16)
    for row in range(len(fast)):
        written = fast[row, code] & (FAST_CODES - 1)
        chosen = (fast[row, code] >> 11 == FAST_COPY) & (written >= 0x80)
        pairs[row, _utf8_pair(code[chosen])] = _utf8_pair(written[chosen])
    return pairs


def _utf8_pair(codes: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """UTF-8 of code points of two bytes, little-endian."""
    return ((0xC0 | codes >> 6) | (0x80 | codes & 0x3F) << 8).astype(np.uint16)


def _touched(rules: list[Rule]) -> list[int]:
    """Code points that some context-free rule or the zero-width rule may change."""
    found = {key for rule in rules if rule.table is not None for key in rule.table}
    if any(rule.name == "zero-width" for rule in rules):
        found |= {ord(char) for char in chars.ZERO_WIDTH}
    return sorted(found)


def _outcome(char: str, rules: list[Rule]) -> str | int:
    text = char
    looked_around = False
    for rule in rules:
        if rule.name == "zero-width":
            looked_around = True
            if text == chars.ZERO_WIDTH_JOINER:
                return JOINER
            if text in chars.ZERO_WIDTH:
                return ZERO_WIDTH
        elif rule.name in _SCRIPTS:
            looked_around = True
            if rule.pattern.search(text):
                # Maps before this rule yield kept characters or nothing, never a mixture.
                return FOREIGN
        elif rule.name not in _ORDER:
            text = rule.apply(text)
            if not text:
                return DELETE_LATE if looked_around else DELETE
    return text


@functools.cache
def _members(members: frozenset[str]) -> NDArray[np.bool_]:
    table = np.zeros(CODE_POINTS, dtype=np.bool_)
    table[[ord(char) for char in members]] = True
    return table


@functools.cache
def _kinds() -> NDArray[np.uint8]:
    kind = np.zeros(CODE_POINTS, dtype=np.uint8)
    special = (
        {base for base, _ in chars.COMPOSITIONS}
        | chars.ALIF_VARIANTS
        | {chars.WAW_HAMZA, chars.YA_HAMZA}
    )
    for bit, members in (
        (MARK, chars.MARKS),
        (LETTER, chars.LETTERS),
        (SPACE, chars.HORIZONTAL_SPACE),
        (BREAK, chars.LINE_BREAKS),
        (SPECIAL, special),
        (EMOJI, chars.EMOJI_PARTS),
    ):
        kind[[ord(char) for char in members]] |= bit
    return kind


@functools.cache
def _mark_classes() -> NDArray[np.uint8]:
    table = np.zeros(CODE_POINTS, dtype=np.uint8)
    for mark, value in chars.MARK_CLASS.items():
        table[ord(mark)] = value
    return table


@functools.cache
def _compositions() -> NDArray[np.int32]:
    table = np.zeros((256, 3), dtype=np.int32)
    for (base, mark), composed in chars.COMPOSITIONS.items():
        table[ord(base) - 0x600, ord(mark) - 0x653] = ord(composed)
    return table
