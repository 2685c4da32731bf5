"""How often words stand in running text, and what is known of stems, in a table of hashes.

Six bits per entry: two levels of frequency of a word, in standard and in dialect text; or in
which aspects a verb stem stands; or in how many words a stem was found. Entries are known by
10 bits beside their place, so that one that was never stored is taken for another about once
in five hundred questions.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from arabench import chars
from arabench.errors import DataError
from arabench.morph.analysis import Kind
from arabench.morph.answers import Cut
from arabench.morph.gold import folded
from arabench.morph.letters import encode

if TYPE_CHECKING:
    import numpy.typing as npt

#: Places of the table, a power of two.
PLACES: Final = 1 << 19
#: Most words of running text that are kept.
MOST_WORDS: Final = PLACES * 5 // 8
_WORDS: Final = re.compile(f"[{chars.char_class(chars.LETTERS | chars.MARKS)}]+")


def texts(data: Path) -> Iterator[tuple[str, str]]:
    """("msa" or "dialect", text) for every text of the folder of corpora.

    Raises:
        DataError: a corpus is absent.
    """
    try:
        yield from _texts(data)
    except OSError as error:
        raise DataError(
            f"cannot read {error.filename}: {error.strerror}; training needs every corpus that "
            "the model card names"
        ) from error


def _texts(data: Path) -> Iterator[tuple[str, str]]:
    for name, group in (("ar", "msa"), ("arz", "dialect")):
        yield group, (data / "wiki" / f"{name}.tsv").read_text(encoding="utf-8")
    yield "msa", (data / "tico19" / "tico19-test.ara").read_text(encoding="utf-8")
    for path in sorted((data / "flores200").glob("*_Arab.txt")):
        group = "msa" if path.name.startswith(("arb", "ars")) else "dialect"
        yield group, path.read_text(encoding="utf-8")
    for path in sorted((data / "shami").glob("*.txt")):
        yield "dialect", path.read_text(encoding="utf-8", errors="replace")
    for path in sorted((data / "motaz_tweets").glob("*.tsv")):
        yield "dialect", path.read_text(encoding="utf-8", errors="replace")
    with (data / "arsarcasm_v2" / "training_data.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield ("msa" if row["dialect"] == "msa" else "dialect"), row["tweet"]
    lines = (data / "madar_coda" / "train.tsv").read_text(encoding="utf-8").splitlines()
    for line in lines[1:]:
        fields = line.split("\t")
        for text in fields[3:5]:
            yield "dialect", text


def count_words(data: Path) -> dict[str, Counter[bytes]]:
    """Folded words of the corpora and how often each stands there, per group."""
    spelled: dict[str, Counter[str]] = {"msa": Counter(), "dialect": Counter()}
    for group, text in texts(data):
        spelled[group].update(_WORDS.findall(text))
    counts: dict[str, Counter[bytes]] = {}
    for group, words in spelled.items():
        total: Counter[bytes] = Counter()
        for word, count in words.items():
            letters = encode(word)
            if letters is not None:
                total[folded(letters.codes)] += count
        counts[group] = total
    return counts


def read_verb_stems(data: Path) -> dict[bytes, int]:
    """Folded verb stems of the Camel Morph databases and, in bits, where each stands.

    Bit 0: perfect, bit 1: imperfect, without its person prefix, bit 2: command.

    Raises:
        DataError: there is no database.
    """
    stems: dict[bytes, int] = {}
    paths = sorted((data / "camel_morph" / "db").glob("XYZ_*_?v_*.db"))
    if not paths:
        raise DataError(f"no verb databases under {data / 'camel_morph' / 'db'}")
    for path in paths:
        bit = _ASPECTS[path.name.split("_")[2]]
        inside = False
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("###"):
                inside = line.startswith("###STEMS###")
            elif inside:
                letters = encode("".join(_WORDS.findall(line.partition("\t")[0])))
                if letters is not None and len(letters.codes) > 1:
                    stem = folded(letters.codes)
                    stems[stem] = stems.get(stem, 0) | bit
    return stems


_ASPECTS: Final = {"pv": 1, "iv": 2, "cv": 4}


def _level(count: int, bounds: Sequence[int] = (1, 2, 4, 9, 27, 100, 400)) -> int:
    """How many of the rising `bounds` a count reaches: steps of about three for words."""
    return sum(count >= bound for bound in bounds)


@dataclass(frozen=True, slots=True)
class Entries:
    """What the table is filled with, in order of importance.

    Attributes:
        words: folded words of running text, most frequent first.
        hashes: (entries,) uint64.
        levels: (entries,) uint16, six bits used.
    """

    words: list[bytes]
    hashes: Any
    levels: Any


def collect(counts: dict[str, Counter[bytes]], verbs: dict[bytes, int]) -> Entries:
    """The entries of `count_words` and `read_verb_stems`."""
    from arabench.morph.compiled.segmenter_kernel import VERB_STEM

    msa, dialect = counts["msa"], counts["dialect"]
    total = Counter(msa)
    total.update(dialect)
    words = [word for _, word in sorted((-count, word) for word, count in total.items())]
    words = words[:MOST_WORDS]
    levels = [_level(msa[word]) | _level(dialect[word]) << 3 for word in words]
    stems = sorted(verbs.items())
    hashes = np.concatenate(
        [_hashes(words), _hashes([stem for stem, _ in stems]) ^ np.uint64(VERB_STEM)]
    )
    return Entries(words, hashes, np.array([*levels, *(b for _, b in stems)], dtype=np.uint16))


def with_stems(entries: Entries, cuts: Sequence[Cut], sure: Sequence[bool]) -> Entries:
    """Entries that also say of which stems the words of running text are made.

    A first model cuts the words; a stem is kept if two words or more are made of it.

    Args:
        entries: of `collect`.
        cuts: the first model's answer for each of `entries.words`.
        sure: whether it was sure of it; other words say nothing.
    """
    from arabench.morph.compiled.segmenter_kernel import AUTO_STEM

    made: Counter[bytes] = Counter()
    verbal: Counter[bytes] = Counter()
    nominal: Counter[bytes] = Counter()
    for word, cut, certain in zip(entries.words, cuts, sure, strict=True):
        if certain:
            stem = word[cut.start : cut.end]
            kinds = set(cut.kinds())
            made[stem] += 1
            # A verb's affix decides before a preposition or article does.
            if kinds & _VERBAL:
                verbal[stem] += 1
            elif kinds & _NOMINAL:
                nominal[stem] += 1
    stems = sorted(stem for stem, count in made.items() if count > 1 and stem)
    levels = [
        _level(made[stem], (1, 2, 6))
        | _level(verbal[stem], (1, 2, 4)) << 2
        | _level(nominal[stem], (1, 2, 4)) << 4
        for stem in stems
    ]
    hashes = np.concatenate([entries.hashes, _hashes(stems) ^ np.uint64(AUTO_STEM)])
    packed = np.array(levels, dtype=np.uint16)
    return Entries(entries.words, hashes, np.concatenate([entries.levels, packed]))


_VERBAL: Final[frozenset[Kind]] = frozenset(
    {"verb_suffix", "progressive", "future", "indirect_object", "negation"}
)
_NOMINAL: Final[frozenset[Kind]] = frozenset({"article", "preposition", "noun_suffix"})


def _hashes(words: Sequence[bytes]) -> npt.NDArray[np.uint64]:
    from arabench.morph.compiled.segmenter_kernel import hash_letters

    return np.array(
        [hash_letters(np.frombuffer(word, dtype=np.uint8)) for word in words], dtype=np.uint64
    )


def build(entries: Entries) -> npt.NDArray[np.uint16]:
    """The table: (PLACES,) uint16."""
    from arabench.morph.compiled.segmenter_kernel import store

    # A table more than 7/8 full answers slowly, and wrongly more often.
    most = PLACES * 7 // 8
    table = np.zeros(PLACES, dtype=np.uint16)
    store(table, entries.hashes[:most], entries.levels[:most])
    return table
