"""Of which facts about a candidate the segmenter's features are made."""

from __future__ import annotations

from typing import Final

#: Looked up after a stem: is the stem with this ending a word of running text?
ENDINGS: Final = (
    "ة", "ه", "ك", "ها", "ي", "ني", "وا", "و", "ت", "ات", "ين", "نا", "هم", "ون", "ا",
)  # fmt: skip
#: Looked up before a stem.
BEGINNINGS: Final = ("ال", "و", "ب", "ل", "ي", "ت", "ن", "ا")

#: What a feature may be made of, by place in the vector that `describe` fills.
NAMES: Final = (
    "nothing",
    # the affix sequences, and the single affixes next to the stem and at the end
    "before", "after", "last_before", "first_after", "last_after", "both",
    # letters: of the stem from its start and from its end, as typed, of the whole word
    "length", "start1", "start2", "start3", "end1", "end2", "end3",
    "typed_start", "typed_end", "typed_first", "shape",
    # levels of frequency: of stem, word, word without what is before or after the stem
    "seen_stem", "seen_word", "seen_without_before", "seen_without_after",
    # what the lexicon knows of the stem as a verb, and as a stem of other words
    "verb", "stem_of", "seen_endings", "seen_beginnings",
    # hashes of whole strings
    "stem", "word", "without_before", "without_after",
)  # fmt: skip
PLACE: Final = {name: place for place, name in enumerate(NAMES)}
ENDING_AT: Final = len(NAMES)
BEGINNING_AT: Final = ENDING_AT + len(ENDINGS)
FACTS: Final = BEGINNING_AT + len(BEGINNINGS)

_TEMPLATES: Final = """
before | after | before after | both length last_after
last_before length | first_after length | before length first_after
last_before start1 | last_before start1 start2 | last_before start1 start2 start3
before typed_start | before typed_first | first_after end1 | first_after end1 end2
first_after end1 end2 end3 | after end1 | first_after start1 | first_after start1 end1
first_after start1 start2 | after typed_end | last_before start1 end1
both start1 | both end1 | shape first_after | shape last_before | shape both
last_before seen_stem | first_after seen_stem | both seen_stem | both seen_stem length
both seen_word | last_before seen_without_before | first_after seen_without_after
last_before seen_without_before seen_word | first_after seen_without_after seen_word
before seen_stem | after seen_stem | both seen_stem seen_word
verb last_before | verb first_after | verb both | verb seen_stem first_after
stem_of last_before | stem_of first_after | stem_of both | stem_of seen_stem length
stem_of verb first_after | seen_endings first_after | seen_beginnings both
"""
#: Those that only know words and stems by heart.
_MEMORIES: Final = """
stem | stem last_before | stem first_after | word before after
without_after first_after | without_before last_before
"""


def compiled_templates() -> tuple[list[list[int]], int]:
    """Each template as four places in the vector of facts, and how many are no memories.

    The memories come last.
    """
    rows = [
        [PLACE[name] for name in template.split()]
        for template in _TEMPLATES.strip().replace("\n", "|").split("|")
    ]
    rows += [[ENDING_AT + n, PLACE["first_after"]] for n in range(len(ENDINGS))]
    rows += [[BEGINNING_AT + n, PLACE["both"]] for n in range(len(BEGINNINGS))]
    general = len(rows)
    rows += [
        [PLACE[name] for name in template.split()]
        for template in _MEMORIES.strip().replace("\n", "|").split("|")
    ]
    return [[*row, 0, 0, 0][:4] for row in rows], general
