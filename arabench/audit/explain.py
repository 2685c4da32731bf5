"""What normalization does to a corpus: edits by rule, with counts and samples."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import orjson

from arabench import __version__
from arabench.audit.figures import share
from arabench.audit.reading import ReadPlan, Unread, plan_reading, printable, read_texts
from arabench.audit.samples import Reservoir, beginning, line_around
from arabench.errors import UsageError
from arabench.text.engine import BatchNormalizer
from arabench.text.normalizer import Normalizer
from arabench.text.rules.rule import Edit, replay

#: Changed texts that are explained; of more, a random sample of this many.
EXPLAINED_TEXTS: Final = 2000
#: Characters those may have together: the explanation of one takes a few microseconds per
#: character, and they wait in memory for the end of the corpus.
EXPLAINED_CHARS: Final = 20_000_000
SNIPPETS: Final = 5
MAX_SNIPPETS: Final = 25
CONTEXT_CHARS: Final = 30
PAIRS_SHOWN: Final = 20
#: Different (before, after) pairs counted per rule; beyond, the rarer half is forgotten.
PAIRS_KEPT: Final = 20_000
_PAIR_CHARS: Final = 40
_SNIPPET_EDIT_CHARS: Final = 120


@dataclass
class RuleSummary:
    """What one rule did.

    Attributes:
        name, reason: as in the rule.
        texts: explained texts the rule changed.
        edits: changes it made in them.
        pairs: (before, after) -> how often; long ones are cut.
        snippets: sampled changes with what stands around them.
    """

    name: str
    reason: str
    snippets: Reservoir[dict[str, str]]
    texts: int = 0
    edits: int = 0
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    pairs_pruned: bool = False

    def add(self, text: str, edits: Sequence[Edit]) -> None:
        """Count the edits of this rule in one text, as the rule received it."""
        self.texts += 1
        self.edits += len(edits)
        for edit in edits:
            self.pairs[_cut(edit.before), _cut(edit.after)] += 1
            place = self.snippets.slot()
            if place is not None:
                self.snippets.put(place, _snippet(text, edit))
        if len(self.pairs) > PAIRS_KEPT:
            self.pairs = Counter(dict(self.pairs.most_common(PAIRS_KEPT // 2)))
            self.pairs_pruned = True


@dataclass
class ExplainSummary:
    """Edits by rule over a corpus.

    Attributes:
        signature: of the normalizer.
        texts: texts read; `changed` of them change, and `explained` of those were explained.
        rules: in the order in which they run; those that did nothing included.
        unread: rows without text, and rows that could not be read, with reasons.
    """

    signature: str
    inputs: list[str]
    seed: int
    rules: dict[str, RuleSummary]
    texts: int = 0
    chars: int = 0
    changed: int = 0
    explained: int = 0
    unread: Unread = field(default_factory=Unread)

    @property
    def sampled(self) -> bool:
        """Whether edits were counted on a sample of the changed texts only."""
        return self.explained < self.changed

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as in the JSON file."""
        return {
            "arabench": __version__,
            "date": date.today().isoformat(),
            "signature": self.signature,
            "inputs": self.inputs,
            "seed": self.seed,
            "texts": self.texts,
            "chars": self.chars,
            "changed": self.changed,
            "changed_share": share(self.changed, self.texts),
            "explained": self.explained,
            "sampled": self.sampled,
            **self.unread.as_dict(),
            "rules": [
                {
                    "rule": rule.name,
                    "reason": rule.reason,
                    "texts": rule.texts,
                    "share_of_explained": share(rule.texts, self.explained),
                    "edits": rule.edits,
                    "pairs": [
                        {"before": before, "after": after, "count": count}
                        for (before, after), count in rule.pairs.most_common(PAIRS_SHOWN)
                    ],
                    "pairs_are_lower_bounds": rule.pairs_pruned,
                    "snippets": rule.snippets.items,
                }
                for rule in self.rules.values()
            ],
        }

    def to_json(self) -> bytes:
        """Indented JSON."""
        return orjson.dumps(self.as_dict(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    def to_html(self) -> str:
        """One page that needs no other file."""
        from arabench.audit.page import render

        return render("explain.html.j2", "What normalization changes", self.as_dict())


def explain_files(
    inputs: Sequence[str] | ReadPlan,
    normalizer: Normalizer,
    *,
    text_field: str = "text",
    input_format: str | None = None,
    sample: int = EXPLAINED_TEXTS,
    snippets: int = SNIPPETS,
    seed: int = 0,
    on_bytes: Callable[[int], None] | None = None,
) -> ExplainSummary:
    """Explain what `normalizer` does to files.

    Every text is normalized, by the fast engine, to see whether it changes. The edits are
    counted on all changed texts when they are few, else on a uniform sample of `sample` of
    them (fewer when they are long: together at most `EXPLAINED_CHARS`); the summary says so.

    Args:
        inputs: files, folders, patterns or `-`, or what `plan_reading` made of them.
        normalizer: what is explained.
        text_field: field or column of the text.
        input_format: format of all inputs; None tells it from each name.
        sample: changed texts to explain.
        snippets: sampled changes per rule.
        seed: seed of both samples.
        on_bytes: called with the bytes consumed, for progress.

    Raises:
        UsageError: an input does not exist, has no such field, or a number is impossible.
        DataError: an input is empty or cannot be read to its end.
    """
    if sample < 1:
        raise UsageError(f"sample={sample} is not allowed. Use 1 or more.")
    if not 0 <= snippets <= MAX_SNIPPETS:
        raise UsageError(f"snippets={snippets} is not allowed. Use 0 to {MAX_SNIPPETS}.")
    plan = inputs if isinstance(inputs, ReadPlan) else plan_reading(inputs, input_format)
    summary = new_summary(normalizer, plan.paths, snippets, seed)
    engine = BatchNormalizer(normalizer)
    chosen = _ChangedTexts(sample, seed)
    for texts in read_texts(plan, text_field, summary.unread, on_bytes):
        summary.texts += len(texts)
        summary.chars += sum(map(len, texts))
        after = engine.normalize_many(texts)
        chosen.add(old for old, new in zip(texts, after, strict=True) if old != new)
    summary.changed = chosen.seen
    for text in chosen.texts:
        add_explanation(summary, normalizer, text)
    return summary


def new_summary(
    normalizer: Normalizer, inputs: Sequence[str] = (), snippets: int = SNIPPETS, seed: int = 0
) -> ExplainSummary:
    """A summary with nothing in it yet."""
    return ExplainSummary(
        signature=normalizer.signature,
        inputs=[printable(name) for name in inputs],
        seed=seed,
        rules={
            rule.name: RuleSummary(
                rule.name, rule.reason, Reservoir(snippets, f"{seed}:{rule.name}")
            )
            for rule in normalizer.rules
        },
    )


def add_explanation(summary: ExplainSummary, normalizer: Normalizer, text: str) -> None:
    """Count the edits of one text."""
    _, edits = normalizer.explain(text)
    summary.explained += 1
    by_rule: dict[str, list[Edit]] = {}
    for edit in edits:
        by_rule.setdefault(edit.rule, []).append(edit)
    # Offsets are those of the text as each rule received it.
    for name, found in by_rule.items():
        summary.rules[name].add(text, found)
        text = replay(text, [name], found)


class _ChangedTexts:
    """A uniform sample of texts: those with the smallest of random keys.

    When the texts together pass `max_chars`, the sample is made smaller for good, which
    leaves it a uniform one.
    """

    def __init__(self, size: int, seed: int, max_chars: int = EXPLAINED_CHARS) -> None:
        self.seen = 0
        self._size = size
        self._max_chars = max_chars
        self._chars = 0
        self._random = random.Random(f"{seed}:texts")
        # The largest key first: (-key, place in the stream, text).
        self._heap: list[tuple[float, int, str]] = []

    def add(self, texts: Iterable[str]) -> None:
        """Offer texts in order."""
        for text in texts:
            self.seen += 1
            key = -self._random.random()
            if len(self._heap) >= self._size and key <= self._heap[0][0]:
                continue
            heapq.heappush(self._heap, (key, self.seen, text))
            self._chars += len(text)
            while len(self._heap) > self._size:
                self._drop()
            while self._chars > self._max_chars and len(self._heap) > 1:
                self._drop()
                self._size = len(self._heap)

    def _drop(self) -> None:
        self._chars -= len(heapq.heappop(self._heap)[2])

    @property
    def texts(self) -> list[str]:
        """The sample in the order of the stream."""
        return [text for _, _, text in sorted(self._heap, key=lambda entry: entry[1])]


def _snippet(text: str, edit: Edit) -> dict[str, str]:
    first, last = line_around(text, edit.start, edit.end, CONTEXT_CHARS)
    return {
        "before": _storable(text[first : edit.start]),
        "old": _storable(beginning(edit.before, _SNIPPET_EDIT_CHARS)),
        "new": _storable(beginning(edit.after, _SNIPPET_EDIT_CHARS)),
        "after": _storable(text[edit.end : last]),
    }


def _cut(text: str) -> str:
    return _storable(beginning(text, _PAIR_CHARS))


def _storable(text: str) -> str:
    """Text that UTF-8 can hold: lone surrogates become their code points."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
