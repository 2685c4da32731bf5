"""What checks of training data found, in plain words, with what to change."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from arabench.errors import DataError
from arabench.trainers.data.checks import Checked, FaultName, Said
from arabench.trainers.methods.table import METHODS
from arabench.trainers.recipe import Recipe
from arabench.varieties import NAMES

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from arabench.evaluation.contamination.search import Finding

#: What is wrong, in words behind the number of rows, and what to do.
_FAULTS: Final[dict[FaultName, tuple[str, str]]] = {
    "empty": ("hold nothing to learn", "They are left out."),
    "doubled": (
        "stand in the data before, letter by letter",
        "`arabench dedup` takes such rows out, and those that are nearly the same.",
    ),
    "identical": (
        "have the same answer as chosen and as rejected", "They teach nothing: take them out.",
    ),
    "space": (
        "have a prompt that ends in a space",
        "Tokenizers join it with the answer: take it off, here and where the model is asked.",
    ),
    "no_arabic": ("hold no Arabic letter", "`arabench filter` drops such rows."),
}  # fmt: skip
_LATIN: Final = {
    "arabizi": "Arabizi", "english": "English", "french": "French", "latin_other": "undecided",
}  # fmt: skip


def report(checked: Checked, recipe: Recipe, tokenizer: PreTrainedTokenizerBase) -> Iterator[str]:
    """Lines on rows, letters, languages, tokens and varieties.

    Args:
        checked: what was found.
        recipe: whose data it was found in.
        tokenizer: of its base.
    """
    yield f"{checked.rows:,} rows read"
    for kind, (what, change) in _FAULTS.items():
        fault = checked.faults.get(kind)
        if fault:
            more = ", ..." if fault.rows > len(fault.named) else ""
            yield (
                f"{_share(fault.rows, checked.rows)} {what}: {', '.join(fault.named)}{more}. "
                f"{change}"
            )
    yield from _letters(checked)
    if checked.sample:
        yield from _tokens(checked, recipe, tokenizer)


def overlap(findings: Sequence[Finding]) -> Iterator[str]:
    """Lines on evaluation items that the rows hold, a line a task.

    Args:
        findings: of every item that was looked for.
    """
    found: dict[str, list[Finding]] = defaultdict(list)
    counts = Counter(finding.item.task for finding in findings)
    for finding in findings:
        if finding.level is not None:
            found[finding.item.task].append(finding)
    if not found:
        yield f"none of {sum(counts.values()):,} evaluation items is in the data"
    for task, some in sorted(found.items()):
        hit = next(iter(some[0].hits.values()))
        yield (
            f"{len(some):,} of {counts[task]:,} items of {task} are in the data, as in "
            f"{hit.file}:{hit.row}: what a model that is trained on them scores there says "
            "nothing. `arabench contamination` names them all; take them out, or leave them out "
            "with `arabench eval --exclude`."
        )


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,} rows ({part / whole:.2%})"


def _letters(checked: Checked) -> Iterator[str]:
    arabic = checked.letters["arabic"]
    written = sum(checked.letters[kind] for kind in ("arabic", "latin", "other"))
    if written:
        yield (
            f"letters: {arabic / written:.1%} Arabic, {checked.letters['latin'] / written:.1%} "
            f"Latin, {checked.letters['other'] / written:.1%} others"
        )
    if arabic:
        yield (
            f"vowel marks on {checked.letters['diacritics'] / arabic:.1%} of Arabic letters, "
            f"tatweel behind {checked.letters['tatweel'] / arabic:.1%}"
        )
        if checked.letters["tatweel"] > arabic / 1000:
            yield "tatweel costs tokens and says nothing: data.normalize: llm takes it out"
    if checked.latin:
        told = ", ".join(
            f"{count:,} {_LATIN[name]}" for name, count in checked.languages.most_common()
        )
        yield (
            f"{_share(checked.latin, checked.rows)} are mostly in Latin letters; of the first "
            f"{sum(checked.languages.values()):,}: {told}. `arabench filter` keeps Arabic rows."
        )


def _tokens(checked: Checked, recipe: Recipe, tokenizer: PreTrainedTokenizerBase) -> Iterator[str]:
    """Of the sample: how much is too long, and what a word costs in each variety."""
    import datasets

    rows = datasets.Dataset.from_list([made for _, made in checked.sample])
    size, max_length = len(rows), recipe.training.max_length
    try:
        encoded = METHODS[recipe.method].encode(rows, tokenizer, max_length)
    except DataError as error:
        yield f"of a sample of {size:,} rows nothing can be trained on: {error}"
        return
    longer = encoded.texts_divided + encoded.responses_shortened + encoded.left_out
    yield (
        f"of a sample of {size:,} rows {longer / size:.1%} are longer than training.max_length "
        f"({max_length:,} tokens)"
    )
    yield from (f"in the sample {note}" for note in encoded.notes(size, max_length))
    yield from _per_word([said for said, _ in checked.sample], tokenizer)


def _per_word(sample: Sequence[Said], tokenizer: PreTrainedTokenizerBase) -> Iterator[str]:
    import pyarrow as pa

    from arabench.dialect import identify_column

    texts = [said.text for said in sample]
    varieties = identify_column(pa.array(texts)).column("variety").to_pylist()
    encoded: Any = tokenizer(text=texts, add_special_tokens=False)
    rows: Counter[str] = Counter()
    tokens: Counter[str] = Counter()
    words: Counter[str] = Counter()
    for text, variety, ids in zip(texts, varieties, encoded["input_ids"], strict=True):
        rows[variety] += 1
        tokens[variety] += len(ids)
        words[variety] += len(text.split())
    for variety, count in rows.most_common():
        if words[variety]:
            name = NAMES.get(variety, "too little to say, or no Arabic")
            yield (
                f"{name}: {count / len(texts):.1%} of the sample, "
                f"{tokens[variety] / words[variety]:.2f} tokens a word"
            )
