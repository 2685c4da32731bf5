"""`arabench audit`: what a corpus consists of and what may be wrong with it, in one pass."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import orjson

from arabench import __version__
from arabench.audit.blocks import TextBlock, blocks
from arabench.audit.dialects import DialectMix, variety_name
from arabench.audit.duplicates import BYTES_PER_DOCUMENT, DuplicateCounter
from arabench.audit.figures import (
    diacritics_figures,
    length_figures,
    letter_figures,
    per_10k,
    script_figures,
    share,
)
from arabench.audit.language import LANGUAGE_NAMES
from arabench.audit.personal_data import KINDS as PERSONAL_KINDS
from arabench.audit.personal_data import find_personal_data
from arabench.audit.profile import BROKEN, BatchProfile, Profile
from arabench.audit.reading import ReadPlan, Unread, plan_reading, printable, read_texts
from arabench.audit.samples import Reservoir
from arabench.audit.sensitive_terms import Group, TermFinder
from arabench.audit.snippets import concordance, number_windows, snippet
from arabench.errors import DataError, UsageError

#: Rises whenever a number of the report changes its meaning.
REPORT_VERSION: Final = 1

#: Texts -> one variety label each, for the documents found to be Arabic.
VarietyTagger = Callable[[Sequence[str]], Sequence[str]]

#: With more samples per finding the page would pass a megabyte.
MAX_SAMPLE: Final = 25
MOST_REPEATED: Final = 12
DETAILS_SHOWN: Final = 12


@dataclass(frozen=True)
class AuditOptions:
    """How a corpus is audited."""

    text_field: str = "text"
    """Field or column of the text."""
    input_format: str | None = None
    """Format of all inputs; None tells it from each name."""
    sample: int = 5
    """Snippets shown per finding."""
    seed: int = 0
    """Seed of the samples."""
    terms: Sequence[Group] | None = None
    """Groups of sensitive terms; None takes the list that comes with the package."""

    def __post_init__(self) -> None:
        if not 0 <= self.sample <= MAX_SAMPLE:
            raise UsageError(f"sample={self.sample} is not allowed. Use 0 to {MAX_SAMPLE}.")


@dataclass
class AuditReport:
    """The numbers, as they stand in the JSON file; `data` holds plain values only."""

    data: dict[str, Any]
    rejected: int = 0

    def to_json(self) -> bytes:
        """The report as indented JSON."""
        return orjson.dumps(self.data, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    def to_html(self) -> str:
        """The report as one page that needs no other file."""
        from arabench.audit.page import audit_page

        return audit_page(self.data)


def audit_files(
    inputs: Sequence[str] | ReadPlan,
    options: AuditOptions | None = None,
    *,
    variety: VarietyTagger | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> AuditReport:
    """Audit files.

    Memory is bounded by the batches of the reader (4 MB, or one longer line) and 8 bytes
    per document for the duplicates; sorting these at the end takes three times as much.

    Args:
        inputs: files, folders, patterns or `-`, or what `plan_reading` made of them.
        options: see `AuditOptions`.
        variety: labels Arabic documents; None leaves the dialect mix out of the report. A
            `DialectMix` adds more than labels to it.
        on_bytes: called with the bytes consumed, for progress.

    Raises:
        UsageError: an input does not exist, or has no such field.
        DataError: an input is empty or cannot be read to its end, or holds no document.
    """
    options = options or AuditOptions()
    plan = inputs if isinstance(inputs, ReadPlan) else plan_reading(inputs, options.input_format)
    audit = Audit(options, variety)
    for texts in read_texts(plan, options.text_field, audit.unread, on_bytes):
        audit.add(texts)
    if not audit.profile.documents and not audit.unread.rejected:
        named = ", ".join(map(printable, plan.paths))
        raise DataError(f"{named} has no document in the field {options.text_field!r}.")
    return audit.report(plan)


@dataclass
class _Findings:
    """Hits of one kind: how many, in how many documents, which, and some of them."""

    samples: Reservoir[Any]
    hits: int = 0
    documents: int = 0
    details: Counter[str] = field(default_factory=Counter)


class _FindingsTable(dict[str, _Findings]):
    """Findings by name, made when first asked for; each draws its own samples."""

    def __init__(self, options: AuditOptions) -> None:
        super().__init__()
        self._options = options

    def __missing__(self, name: str) -> _Findings:
        seed = f"{self._options.seed}:{name}"
        self[name] = _Findings(Reservoir(self._options.sample, seed))
        return self[name]


class Audit:
    """A running audit: `add` texts, then ask for the `report`."""

    def __init__(self, options: AuditOptions, variety: VarietyTagger | None = None) -> None:
        self.options = options
        self.profile = Profile()
        self.duplicates = DuplicateCounter()
        self.terms = TermFinder(options.terms)
        self.unread = Unread()
        self._variety = variety
        self._findings = _FindingsTable(options)
        self._with_personal = 0
        self._with_terms = 0

    def add(self, texts: Sequence[str]) -> None:
        """Count texts."""
        self.duplicates.add(texts)
        batch = BatchProfile(texts)
        rows: dict[str, set[int]] = defaultdict(set)
        for block in blocks(texts):
            self.profile.add_block(block, batch)
            self._add_broken(block, batch)
            self._add_personal(block, rows)
            self._add_terms(block, rows)
        self.profile.finish(batch)
        for name, found in rows.items():
            self._findings[name].documents += len(found)
        self._with_personal += _rows_with(rows, "personal:")
        self._with_terms += _rows_with(rows, "slurs:", "ambiguous:")
        for text, language in zip(texts, batch.languages, strict=True):
            self._sample_text(f"language:{language}", text)
        self._add_varieties(texts, batch)

    def _add_broken(self, block: TextBlock, batch: BatchProfile) -> None:
        for name, start, end in batch.fresh_breaks:
            self._sample_hit(self._findings[f"broken:{name}"], block, start, end, "")
        batch.fresh_breaks.clear()

    def _add_personal(self, block: TextBlock, rows: dict[str, set[int]]) -> None:
        hits = find_personal_data(block.joined, number_windows(block))
        found_in = block.rows_at([hit.start for hit in hits]).tolist() if hits else []
        for row, hit in zip(found_in, hits, strict=True):
            name = f"personal:{hit.kind}"
            rows[name].add(row)
            findings = self._findings[name]
            findings.hits += 1
            findings.details[hit.detail] += 1
            self._sample_hit(findings, block, hit.start, hit.end, hit.detail)

    def _add_terms(self, block: TextBlock, rows: dict[str, set[int]]) -> None:
        for term, start, end in self.terms.find(block):
            name = f"{'ambiguous' if term.ambiguous else 'slurs'}:{term.group}"
            rows[name].add(int(block.rows_at(start)))
            findings = self._findings[name]
            findings.hits += 1
            findings.details[term.text] += 1
            self._sample_hit(findings, block, start, end, term.text)

    def _sample_hit(
        self, findings: _Findings, block: TextBlock, start: int, end: int, detail: str
    ) -> None:
        place = findings.samples.slot()
        if place is not None:
            findings.samples.put(place, concordance(block.joined, start, end, detail))

    def _sample_text(self, name: str, text: str) -> None:
        samples = self._findings[name].samples
        place = samples.slot()
        if place is not None:
            samples.put(place, snippet(text))

    def _add_varieties(self, texts: Sequence[str], batch: BatchProfile) -> None:
        if self._variety is None:
            return
        arabic = [
            text
            for text, language in zip(texts, batch.languages, strict=True)
            if language == "arabic"
        ]
        if not arabic:
            return
        for text, label in zip(arabic, self._variety(arabic), strict=True):
            self._findings[f"variety:{label}"].hits += 1
            self._sample_text(f"variety:{label}", text)

    def report(self, plan: ReadPlan | None = None) -> AuditReport:
        """Everything counted so far; `plan` names the inputs."""
        profile = self.profile
        data = {
            "arabench": __version__,
            "report_version": REPORT_VERSION,
            "date": date.today().isoformat(),
            "inputs": [printable(name) for name in plan.paths] if plan else [],
            "notes": list(plan.notes) if plan else [],
            "options": {
                "field": self.options.text_field,
                "sample": self.options.sample,
                "seed": self.options.seed,
            },
            "size": self._size(),
            "length": length_figures(profile),
            "scripts": script_figures(profile.code_counts),
            "diacritics": diacritics_figures(profile),
            "letters": letter_figures(profile),
            "languages": self._languages(),
            "broken": self._broken_text(),
            "duplicates": self._duplicates(),
            "personal_data": self._personal_data(),
            "sensitive_terms": self._sensitive_terms(),
        }
        if self._variety is not None:
            data["varieties"] = self._varieties()
        if isinstance(self._variety, DialectMix):
            data["dialects"] = self._variety.figures()
        return AuditReport(data, self.unread.rejected)

    def _varieties(self) -> list[dict[str, Any]]:
        found = {
            name.removeprefix("variety:"): findings
            for name, findings in self._findings.items()
            if name.startswith("variety:")
        }
        total = sum(findings.hits for findings in found.values())
        return [
            {
                "variety": label,
                "name": variety_name(label),
                "documents": findings.hits,
                "share": share(findings.hits, total),
                "samples": findings.samples.items,
            }
            for label, findings in sorted(found.items(), key=lambda item: -item[1].hits)
        ]

    def _size(self) -> dict[str, Any]:
        profile = self.profile
        counts = profile.code_counts
        # UTF-8: one byte up to U+007F, two up to U+07FF, three up to U+FFFF, then four.
        size = sum(int(counts[first:].sum()) for first in (0, 0x80, 0x800, 0x10000))
        return {
            "documents": profile.documents,
            "empty": profile.empty,
            **self.unread.as_dict(),
            "bytes": size,
            "chars": int(counts.sum()),
            "words": profile.words,
            "with_url": profile.with_url,
        }

    def _languages(self) -> dict[str, Any]:
        profile = self.profile
        chars_total = sum(profile.language_chars.values())
        latin = sum(profile.languages[name] for name in _LATIN_SCRIPT)
        return {
            "documents": [
                {
                    "language": name,
                    "name": LANGUAGE_NAMES[name],
                    "documents": count,
                    "share": share(count, profile.documents),
                    "share_of_chars": share(profile.language_chars[name], chars_total),
                    "samples": self._findings[f"language:{name}"].samples.items,
                }
                for name, count in profile.languages.most_common()
            ],
            "arabizi_share": share(profile.languages["arabizi"], profile.documents),
            "arabizi_share_of_latin": share(profile.languages["arabizi"], latin),
            "mixed_arabic_latin": profile.mixed,
        }

    def _broken_text(self) -> list[dict[str, Any]]:
        return [
            {
                "kind": name,
                "meaning": meaning,
                "documents": self.profile.broken[name],
                "share": share(self.profile.broken[name], self.profile.documents),
                "samples": self._findings[f"broken:{name}"].samples.items,
            }
            for name, meaning in BROKEN.items()
        ]

    def _duplicates(self) -> dict[str, Any]:
        found = self.duplicates.result(MOST_REPEATED)
        total = self.profile.documents - self.profile.empty
        return {
            "documents": total,
            "distinct": found.distinct,
            "repeated_texts": found.repeated,
            "surplus": found.surplus,
            "surplus_share": share(found.surplus, total),
            "most_repeated": [
                {"count": count, "text": snippet(text)} for count, text in found.most_repeated
            ],
            "state_bytes": BYTES_PER_DOCUMENT * total,
        }

    def _personal_data(self) -> dict[str, Any]:
        documents = self.profile.documents
        kinds = []
        for kind in PERSONAL_KINDS:
            findings = self._findings[f"personal:{kind}"]
            details = {} if kind == "handle" else dict(findings.details.most_common(DETAILS_SHOWN))
            kinds.append({"kind": kind, **self._hits(findings), "details": details})
        return {
            "documents": self._with_personal,
            "share": share(self._with_personal, documents),
            "kinds": kinds,
        }

    def _hits(self, findings: _Findings) -> dict[str, Any]:
        return {
            "hits": findings.hits,
            "documents": findings.documents,
            "per_10k": per_10k(findings.documents, self.profile.documents),
            "samples": findings.samples.items,
        }

    def _sensitive_terms(self) -> dict[str, Any]:
        groups = []
        for group in self.terms.groups:
            entry: dict[str, Any] = {
                "group": group.name,
                "title": group.title,
                "note": group.note,
                "entries": len(group.terms),
            }
            for part in ("slurs", "ambiguous"):
                findings = self._findings[f"{part}:{group.name}"]
                terms = dict(findings.details.most_common(DETAILS_SHOWN))
                entry[part] = {**self._hits(findings), "terms": terms}
            groups.append(entry)
        return {
            "documents": self._with_terms,
            "share": share(self._with_terms, self.profile.documents),
            "list": "shipped" if self.options.terms is None else "given",
            "groups": groups,
        }


def _rows_with(rows: Mapping[str, set[int]], *prefixes: str) -> int:
    """How many texts have any finding whose name begins so."""
    found = [numbers for name, numbers in rows.items() if name.startswith(prefixes)]
    return len(set[int]().union(*found))


_LATIN_SCRIPT: Final = ("arabizi", "english", "french", "latin_other")
