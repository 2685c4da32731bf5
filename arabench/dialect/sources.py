"""Labelled texts for training and testing the dialect model, each with the set it came from.

Most sets are read from a folder of public corpora (`read_sources`); their licences are in the
model card. Project-written sentences (`written/*.tsv`, and the train split of the
parallel sentences of the task suite) and texts made by rule from MSA ones (`rewriting`)
come with the package. Every text carries a key that holds parallel renderings of one meaning
together, so that no split can part them.
"""

from __future__ import annotations

import csv
import json
import random
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from arabench.dialect.rewriting import REGIONS, Vocabulary, render, respell
from arabench.errors import DataError, UsageError
from arabench.resources import tasks_dir
from arabench.varieties import VARIETIES


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text and its variety.

    Attributes:
        source: The set, one of `SOURCES` or of `PACKAGED`.
        variety: One of `VARIETIES`.
        text: As it is in the set.
        key: Texts of one source and key belong together (renderings of one meaning).
        part: Narrower origin: a city, country or file.
    """

    source: str
    variety: str
    text: str
    key: str
    part: str


Reader = Callable[[Path], Iterator[Labelled]]

#: FLORES-200 files. `ars` is left out: most of its lines are those of `arb`.
_FLORES: Final = {
    "arb": "msa", "arz": "egy", "acm": "glf", "acq": "glf", "ajp": "lev", "apc": "lev",
    "aeb": "mgr", "ary": "mgr",
}  # fmt: skip
_MADAR: Final = {"BEI": "lev", "CAI": "egy", "DOH": "glf", "RAB": "mgr", "TUN": "mgr"}
_ARSARCASM: Final = {"msa": "msa", "egypt": "egy", "gulf": "glf", "levant": "lev", "magreb": "mgr"}
_SHAMI: Final = ("Lebanees", "Palestinian", "jordinian")

#: Of the large sets only so many texts are used, drawn with a fixed seed: more of one
#: source only teaches the source.
_MOST_SHAMI: Final = 8_000
_MOST_WIKI: Final = 3_000
_MOST_TASHKEELA: Final = 1_500
_SEED: Final = 20_261_121
#: Words of a paragraph that are used: the model is for sentences.
_PARAGRAPH_WORDS: Final = 40

#: MSA sentences that the rules rewrite: words, and which shares of the possible edits are made.
_RULE_WORDS: Final = (7, 40)
_RULE_STRENGTHS: Final = (0.1, 0.3, 0.6, 1.0)
_SENTENCE_END: Final = re.compile(r"(?<=[.!\u061f])\s+")  # ARABIC QUESTION MARK


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(
            f"there is no file {str(path)!r}. Give the folder that holds the labelled corpora."
        ) from None
    except UnicodeDecodeError as error:
        raise DataError(f"{str(path)!r} is not UTF-8 ({error.reason}).") from None
    return text.split("\n")


def _table(path: Path, delimiter: str, columns: Iterable[str]) -> Iterator[dict[str, str]]:
    """Rows of a delimited file; tab-separated ones have no quotes."""
    lines = [line + "\n" for line in _lines(path)]
    if delimiter == "\t":
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    else:
        rows = csv.DictReader(lines, delimiter=delimiter)
    missing = set(columns) - set(rows.fieldnames or ())
    if missing:
        raise DataError(f"{str(path)!r} lacks the columns {', '.join(sorted(missing))}.")
    for row in rows:
        if any(row[column] is None for column in columns):
            raise DataError(f"{str(path)!r}: line {rows.line_num} has too few columns.")
        yield row


def _read_flores(folder: Path) -> Iterator[Labelled]:
    for code, variety in _FLORES.items():
        for number, line in enumerate(_lines(folder / "flores200" / f"{code}_Arab.txt")):
            if line.strip():
                yield Labelled("flores", variety, line.strip(), str(number), code)


def _read_madar(folder: Path) -> Iterator[Labelled]:
    path = folder / "madar_coda" / "train.tsv"
    for row in _table(path, "\t", ("sentID.BTEC", "dialect", "raw")):
        variety = _known(_MADAR, row["dialect"], path)
        yield Labelled("madar", variety, row["raw"], row["sentID.BTEC"], row["dialect"])


def _read_arsarcasm(folder: Path) -> Iterator[Labelled]:
    path = folder / "arsarcasm_v2" / "training_data.csv"
    for number, row in enumerate(_table(path, ",", ("tweet", "dialect"))):
        variety = _known(_ARSARCASM, row["dialect"], path)
        yield Labelled("arsarcasm", variety, row["tweet"], str(number), row["dialect"])


def _read_shami(folder: Path) -> Iterator[Labelled]:
    found = [
        Labelled("shami", "lev", line.strip(), f"{part}-{number}", part)
        for part in _SHAMI
        for number, line in enumerate(_lines(folder / "shami" / f"{part}.txt"))
        if line.strip()
    ]
    yield from _draw(found, _MOST_SHAMI)


def _read_segmentation(folder: Path) -> Iterator[Labelled]:
    for variety in ("egy", "glf", "lev", "mgr"):
        path = folder / "dialect_segmentation" / f"{variety}.tsv"
        tweets: dict[str, list[str]] = {}
        for row in _table(path, "\t", ("Fold", "SubFold", "SentID", "Word")):
            key = f"{row['Fold']}-{row['SubFold']}-{row['SentID']}"
            tweets.setdefault(key, []).append(row["Word"])
        for key, words in tweets.items():
            yield Labelled("segmentation", variety, " ".join(words), f"{variety}-{key}", "")


def _paragraphs(folder: Path, name: str) -> list[tuple[str, str]]:
    """(document, paragraph) of a Wikipedia file."""
    path = folder / "wiki" / name
    pairs = [line.split("\t", 1) for line in _lines(path) if line]
    if any(len(pair) < 2 for pair in pairs):
        raise DataError(f"{str(path)!r} has lines without a tab.")
    return [(pair[0], pair[1]) for pair in pairs]


def _read_wiki(folder: Path) -> Iterator[Labelled]:
    for name, variety in (("ar.tsv", "msa"), ("arz.tsv", "egy")):
        found = [
            Labelled("wiki", variety, _first_words(text), f"{name}-{document}", name)
            for document, text in _paragraphs(folder, name)
            if len(text) > 30
        ]
        yield from _draw(found, _MOST_WIKI)


def _read_tico(folder: Path) -> Iterator[Labelled]:
    for number, line in enumerate(_lines(folder / "tico19" / "tico19-test.ara")):
        if line.strip():
            yield Labelled("tico", "msa", line.strip(), str(number), "")


def _read_tashkeela(folder: Path) -> Iterator[Labelled]:
    found = [
        Labelled("tashkeela", "msa", _first_words(line), str(number), "")
        for number, line in enumerate(_lines(folder / "tashkeela" / "val.txt"))
        if line.strip()
    ]
    yield from _draw(found, _MOST_TASHKEELA)


def _read_rules(folder: Path) -> Iterator[Labelled]:
    """Sentences of Arabic Wikipedia, and each rewritten into every region."""
    paragraphs = [text for _, text in _paragraphs(folder, "ar.tsv")]
    vocabulary = Vocabulary.of(paragraphs)
    rng = random.Random(_SEED)
    rng.shuffle(paragraphs)
    least, most = _RULE_WORDS
    sentences: list[str] = []
    for paragraph in paragraphs:
        for sentence in _SENTENCE_END.split(paragraph):
            if least <= len(sentence.split()) <= most:
                sentences.append(sentence)
        if len(sentences) >= RULE_SENTENCES:
            break
    for number, sentence in enumerate(sentences[:RULE_SENTENCES]):
        yield Labelled("rules", "msa", respell(sentence, None, 1, rng), str(number), "MSA")
        for region, variety in REGIONS.items():
            made = render(sentence, region, rng.choice(_RULE_STRENGTHS), vocabulary, rng)
            if made:
                yield Labelled("rules", variety, made, str(number), region)


#: MSA sentences that are rewritten, each into eleven regions.
RULE_SENTENCES: Final = 2_000

#: Public sets, by name.
SOURCES: Final[dict[str, Reader]] = {
    "flores": _read_flores,
    "madar": _read_madar,
    "arsarcasm": _read_arsarcasm,
    "shami": _read_shami,
    "segmentation": _read_segmentation,
    "wiki": _read_wiki,
    "tico": _read_tico,
    "tashkeela": _read_tashkeela,
    "rules": _read_rules,
}
#: Sets that come with the package.
PACKAGED: Final = ("written", "parallel")


def read_sources(folder: str | Path) -> list[Labelled]:
    """All sets, in a fixed order.

    Args:
        folder: holds the public corpora, one folder each (flores200, madar_coda, ...).

    Raises:
        UsageError: a file is missing.
        DataError: a file is not what its name says.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UsageError(f"{str(folder)!r} is no folder. Give the one with the labelled corpora.")
    found = [item for reader in SOURCES.values() for item in reader(folder)]
    return found + read_written()


def read_msa(folder: str | Path) -> Iterator[str]:
    """Much MSA text without labels or limit: Arabic Wikipedia and vocalised books."""
    folder = Path(folder)
    for _, text in _paragraphs(folder, "ar.tsv"):
        yield text
    yield from _lines(folder / "tashkeela" / "val.txt")


def rewritten_forms() -> Iterator[str]:
    """Every form in the table of rewriting rules, of MSA and of the regions."""
    text = files("arabench.dialect").joinpath("rewriting.tsv").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            for cell in line.split("\t"):
                yield from cell.split("/")


def read_written() -> list[Labelled]:
    """The sentences that were written for this package: `written` and `parallel`."""
    return [*_read_written(), *_read_parallel()]


def _read_written() -> Iterator[Labelled]:
    folder = Path(str(files("arabench.dialect").joinpath("written")))
    for path in sorted(folder.glob("*.tsv")):
        rows = _table(path, "\t", ("variety", "country", "register", "text"))
        for number, row in enumerate(rows):
            if row["variety"] not in VARIETIES:
                raise DataError(f"{str(path)!r}: unknown variety {row['variety']!r}.")
            meaning = row.get("meaning")
            key = f"{path.stem}-{meaning or f'row{number}'}"
            part = f"{row['country'] or 'MSA'}-{row['register']}"
            yield Labelled("written", row["variety"], row["text"], key, part)


def _read_parallel() -> Iterator[Labelled]:
    path = tasks_dir() / "arabench_dialects" / "data" / "parallel.jsonl"
    for line in _lines(path):
        if not line:
            continue
        item = json.loads(line)
        if item["split"] != "train":  # the test split measures language models
            continue
        for variety in VARIETIES:
            part = str(item.get(f"{variety}_city", ""))
            yield Labelled("parallel", variety, item[variety], item["id"], part)


def _draw(found: list[Labelled], most: int) -> list[Labelled]:
    """At most so many of a list, in its order."""
    if len(found) <= most:
        return found
    chosen = random.Random(_SEED).sample(range(len(found)), most)
    return [found[index] for index in sorted(chosen)]


def _first_words(text: str) -> str:
    return " ".join(text.split()[:_PARAGRAPH_WORDS])


def _known(table: dict[str, str], label: str, path: Path) -> str:
    if label not in table:
        raise DataError(f"{str(path)!r}: unknown label {label!r}, not one of {', '.join(table)}.")
    return table[label]
