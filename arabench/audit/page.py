"""Self-contained HTML pages about a corpus: no script, nothing loaded, everything escaped."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

from arabench.audit.bidi import isolated, text_attributes

_KIND_NAMES: Final = {
    "email": "e-mail address",
    "phone": "telephone number",
    "national_id": "national number",
    "iban": "IBAN",
    "card": "payment card",
    "handle": "user name (@...)",
}

LIMITS: Final = (
    "Languages are told by letters and function words of the first 800 characters: short "
    "documents are often undecided, and Latin-script languages other than English and French "
    "are one class. Arabizi was measured on single Moroccan sentences; words of Gulf and "
    "Levantine Arabizi are known to the rules but were not measured.",
    "Personal data means shapes: names, addresses, dates of birth and account numbers without "
    "a check digit are not looked for; local telephone numbers of eight digits and fewer, and "
    "national numbers other than those of Egypt, Saudi Arabia, the Emirates, Kuwait and Qatar, "
    "are missed. One in ten random numbers of ten digits that begin with 1 or 2 passes the "
    "Saudi check digit.",
    "The list of sensitive terms is short and was written from general knowledge. It matches "
    "whole words after spelling is folded; it misses new words, disguised spellings and "
    "everything said without such a word.",
    "Duplicates are exact. Two texts that differ by one space are two.",
    "Samples are drawn at random with the seed named above; they are not the worst cases.",
)

#: Shares from which on a finding is named at the top of the page.
_LOOK_SHARE: Final = {"broken": 0.001, "duplicates": 0.01, "not_arabic": 0.05, "arabizi": 0.01}


def render(
    template: str,
    title: str,
    data: Mapping[str, Any],
    package: str = "arabench.audit",
    **more: Any,
) -> str:
    """A page from a template; text from a corpus is escaped by jinja2.

    Args:
        template: name of a file in `package`; it may extend `layout.html.j2`, which is here.
        title: of the page.
        data: what the template shows; the layout needs `arabench` (version) and `date`.
        package: package that holds the template.
        more: further values.
    """
    import jinja2

    def load(name: str) -> str:
        folder = package if name == template else "arabench.audit"
        return files(folder).joinpath(name).read_text(encoding="utf-8")

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(load),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(
        number=number,
        percent=percent,
        short=short,
        count_of=count_of,
        visible=visible,
        codes=codes,
        written=text_attributes,
        isolated=isolated,
    )
    return environment.get_template(template).render(title=title, **data, **more)


def audit_page(data: Mapping[str, Any]) -> str:
    """The page of an audit from the data of its JSON file."""
    letters = [_with_stack(choice) for choice in data["letters"]]
    return render(
        "audit.html.j2",
        "Corpus audit",
        {**data, "letters": letters},
        tiles=_tiles(data),
        look=look_first(data),
        histogram=_histogram(data["length"]["bins"]),
        kind_names=_KIND_NAMES,
        limits=LIMITS,
    )


def number(value: float) -> str:
    """12345 -> 12,345."""
    return f"{value:,}"


def count_of(value: int, one: str, many: str) -> str:
    """A number with its noun: `1 row`, `2,000 rows`."""
    return f"{number(value)} {one if value == 1 else many}"


def percent(share: float) -> str:
    """0.1234 -> 12.3 %; a share that is not zero never reads as zero."""
    if share == 0:
        return "0 %"
    if share < 0.0001:
        return "< 0.01 %"
    return f"{100 * share:.2f} %" if share < 0.01 else f"{100 * share:.1f} %"


def short(value: int) -> str:
    """1234567 -> 1.2M, for chart labels."""
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if value >= size:
            return f"{value / size:.1f}".removesuffix(".0") + unit
    return str(value)


def visible(text: str) -> str:
    """White space as a picture, other characters without a shape as their code points."""
    return "".join(
        _PICTURES.get(char)
        or (f"[U+{ord(char):04X}]" if unicodedata.category(char) in _SHAPELESS else char)
        for char in text
    )


_PICTURES: Final = {" ": "\u2423", "\t": "\u2409", "\n": "\u2424", "\r": "\u240d"}
#: Controls, format characters, unassigned code points, spaces and line breaks.
_SHAPELESS: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Zs", "Zl", "Zp"})
_CODES_SHOWN: Final = 4


def codes(text: str) -> str:
    """Code points of a short text."""
    shown = " ".join(f"U+{ord(char):04X}" for char in text[:_CODES_SHOWN])
    return shown + (" \u2026" if len(text) > _CODES_SHOWN else "")


def _tiles(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    size = data["size"]
    return [
        (number(size["documents"]), "documents"),
        (_bytes(size["bytes"]), "UTF-8 text"),
        (short(size["words"]), "words"),
        (short(size["chars"]), "characters"),
        (percent(_arabic_share(data)), "in Arabic"),
        (percent(data["duplicates"]["surplus_share"]), "exact duplicates"),
        (percent(data["personal_data"]["share"]), "with personal data"),
        (percent(data["sensitive_terms"]["share"]), "with sensitive terms"),
    ]


def _bytes(size: int) -> str:
    for scale, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} B"


def _arabic_share(data: Mapping[str, Any]) -> float:
    found = {row["language"]: row["share"] for row in data["languages"]["documents"]}
    return float(found.get("arabic", 0.0))


def look_first(data: Mapping[str, Any]) -> list[str]:
    """What stands out, in sentences that say what to do."""
    lines = []
    size = data["size"]
    if size["unreadable"]:
        lines.append(
            count_of(size["unreadable"], "row", "rows") + " could not be read: not counted."
        )
    for row in data["broken"]:
        if row["share"] >= _LOOK_SHARE["broken"]:
            lines.append(
                f"{row['meaning'][0].upper()}{row['meaning'][1:]}: in {percent(row['share'])} "
                "of the documents. Repair the source, or drop them."
            )
    repeated = data["duplicates"]["surplus_share"]
    if repeated >= _LOOK_SHARE["duplicates"]:
        lines.append(f"{percent(repeated)} of the documents are exact copies of others.")
    arabic = _arabic_share(data)
    if size["documents"] and 1 - arabic >= _LOOK_SHARE["not_arabic"]:
        lines.append(
            f"{percent(1 - arabic)} of the documents are not in Arabic script and language."
        )
    if data["languages"]["arabizi_share"] >= _LOOK_SHARE["arabizi"]:
        lines.append(f"{percent(data['languages']['arabizi_share'])} of the documents are Arabizi.")
    for row in data["personal_data"]["kinds"]:
        if row["documents"] and row["kind"] != "handle":
            lines.append(
                f"{_KIND_NAMES[row['kind']].capitalize() if row['kind'] != 'iban' else 'IBAN'}: "
                f"{number(row['hits'])} in {count_of(row['documents'], 'document', 'documents')}."
            )
    repairs = {
        variant["variant"]: variant["count"]
        for choice in data["letters"]
        if choice["choice"] == "to_normalize"
        for variant in choice["variants"]
        if variant["count"]
    }
    if repairs:
        named = ", ".join(f"{name} {number(count)}" for name, count in repairs.items())
        lines.append(f"arabench normalize --preset llm would repair: {named}.")
    return lines


def _with_stack(choice: Mapping[str, Any]) -> dict[str, Any]:
    """A choice of spelling with the rectangles of its stacked bar."""
    total = sum(variant["count"] for variant in choice["variants"])
    if choice["choice"] == "to_normalize" or not total:
        return {**choice, "stack": []}
    variants = [{**v, "share": v["count"] / total} for v in choice["variants"]]
    stack = []
    position = 0.0
    for variant in variants:
        width = 100 * variant["share"]
        stack.append({"x": round(position, 3), "w": round(width, 3)})
        position += width
    return {**choice, "variants": variants, "stack": stack}


def _histogram(bins: list[dict[str, int]]) -> dict[str, Any] | None:
    """Rectangles of the length histogram."""
    if not bins:
        return None
    step, height, base = 46, 100, 128
    most = max(entry["documents"] for entry in bins)
    drawn = []
    for place, entry in enumerate(bins):
        tall = round(height * entry["documents"] / most, 1)
        drawn.append({**entry, "x": place * step + 3, "w": step - 6, "y": base - tall, "h": tall})
    return {"bins": drawn, "width": max(step * len(bins), 8 * step)}
