"""The report as tables for a terminal."""

from __future__ import annotations

from typing import Any, Final, TextIO

from arabench.subwords.measures import MEASURES

#: Columns of a table that is piped or read in a window of unknown width.
WIDTH_ELSEWHERE: Final = 150

_MOST_WITH_INTERVALS: Final = 4
_BOUNDARIES: Final = (
    ("precision", "cuts in words: precision"),
    ("recall", "cuts in words: recall"),
    ("words_exact", "words cut as segmented"),
)

Cell = dict[str, Any]


def print_tables(data: dict[str, Any], stream: TextIO) -> None:
    """One table per tokenizer, by variety, and one that sets the tokenizers side by side."""
    from rich.console import Console

    width = None if stream.isatty() else WIDTH_ELSEWHERE
    console = Console(file=stream, width=width, highlight=False, emoji=False, markup=False)
    for tokenizer in data["tokenizers"]:
        console.print(_by_label(tokenizer))
    console.print(_side_by_side(data))
    console.print(_notes(data), soft_wrap=True)


def _by_label(tokenizer: dict[str, Any]) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(f"{tokenizer['name']}: {_described(tokenizer)}"), title_justify="left")
    rows = tokenizer["by_label"]
    ratios = tokenizer["premium"]["to_msa"]
    premium = {label: ratios[label] for label in rows if label in ratios}
    shown = [measure for measure in MEASURES if _is_told(measure.name, rows)]
    table.add_column("")
    table.add_column("fertility [95 %]", justify="right")
    if premium:
        table.add_column("premium [95 %]", justify="right")
    for measure in shown:
        table.add_column(measure.heading, justify="right")
    table.add_column("vocab used", justify="right")
    if tokenizer["context"]["tokens"]:
        table.add_column("words in context", justify="right")
    for label, row in rows.items():
        cells = [label.upper() if len(label) <= 3 else label, _interval(row["fertility"])]
        if premium:
            cells.append(_interval(premium.get(label)))
        cells += [_plain(row[measure.name], measure.percent) for measure in shown]
        cells.append(f"{100 * row['vocabulary_use']:.1f} %")
        if tokenizer["context"]["tokens"]:
            cells.append(_whole(row["context_words"]["value"]))
        table.add_row(*map(Text, cells))
    return table


def _is_told(name: str, rows: dict[str, Any]) -> bool:
    """Whether a measure has a column of its own; shares that are zero throughout have none."""
    if name == "fertility":
        return False
    values = [row[name]["value"] for row in rows.values()]
    if name in {"byte_tokens", "unknown_tokens", "changed_texts", "damaged_texts"}:
        return any(value for value in values)
    return any(value is not None for value in values)


def _side_by_side(data: dict[str, Any]) -> Any:
    from rich.table import Table
    from rich.text import Text

    tokenizers = data["tokenizers"]
    # Intervals of many tokenizers do not fit beside each other; the JSON has them.
    show = _interval if len(tokenizers) <= _MOST_WITH_INTERVALS else _value
    table = Table(title=Text("Side by side"), title_justify="left")
    table.add_column("", no_wrap=True)
    for tokenizer in tokenizers:
        table.add_column(Text(tokenizer["name"]), justify="right", overflow="fold")

    def row(heading: str, cells: list[str]) -> None:
        table.add_row(Text(heading), *map(Text, cells))

    row("vocabulary", [f"{item['vocabulary']:,}" for item in tokenizers])
    row("of it with Arabic letters", [f"{item['arabic_pieces']:,}" for item in tokenizers])
    for label in data["data"]["labels"]:
        found = [item["by_label"][label]["fertility"] for item in tokenizers]
        row(f"fertility {label.upper()}", [show(cell) for cell in found])
    for key, name in (("to_msa", "MSA"), ("to_english", "English")):
        for label in tokenizers[0]["premium"][key]:
            if (key, label) != ("to_msa", "msa"):  # 1 by definition
                found = [item["premium"][key].get(label) for item in tokenizers]
                row(f"tokens {label.upper()} / {name}", [show(cell) for cell in found])
    row("tokens vocalised / bare", [show(item["diacritics_cost"]) for item in tokenizers])
    for preset in tokenizers[0]["normalization"]:
        found = [item["normalization"][preset] for item in tokenizers]
        row(f"tokens after / before {preset}", [show(cell) for cell in found])
    if tokenizers[0]["boundaries"]:
        for key, said in _BOUNDARIES:
            row(said, [show(item["boundaries"][key]) for item in tokenizers])
    return table


def _notes(data: dict[str, Any]) -> str:
    silent = {
        "byte_tokens": "bytes instead of characters",
        "unknown_tokens": "unknown tokens",
        "changed_texts": "texts that decode to another text",
    }
    lines = []
    for tokenizer in data["tokenizers"]:
        rows = tokenizer["by_label"].values()
        none = [
            said for name, said in silent.items() if not any(row[name]["value"] for row in rows)
        ]
        if tokenizer["preparation"]:
            lines.append(f"{tokenizer['name']}: text went through {tokenizer['preparation']}.")
        if none:
            lines.append(f"{tokenizer['name']}: no {', no '.join(none)}.")
    parallel, vocalised = data["parallel"], data["vocalised"]
    lines.append(
        f"Premium and ratios of varieties: {parallel['items']} parallel items "
        f"({parallel['origin']}); vocalised: {vocalised['texts']} texts ({vocalised['origin']}); "
        f"normalization: {data['normalization']['texts']} texts of the data. "
        "Words are parted by white space."
    )
    return "\n".join(lines)


def _described(tokenizer: dict[str, Any]) -> str:
    context = tokenizer["context"]["tokens"]
    described = f"{tokenizer['kind']}, {tokenizer['vocabulary']:,} pieces"
    return described + (f", context {context:,} tokens" if context else ", context not stated")


def _interval(cell: Cell | None) -> str:
    if cell is None or cell["value"] is None:
        return "-"
    if cell["low"] is None:
        return f"{cell['value']:.3f}"
    return f"{cell['value']:.3f} [{cell['low']:.3f}, {cell['high']:.3f}]"


def _value(cell: Cell | None) -> str:
    return "-" if cell is None or cell["value"] is None else f"{cell['value']:.3f}"


def _plain(cell: Cell, percent: bool) -> str:
    value = cell["value"]
    if value is None:
        return "-"
    return f"{100 * value:.2f} %" if percent else f"{value:.2f}"


def _whole(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"
