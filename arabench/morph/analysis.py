"""What every segmenter answers: a word as labelled segments that rejoin to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, Protocol, get_args

#: What a segment is. Order within a word: proclitics, stem, suffixes, enclitics.
Kind = Literal[
    "conjunction",  # wa-, fa-
    "preposition",  # bi-, ka-, li-, la-; dialect fi- and 3a- where written attached
    "particle",  # sa-, la- of emphasis, a- of question, vocative ya-, and others
    "progressive",  # dialect b-, 3am-, k-/ka-, t- and d- of the Maghreb
    "future",  # dialect h-, gh-, rah- where written attached
    "negation",  # ma- and -sh
    "demonstrative",  # dialect ha- before the article
    "article",  # al-
    "stem",
    "noun_suffix",  # gender and number of nouns and adjectives: -a(t), -at, -in, -un, -an
    "verb_suffix",  # subject of verbs: -t, -u, -na, -tu, -in
    "case",  # written tanwin alif
    "indirect_object",  # -l- before a pronoun, on verbs
    "pronoun",  # enclitic possessive and object pronouns
]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
PROCLITICS: Final[frozenset[Kind]] = frozenset(
    {
        "conjunction", "preposition", "particle", "progressive", "future", "negation",
        "demonstrative", "article",
    }
)  # fmt: skip


class Segment(NamedTuple):
    """A piece of a word.

    Attributes:
        surface: The characters of the word that it covers, marks and tatweel included.
        form: How it is written on its own: "\u0627\u0644" (alef lam) for the lam of li-l-,
            "\u0629" (teh marbuta) for a teh before a pronoun. The surface where nothing changes.
        kind: One of `KINDS`.
    """

    surface: str
    form: str
    kind: Kind


#: The segments of one word, in order. `"".join(s.surface for s in analysis)` is the word, and
#: exactly one segment is a stem, except that clitics alone (a preposition and a pronoun) may
#: have none.
Analysis = tuple[Segment, ...]


class Segmenter(Protocol):
    """A backend.

    Attributes:
        signature: name, version and data of the backend in one line, for messages and manifests.
        in_context: the answer for a word may depend on the words around it. Where it does not,
            callers keep one answer per spelling.
    """

    @property
    def signature(self) -> str: ...

    @property
    def in_context(self) -> bool: ...

    def segment(self, words: Sequence[str]) -> list[Analysis]:
        """One analysis per word, in order.

        Args:
            words: runs of Arabic letters and marks, as they are spelled; the words of one
                sentence in order where `in_context`.
        """
        ...
