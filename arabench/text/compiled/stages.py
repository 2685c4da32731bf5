"""How the rules of some options run compiled: as few passes over the rows as they allow.

One pass of the kernel runs any number of rules that it knows in its order, which for the
usual options is all of them. Other rules have a pass of their own between two of the
kernel: compiled ones (`pass_kernel`) or, where there is none, the rule itself over
Python strings. So every combination of options runs, and only what is rare runs slowly.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from arabench import chars
from arabench.text.compiled import entity_tables, tables
from arabench.text.compiled import pass_kernel as passes
from arabench.text.compiled.kernel import CHANGED, INVALID_UTF8, PLAIN, normalize_rows
from arabench.text.normalizer import rules_for
from arabench.text.options import Options
from arabench.text.rules.rule import Rule

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Rows:
    """Rows as bytes and spans.

    Attributes:
        data: (bytes,) uint8; row `i` is `data[starts[i]:ends[i]]`.
        starts, ends: (rows,) int64.
        status: (rows,) uint8, DONE or why the row is empty (see `kernel`).
    """

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    status: NDArray[np.uint8]


class Stage(Protocol):
    """One pass over rows."""

    def run(self, rows: Rows) -> Rows:
        """The rewritten rows. What it cannot settle becomes empty, with a status."""
        ...


class KernelStage:
    """A pass of the kernel; the last one also writes what surrounds the rows."""

    def __init__(self, rules: list[Rule]) -> None:
        self._tables = tables.build_tables(rules)

    def run(self, rows: Rows) -> Rows:
        """The rows one behind the other."""
        out, ends, status = self.write(rows, rows.data, None, None, PLAIN, None)
        starts = np.concatenate([np.zeros(1, dtype=np.int64), ends])[:-1]
        return Rows(out, starts, ends, rows.status | (status & ~np.uint8(CHANGED)))

    def write(
        self,
        rows: Rows,
        frame: NDArray[np.uint8],
        heads: NDArray[np.int64] | None,
        tails: NDArray[np.int64] | None,
        mode: int,
        out: NDArray[np.uint8] | None,
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8]]:
        """See `Kernel.normalize_spans`; `heads` and `tails` are spans of `frame`."""
        count = len(rows.starts)
        none = np.empty((0, 2), dtype=np.int64)
        heads, tails = (none, none) if heads is None else (heads, tails)
        ends = np.empty(count, dtype=np.int64)
        status = np.empty(count, dtype=np.uint8)
        if out is None:
            out = np.empty(len(rows.data) + len(rows.data) // 4 + 4096, dtype=np.uint8)
        row, position = 0, 0
        while True:
            row, position = normalize_rows(
                rows.data, frame, heads, rows.starts, rows.ends, tails, out, ends, status, row,
                position, mode, self._tables,
            )  # fmt: skip
            if row == count:
                return out[:position], ends, status
            larger = np.empty(2 * len(out) + 4096, dtype=np.uint8)
            larger[:position] = out[:position]
            out = larger


class PassStage:
    """A compiled pass of one rule."""

    def __init__(self, which: int, first: int = 0, second: int = 0) -> None:
        self._which = which
        self._first, self._second = first, second

    def run(self, rows: Rows) -> Rows:
        """The rows one behind the other."""
        size = int((rows.ends - rows.starts).sum())
        # The only pass that adds characters puts one space after another character.
        out = np.empty(2 * size if self._which == passes.SPACING else size, dtype=np.uint8)
        ends = np.empty(len(rows.starts), dtype=np.int64)
        status = rows.status.copy()
        written = passes.run_pass(
            self._which, rows.data, rows.starts, rows.ends, out, ends, status, _classes(),
            self._first, self._second,
        )  # fmt: skip
        starts = np.concatenate([np.zeros(1, dtype=np.int64), ends])[:-1]
        return Rows(out[:written], starts, ends, status)


@functools.cache
def _classes() -> NDArray[np.uint8]:
    """Class bits of every code point, as the references of the passes define them."""
    table = np.zeros(tables.CODE_POINTS, dtype=np.uint8)
    digits = chars.LATIN_DIGITS + chars.ARABIC_INDIC_DIGITS + chars.EXTENDED_DIGITS
    for bit, members in (
        (passes.MARK, chars.MARKS),
        (passes.LETTER, chars.LETTERS),
        (passes.WHITE, chars.HORIZONTAL_SPACE | chars.LINE_BREAKS),
        (passes.ELONGATED, chars.ELONGATED),
        (passes.PUNCTUATION, chars.PUNCTUATION),
        (passes.DIGIT, frozenset(digits)),
        (passes.DIACRITIC, chars.DIACRITICS),
        (passes.SPACED, (chars.PUNCTUATION - {"[", "]"}) | frozenset(chars.TAG_PLACES)),
    ):
        table[[ord(char) for char in members]] |= bit
    return table


class EntityStage:
    """A compiled pass of rules about entities and markup."""

    def __init__(self, rules: list[Rule]) -> None:
        from arabench.text.compiled import entity_tables

        self._tables = entity_tables.build_tables(rules)

    def run(self, rows: Rows) -> Rows:
        """The rows one behind the other."""
        from arabench.text.compiled.entity_kernel import prepare

        out, starts, ends, status = prepare(rows.data, rows.starts, rows.ends, self._tables)
        return Rows(out, starts, ends, rows.status | (status & ~np.uint8(CHANGED)))


class RuleStage:
    """Rules over Python strings."""

    def __init__(self, rules: list[Rule]) -> None:
        self.rules = rules

    def run(self, rows: Rows) -> Rows:
        """The rows one behind the other."""
        written: list[bytes] = []
        status = rows.status.copy()
        spans = zip(rows.starts.tolist(), rows.ends.tolist(), strict=True)
        for row, (start, end) in enumerate(spans):
            after = b""
            try:
                text = rows.data[start:end].tobytes().decode("utf-8")
                for rule in self.rules:
                    text = rule.apply(text)
                after = text.encode("utf-8")
            except UnicodeDecodeError:
                status[row] |= INVALID_UTF8
            written.append(after)
        ends = np.cumsum([len(text) for text in written], dtype=np.int64)
        starts = np.concatenate([np.zeros(1, dtype=np.int64), ends])[:-1]
        return Rows(np.frombuffer(b"".join(written) or b"\0", dtype=np.uint8), starts, ends, status)


def _own_pass(rule: Rule, options: Options) -> PassStage | None:
    """The compiled pass of a rule, if it has one."""
    if rule.name in ("elongation", "elongation-final"):
        return PassStage(passes.ELONGATION, options.elongation_max)
    if rule.name == "repeated-punctuation":
        return PassStage(passes.REPEATED_PUNCTUATION, options.punctuation_max)
    if rule.name == "partial":
        threshold = int(options.partial_rate * (1 << 53))
        return PassStage(passes.PARTIAL, threshold, options.partial_seed)
    which = {
        "first-vowel": passes.FIRST_VOWEL,
        "skeleton-inner": passes.SKELETON_INNER,
        "final-maqsura-to-ya": passes.FINAL_MAQSURA,
        "alif-hamza": passes.ALIF_HAMZA,
        "spacing": passes.SPACING,
    }.get(rule.name)
    return None if which is None else PassStage(which)


def build_stages(options: Options) -> tuple[list[Stage], KernelStage]:
    """The passes before the last, and the last, which is one of the kernel."""
    stages: list[Stage] = []
    together: list[Rule] = []
    found: list[Rule] = []
    for rule in rules_for(options):
        if found and not entity_tables.fits(found, rule):
            stages.append(EntityStage(found))
            found = []
        if not found and tables.fits(together, rule):
            together.append(rule)
            continue
        if together:
            stages.append(KernelStage(together))
            together = []
        if entity_tables.fits(found, rule):
            found.append(rule)
        elif tables.fits([], rule):
            together = [rule]
        elif (own := _own_pass(rule, options)) is not None:
            stages.append(own)
        elif stages and isinstance(stages[-1], RuleStage):
            stages[-1].rules.append(rule)
        else:
            stages.append(RuleStage([rule]))
    if found:
        stages.append(EntityStage(found))
    return stages, KernelStage(together)
