"""How much of planted contamination `arabench contamination` finds, and what it finds in vain.

    OMP_NUM_THREADS=1 python tests/bench/contamination_recall.py WIKI [LATIN] [--quick] [--near T]

WIKI is a folder of TSV files whose second column is real Arabic text, LATIN a file of lines in
Latin letters. Packaged items (sentences
of five varieties, questions, passages) are altered, each is put into a row of that text, and the
share of items found is printed per alteration and level, in percent. Then the untouched text is
searched: whatever is found there is a false alarm, unless the excerpt that is printed says
otherwise.
Seeded: the same numbers every time.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from arabench import chars
from arabench.evaluation.contamination.items import Item, load_items
from arabench.evaluation.contamination.options import LEVELS, Options
from arabench.evaluation.contamination.search import LEAST_WORDS, Finding, Search
from arabench.evaluation.perturbations.table import perturb
from arabench.script.latin import to_arabizi
from arabench.statistics.proportions import wilson_interval
from arabench.text.rules.folding import fold_words

SEED: Final = 20261130
TASKS: Final = ("arabench_lm", "arabench_mmlu", "arabench_rc")
#: Rows of real text around the planted ones.
AROUND: Final = 3000
#: Words below which nothing but the whole item, as a sentence of its own, is looked for.
SHORT: Final = 5
#: Convention in which a variety is typed; MSA has none of its own.
TYPED_AS: Final = {"msa": "egy", "egy": "egy", "glf": "glf", "lev": "lev", "mgr": "mgr"}
MARKS: Final = "\u064b\u064e\u064f\u0650\u0651\u0652"  # FATHATAN FATHA DAMMA KASRA SHADDA SUKUN
Alteration = Callable[[str, random.Random, Item], str]


def with_diacritics(text: str, draw: random.Random, item: Item) -> str:
    return "".join(
        letter + draw.choice(MARKS) if letter in chars.LETTERS and draw.random() < 0.5 else letter
        for letter in text
    )


def with_tatweel(text: str, draw: random.Random, item: Item) -> str:
    return re.sub(
        r"(?<=[بتسشصضطعغفقكلمنهي])(?=[بتسشصضطعغفقكلمنهيا])",
        lambda _: chars.TATWEEL * draw.randint(1, 3) if draw.random() < 0.3 else "",
        text,
    )


def swapped_letters(text: str, draw: random.Random, item: Item) -> str:
    """Alif and hamza forms, final ya, ta marbuta, as people type them for each other."""
    text = re.sub("[اأإآ]", lambda _: draw.choice("اأإآ"), text)
    return re.sub(
        r"[يى]\b", lambda _: draw.choice("يى"), re.sub(r"[ةه]\b", lambda _: draw.choice("ةه"), text)
    )


def other_digits(text: str, draw: random.Random, item: Item) -> str:
    pairs = zip(chars.LATIN_DIGITS, chars.ARABIC_INDIC_DIGITS, strict=True)
    table = dict(pairs)
    return text.translate(str.maketrans({**table, **{b: a for a, b in table.items()}}))


def without_punctuation(text: str, draw: random.Random, item: Item) -> str:
    signs = (" " if unicodedata.category(sign)[0] in "PS" else sign for sign in text)
    return " ".join("".join(signs).split())


def spaced(text: str, draw: random.Random, item: Item) -> str:
    return re.sub(" ", lambda _: draw.choice(["  ", "\u00a0", " \t", " \u200f"]), text)


def deleted(share: float) -> Alteration:
    def change(text: str, draw: random.Random, item: Item) -> str:
        words = text.split()
        gone = set(draw.sample(range(len(words)), round(share * len(words))))
        return " ".join(word for place, word in enumerate(words) if place not in gone)

    return change


def replaced(share: float, vocabulary: Sequence[str]) -> Alteration:
    def change(text: str, draw: random.Random, item: Item) -> str:
        words = text.split()
        for place in draw.sample(range(len(words)), round(share * len(words))):
            words[place] = draw.choice(vocabulary)
        return " ".join(words)

    return change


def inserted(share: float, vocabulary: Sequence[str]) -> Alteration:
    def change(text: str, draw: random.Random, item: Item) -> str:
        words = text.split()
        for _ in range(round(share * len(words))):
            words.insert(draw.randint(0, len(words)), draw.choice(vocabulary))
        return " ".join(words)

    return change


def exchanged(share: float) -> Alteration:
    """So many of the words stand in the place of a neighbour."""

    def change(text: str, draw: random.Random, item: Item) -> str:
        words = text.split()
        places = list(range(0, len(words) - 1, 2))
        for place in draw.sample(places, min(len(places), round(share * len(words) / 2))):
            words[place : place + 2] = words[place + 1], words[place]
        return " ".join(words)

    return change


def typed_by_writer(text: str, draw: random.Random, item: Item) -> str:
    """Arabizi of `arabench script`, half of the spellings drawn."""
    convention = TYPED_AS.get(item.task.rpartition("_")[2], "egy")
    return to_arabizi(text, convention, draw.getrandbits(32), variation=0.5)


def typed_by_letters(text: str, draw: random.Random, item: Item) -> str:
    """Arabizi of the noise tasks: letter by letter from a table of its own, no vowel guessed."""
    return perturb(text, "arabizi", 1.0, draw.getrandbits(32))


def read_paragraphs(folder: Path) -> list[str]:
    paragraphs = []
    for path in sorted(folder.glob("*.tsv")):
        with path.open(encoding="utf-8") as stream:
            paragraphs += [line.rstrip("\n").partition("\t")[2] for line in stream][1:]
    return paragraphs


def words_of(item: Item) -> int:
    return len(fold_words(item.parts[0].text).split())


def recall(
    items: Sequence[Item],
    alteration: Alteration,
    around: Sequence[str],
    options: Options,
    embed: bool = False,
) -> tuple[list[Finding], int]:
    """Findings for the items that the alteration changes, each in a row among real ones."""
    draw = random.Random(SEED)
    changed = [(item, alteration(item.parts[0].text, draw, item)) for item in items]
    if alteration is not verbatim:
        changed = [(item, text) for item, text in changed if text != item.parts[0].text]
    rows = list(around)
    for _, text in changed:
        place = draw.randrange(len(rows))
        if embed:
            sentences = around[draw.randrange(len(around))].split(". ")
            sentences.insert(draw.randint(0, len(sentences)), text.rstrip("."))
            text = ". ".join(sentences)
        rows.insert(place, text)
    search = Search([replace(item, parts=item.parts[:1]) for item, _ in changed], options)
    search.look(rows, "planted")
    return search.findings(), len(changed)


def verbatim(text: str, draw: random.Random, item: Item) -> str:
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wiki", type=Path)
    parser.add_argument("latin", type=Path, nargs="?")
    parser.add_argument("--quick", action="store_true", help="a fifth of the items and of the text")
    parser.add_argument("--near", type=float, default=Options().near)
    chosen = parser.parse_args()
    options = replace(Options(), near=chosen.near)
    items = [item for item in load_items(TASKS, {}) if words_of(item) >= LEAST_WORDS]
    paragraphs = read_paragraphs(chosen.wiki)
    if chosen.quick:
        items, paragraphs = items[::5], paragraphs[::5]
    draw = random.Random(SEED)
    around = draw.sample(paragraphs, AROUND)
    vocabulary = sorted({word for text in around[:300] for word in re.findall(r"\w+", text)})
    print(f"{options.signature}; {len(items)} items, {len(paragraphs)} rows of real text\n")
    print("| alteration | items | any | exact | n-gram | near | Arabizi | any, of 3 or 4 words |")
    print("|---|---|---|---|---|---|---|---|")
    table: list[tuple[str, Alteration, bool]] = [
        ("verbatim", verbatim, False),
        ("verbatim, inside a paragraph", verbatim, True),
        ("diacritics on half of the letters", with_diacritics, False),
        ("tatweel", with_tatweel, False),
        ("alif, hamza, final ya, ta marbuta", swapped_letters, False),
        ("digits of the other script", other_digits, False),
        ("punctuation dropped", without_punctuation, False),
        ("other white space", spaced, False),
        *((f"{share:.0%} of words deleted", deleted(share), True) for share in (0.1, 0.2, 0.3)),
        *(
            (f"{share:.0%} of words replaced", replaced(share, vocabulary), True)
            for share in (0.1, 0.2, 0.3)
        ),
        *(
            (f"{share:.0%} of words inserted", inserted(share, vocabulary), True)
            for share in (0.1, 0.2, 0.3)
        ),
        *((f"{share:.0%} of words exchanged", exchanged(share), True) for share in (0.1, 0.2, 0.3)),
        ("Arabizi, as `arabench script` types", typed_by_writer, False),
        ("Arabizi, letter by letter", typed_by_letters, False),
    ]
    for name, alteration, embed in table:
        findings, count = recall(items, alteration, around, options, embed)
        long = [found for found in findings if words_of(found.item) >= SHORT]
        short = [found for found in findings if words_of(found.item) < SHORT]
        cells = [percent(sum(bool(found.hits) for found in long), len(long))]
        cells += [percent(sum(level in f.hits for f in long), len(long)) for level in LEVELS]
        cells.append(percent(sum(bool(found.hits) for found in short), len(short)))
        print(f"| {name} | {count} | {' | '.join(cells)} |", flush=True)
    false_alarms(items, paragraphs, options, str(chosen.wiki.name))
    if chosen.latin is not None:
        texts = chosen.latin.read_text(encoding="utf-8").split("\n")
        false_alarms(items, texts, options, str(chosen.latin.name))


def percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else "-"


def false_alarms(
    items: Sequence[Item], paragraphs: Sequence[str], options: Options, name: str
) -> None:
    search = Search(items, options)
    search.look(paragraphs[:500], "warm")  # tables and models are loaded by the first rows
    search = Search(items, options)
    started = time.process_time()
    search.look(paragraphs, "untouched")
    spent = time.process_time() - started
    size = sum(len(text.encode("utf-8")) for text in paragraphs)
    alarms = [found for found in search.findings() if found.hits]
    low, high = wilson_interval(len(alarms) / len(items), len(items))
    print(
        f"\n{name}, untouched: {len(alarms)} of {len(items)} items found "
        f"({100 * low:.2f} to {100 * high:.2f} %) in {size / 1e6:.1f} MB; "
        f"{size / 1e6 / spent:.1f} MB/s of CPU time at {len(items)} items"
    )
    for found in alarms:
        for level, hit in found.hits.items():
            text = found.item.parts[0].text
            print(f"  {found.item.name} {level} {hit.score:.2f}: {text[:70]} <- {hit.excerpt[:70]}")


if __name__ == "__main__":
    main()
