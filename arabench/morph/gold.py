"""Readers of the annotated words that the segmenter is trained and measured on.

Two sets of two conventions: tweets with every clitic and suffix cut (QCRI dialectal
segmentation), and a treebank of news with the clitics of the Arabic Treebank cut only (UD
Arabic-PUD). What a set does not annotate is left open, not guessed.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from arabench import chars
from arabench.errors import DataError
from arabench.morph.analysis import Kind
from arabench.morph.letters import CODE, FOLD, encode

#: "full": every cut of the `seg` scheme; "treebank": article, noun suffixes, verb subjects
#: and case are left on the stem.
Convention = Literal["full", "treebank"]

TWEETS: Final = ("egy", "lev", "glf", "mgr")
#: Cuts of a word whose annotation does not rejoin to it: no answer counts as right.
UNREACHABLE: Final = (0,)
#: Sentence ends, which are no words of the text.
_SENTENCE_END: Final = "EOS"
_ALEF: Final = CODE[chars.ALIF]


@dataclass(frozen=True, slots=True)
class GoldWord:
    """One annotated word.

    Attributes:
        word: as it is spelled.
        codes: its letters, empty where it is no Arabic word.
        cuts: after how many letters it is cut; empty for a whole word.
        kinds: one kind per segment, or () where the set does not say.
        convention: which cuts were annotated.
        source: egy, lev, glf, mgr or msa.
        part: the fold of the tweet, or the document of the news.
        weight: how many annotated words it counts for.
    """

    word: str
    codes: bytes
    cuts: tuple[int, ...]
    kinds: tuple[Kind, ...]
    convention: Convention
    source: str
    part: str
    weight: float = 1.0


def folded(codes: bytes) -> bytes:
    """Codes with hamza forms of alef and alef maksura folded."""
    return codes.translate(FOLD + bytes(256 - len(FOLD)))


def align(codes: bytes, segments: Sequence[str]) -> tuple[int, ...] | None:
    """Where annotated segments end in a word, in letters; None where they do not rejoin to it.

    The alef of an article after lam, which the annotation writes and the word does not
    (li-l-), is passed over; letters that stand for each other count as the same.
    """
    word = folded(codes)
    place = 0
    ends: list[int] = []
    for segment in segments:
        letters = encode(segment)
        if letters is None:
            return None
        piece = folded(letters.codes)
        if piece != word[place : place + len(piece)] and piece[:2] == bytes([_ALEF, CODE["ل"]]):
            piece = piece[1:]
            if piece[:2] == bytes([CODE["ل"], CODE["ل"]]):  # li + allah, written with two lams
                piece = piece[1:]
        if piece != word[place : place + len(piece)]:
            return None
        place += len(piece)
        ends.append(place)
    return tuple(ends[:-1]) if place == len(word) else None


def read_tweets(folder: Path, variety: str) -> list[GoldWord]:
    """Words of the tweets of one variety, mentions, links and punctuation included.

    Args:
        folder: where `egy.tsv` and its sisters lie.
        variety: one of `TWEETS`.

    Raises:
        DataError: the file is absent or has other columns.
    """
    path = folder / f"{variety}.tsv"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(f"cannot read the annotated tweets {path}: {error.strerror}") from error
    rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    header = next(rows, [])
    if header != ["Fold", "SubFold", "SentID", "Order", "Word", "Segmentation", "POS"]:
        raise DataError(f"{path} has the columns {header}, not those of the segmented tweets")
    return [
        _tweet_word(row[4], row[5].split("+"), row[6].split("+"), variety, row[0])
        for row in rows
        if row[6] != _SENTENCE_END
    ]


def _tweet_word(
    word: str, segments: list[str], tags: list[str], variety: str, part: str
) -> GoldWord:
    letters = encode(word)
    codes = letters.codes if letters else b""
    if letters is None or len(segments) != len(tags) or len(segments) == 1:
        kinds: tuple[Kind, ...] = ("stem",) if letters and len(segments) == 1 else ()
        return GoldWord(word, codes, (), kinds, "full", variety, part)
    cuts = align(codes, segments)
    if cuts is None:
        return GoldWord(word, codes, UNREACHABLE, (), "full", variety, part)
    return GoldWord(word, codes, cuts, kinds_of(segments, tags), "full", variety, part)


#: Tags of words that carry meaning: the stem where there is one.
_OPEN: Final = frozenset({"NOUN", "V", "ADJ", "ADV", "FOREIGN", "NUM"})
_BEFORE: Final[dict[str, Kind]] = {
    "CONJ": "conjunction",
    "PREP": "preposition",
    "DET": "article",
    "PROG_PART": "progressive",
    "FUT_PART": "future",
    "PRON": "demonstrative",
    "PART": "particle",
}
_AFTER: Final[dict[str, Kind]] = {
    "NSUFF": "noun_suffix",
    "PRON": "pronoun",
    "CASE": "case",
    "PREP": "indirect_object",
    "NEG_PART": "negation",
}
_NEGATIONS: Final = frozenset({"م", "ما", "مآ", "ماا", "لا", "مو"})
_ALWAYS_PREPOSITIONS: Final = frozenset({"ل", "ب", "ك"})
#: Pronouns of the subject; the annotation tags subjects and objects alike.
_SUBJECTS: Final = frozenset(
    "ت وا و نا ين ون ا ي ى ن تي تى تو توا يت يتي ات او تم تا ان".split()  # noqa: SIM905
)
#: After a verb of the imperfect -na is the object (yansah-na), else mostly the subject.
_IMPERFECT: Final = tuple("يتنأا")


def kinds_of(segments: Sequence[str], tags: Sequence[str]) -> tuple[Kind, ...]:
    """What each annotated segment is, from the tags of the tweets.

    Args:
        segments: at least one.
        tags: one part of speech per segment, such as PREP or NSUFF.
    """
    stem = max(range(len(segments)), key=lambda i: (tags[i] in _OPEN, len(segments[i]), -i))
    bare = tags[stem] == "PREP" and segments[stem] in _ALWAYS_PREPOSITIONS
    if tags[stem] == "PRON" and stem and tags[stem - 1] == "PREP" and stem == len(tags) - 1:
        bare, stem = True, stem - 1  # la-ha: the pronoun is the longer piece
        if segments[stem] not in _ALWAYS_PREPOSITIONS:
            bare = False
    kinds: list[Kind] = []
    for i, (segment, tag) in enumerate(zip(segments, tags, strict=True)):
        if i == stem:
            kinds.append("preposition" if bare else "stem")
        elif i < stem:
            kind = _BEFORE.get(tag, "particle")
            kinds.append("negation" if tag == "PART" and segment in _NEGATIONS else kind)
        else:
            kind = _AFTER.get(tag, "pronoun")
            if tag == "PRON" and _is_subject(segments, tags, stem, i):
                kind = "verb_suffix"
            if tag == "PART" and segment == "ش":
                kind = "negation"
            kinds.append(kind)
    return tuple(kinds)


def _is_subject(segments: Sequence[str], tags: Sequence[str], stem: int, place: int) -> bool:
    if tags[stem] not in {"V", "ADJ"} or segments[place] not in _SUBJECTS:
        return False
    if tags[stem] == "ADJ":
        return segments[place] in {"ين", "ت", "ات"} and place == stem + 1
    if place > stem + 1:  # two pieces of one subject (-t-u), or an object
        return segments[place - 1 : place + 1] in (["ت", "و"], ["ت", "وا"], ["ت", "ي"], ["ي", "ت"])
    return segments[place] != "نا" or not segments[stem].startswith(_IMPERFECT)


_TREEBANK: Final = "ud_arabic_pud/ar_pud-first500.conllu"


def read_news(folder: Path) -> list[GoldWord]:
    """Words of the news treebank, each with its clitics of the treebank convention.

    Tokens written together (`SpaceAfter=No`) make one string; every run of Arabic letters in
    it is a word, whatever punctuation touches it.

    Args:
        folder: the folder that holds `ud_arabic_pud`.

    Raises:
        DataError: the file is absent.
    """
    path = folder / _TREEBANK
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(f"cannot read the annotated news {path}: {error.strerror}") from error
    words: list[GoldWord] = []
    for document, tokens in _strings(lines):
        words.extend(_news_words(tokens, document))
    return words


def _strings(lines: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """(document, tokens written together) of CoNLL-U lines."""
    document = ""
    together: list[str] = []
    for line in lines:
        if line.startswith("# newdoc id = "):
            document = line.removeprefix("# newdoc id = ")
        fields = line.split("\t")
        if len(fields) == 10 and fields[0].isdigit():
            together.append(fields[1])
            if "SpaceAfter=No" in fields[9]:
                continue
        if together:
            yield document, together
            together = []


def _news_words(tokens: Sequence[str], document: str) -> Iterator[GoldWord]:
    run: list[str] = []
    for token in [*tokens, ""]:
        if token and token != chars.TATWEEL and encode(token) is not None:
            run.append(token)  # tatweel alone is a dash
            continue
        letters = encode("".join(run))
        if letters is not None:
            cuts = align(letters.codes, run)
            if cuts is not None:
                word = "".join(run)
                yield GoldWord(word, letters.codes, cuts, (), "treebank", "msa", document)
        if token:
            yield GoldWord(token, b"", (), (), "treebank", "msa", document)
        run = []
