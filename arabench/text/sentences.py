"""Sentence segmentation of Arabic text: spans that rejoin to the text exactly.

The rules:

1. A line break ends a sentence. So does the Quranic end of a verse, with its number,
   and a bullet starts a new one.
2. `؟ ! ? ۔` end one; a comma, a semicolon and a colon never do, nor does a stop with one
   of these behind it ("؟،").
3. An ellipsis ends one; three dots with white space on both sides are a pause (between
   the halves of a verse, or for what a citation leaves out) and do not.
4. A full stop does not where it belongs to a number (3.14, a list item "1."), to an
   abbreviation (one letter as in "د." and "ص.ب.", or a listed one), or to a Latin name
   (example.com, e.g.). Units and eras behind a number ("5 كم.", "1990 م.", "256 هـ.") and
   "الخ." are written without a stop of their own, so there it ends the sentence: of what
   Arabic Wikipedia has of these, most do.
5. Without white space behind it a full stop ends one only between Arabic words: web text
   often leaves the space out ("متأخرا.ثم") or puts it on the wrong side ("متأخرا .ثم").
6. Inside quotation marks or brackets that close within `MAX_ENCLOSED_CHARS` on the same
   line nothing ends a sentence. Behind them one ends if a full stop closed what they hold
   and no word that reports or goes on ("قال", "ثم") follows; if any stop did and the
   brackets hold the whole sentence; or if that is so of a quotation and another follows.

Closing marks, invisible characters, citations ("[1]"), faces and hearts behind a stop,
and then the white space, belong to the sentence that it ends. No sentence is blank
unless the whole text is. Time grows linearly with the text, whatever it holds.

`arabench.text.compiled.sentence_kernel` is the same procedure compiled, over UTF-8 bytes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from arabench import chars

#: Signature of the rules: raise the number when a span may change.
RULES_VERSION: Final = 2
#: Characters after which `SentenceSplitter` changes to the compiled procedure. The reference
#: needs about half a second for these, which is what loading numba and cached code costs.
COMPILE_AFTER_CHARS: Final = 4_000_000
#: A quotation or bracket longer than this, or not closed, does not protect what is in it.
MAX_ENCLOSED_CHARS: Final = 200
#: Characters of a word that are looked at before a full stop. The longest vocalized words
#: have about thirty; an abbreviation is far shorter.
LOOK_BACK: Final = 40
#: More marks open at one place than this are no quotations: all are forgotten.
MAX_DEPTH: Final = 16
#: Longest word in the lists below (`sentence_kernel` packs them, 11 bits a letter).
MAX_LISTED: Final = 5
#: Words of several letters whose full stop is no end. One letter needs no listing.
ABBREVIATIONS: Final = frozenset(
    {
        "\u062a\u062d",  # TEH HAH: edited by
        "\u0631\u0636",  # REH DAD: an honorific
        # WAW (and) before the letters of titles and references
        *("\u0648" + letter for letter in "\u062f\u0645\u0623\u0634\u0635\u062a\u0637"),
        *("Dr", "Mr", "Mrs", "Ms", "Prof", "St", "Jr", "Sr", "Gen", "Col", "Capt", "Rev", "Hon"),
        *("vs", "etc", "al", "cf", "ed", "eds", "Inc", "Ltd", "Co", "Corp", "Bros", "Ph"),
    }
)
#: Words whose full stop is no end before a number: page, volume, figure.
BEFORE_NUMBERS: Final = frozenset(
    {
        "\u0635\u0635",  # SAD SAD: pages
        "\u0645\u062c",  # MEEM JEEM: volume
        *("No", "no", "Nos", "pp", "Vol", "vol", "Fig", "fig", "Ch", "Sec", "Art", "Eq"),
    }
)
#: "and so on", whose full stop ends a sentence, but not before a closing mark.
AND_SO_ON: Final = frozenset(
    {
        "\u0627\u0644\u062e",  # ALEF LAM KHAH
        "\u0625\u0644\u062e",  # ALEF WITH HAMZA BELOW, LAM, KHAH
    }
)
#: Words behind a quotation that belong to its sentence although a full stop closes it.
GOES_ON: Final = frozenset(
    {
        "\u062b\u0645",  # thumma: then
        "\u0642\u0627\u0644",  # qala: he said
        "\u0642\u0627\u0644\u062a",  # qalat: she said
        "\u064a\u0642\u0648\u0644",  # yaqulu: he says
        "\u062a\u0642\u0648\u0644",  # taqulu: she says
        "\u0643\u0645\u0627",  # kama: as
        "\u062d\u064a\u062b",  # haythu: where
        "\u0628\u062d\u0633\u0628",  # bihasabi: according to
    }
)
#: Letters that behind a number stand for an era: miladi (AD) and hijri (AH).
ERA_LETTERS: Final = "\u0645\u0647"  # MEEM, HEH

# --- classes of characters, as bits -----------------------------------------------------
SPACE, BREAK, INVISIBLE, NEUTRAL = 1, 2, 4, 8
ARABIC, LATIN, LOWER, DIGIT = 16, 32, 64, 128
UNWRITTEN, STOP, CLOSER, REACTION = 256, 512, 1024, 2048
CONTINUING, TRAILING, ENDS_QUOTE, STARTS_QUOTE = 4096, 8192, 16384, 32768
BLANK: Final = SPACE | INVISIBLE
WHITE: Final = SPACE | BREAK

#: Opening mark -> its closing one.
DIRECTED: Final = {
    "\u00ab": "\u00bb",  # LEFT- and RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK
    "\u2039": "\u203a",  # SINGLE LEFT- and RIGHT-POINTING ANGLE QUOTATION MARK
    "(": ")",
    "[": "]",
}
#: Marks that open or close by what stands around them. The curly ones and the ornate
#: parentheses do not mirror, so that writers use either of the pair for either side.
UNDIRECTED: Final = (
    "\u201c\u201d",  # LEFT and RIGHT DOUBLE QUOTATION MARK
    '"',
    "\ufd3e\ufd3f",  # ORNATE LEFT and RIGHT PARENTHESIS: verses of the Quran
)
#: Mark -> number of its kind; brackets are those from BRACKETS on, before ORNATE.
KIND: Final[dict[str, int]] = {
    **{mark: kind for kind, pair in enumerate(["\u00ab\u00bb", "\u2039\u203a"]) for mark in pair},
    **dict.fromkeys(UNDIRECTED[0], 2),
    **dict.fromkeys(UNDIRECTED[1], 3),
    **dict.fromkeys("()", 4),
    **dict.fromkeys("[]", 5),
    **dict.fromkeys(UNDIRECTED[2], 6),
}
ROUND, SQUARE, ORNATE = 4, 5, 6
TURNING: Final = frozenset("".join(UNDIRECTED))

ARABIC_STOPS: Final = frozenset({chars.ARABIC_QUESTION, chars.ARABIC_FULL_STOP})
DOTS: Final = frozenset(".\u2026")  # FULL STOP, HORIZONTAL ELLIPSIS
STOPS: Final = (
    ARABIC_STOPS
    | DOTS
    | frozenset("!?")
    | frozenset("\u203c\u2047\u2048\u2049")  # DOUBLE EXCLAMATION, QUESTION and mixed marks
)
VERSE_END: Final = "\u06dd"  # ARABIC END OF AYAH
#: BULLET, TRIANGULAR and HYPHEN BULLET, BLACK SQUARE, BLACK SMALL SQUARE, BLACK DIAMOND,
#: BLACK CIRCLE, WHITE BULLET
BULLETS: Final = frozenset("\u2022\u2023\u2043\u25a0\u25aa\u25c6\u25cf\u25e6")
#: Characters that make a colon a face rather than punctuation.
_AFTER_COLON: Final = "()DP*"
#: Characters before an opening parenthesis that make it a face when nothing follows it.
_BEFORE_FACE: Final = ":;=-"
_VARIATION_SELECTOR = "\ufe0f"  # VARIATION SELECTOR-16: the character before it is an emoji


def _span(first: int, last: int) -> frozenset[str]:
    return frozenset(map(chr, range(first, last + 1)))


def _classes() -> dict[str, int]:
    """Character -> its bits. What is not in it is a letter of another script."""
    found: dict[str, int] = {}

    def add(members: frozenset[str] | str, bits: int) -> None:
        for char in members:
            found[char] = found.get(char, 0) | bits

    invisible = chars.ZERO_WIDTH | chars.BIDI_CONTROLS | chars.CONTROLS | {_VARIATION_SELECTOR}
    opens_direction = _span(0x202A, 0x202B) | _span(0x202D, 0x202E) | _span(0x2066, 0x2068)
    digits = chars.LATIN_DIGITS + chars.ARABIC_INDIC_DIGITS + chars.EXTENDED_DIGITS
    capitals = _span(0x41, 0x5A) | _span(0xC0, 0xDE) | _span(0x100, 0x24F)
    small = _span(0x61, 0x7A) | _span(0xDF, 0xFF)
    signs = frozenset("\u00d7\u00f7")  # MULTIPLICATION and DIVISION SIGN
    add(chars.HORIZONTAL_SPACE, SPACE | STARTS_QUOTE | ENDS_QUOTE)
    add(chars.LINE_BREAKS, BREAK | STARTS_QUOTE | ENDS_QUOTE)
    add(invisible, INVISIBLE)
    add(invisible - opens_direction, TRAILING)
    neutral = chars.PUNCTUATION | chars.EMOJI_PARTS | BULLETS | STOPS | signs
    neutral |= _span(0x2000, 0x206F) | {VERSE_END, "\u06de", "\u06e9"}  # RUB EL HIZB, SAJDAH
    add(neutral | chars.HORIZONTAL_SPACE | chars.LINE_BREAKS | invisible, NEUTRAL)
    add((chars.LETTERS - {chars.TATWEEL}) | frozenset(chars.PRESENTATION_FORMS), ARABIC)
    add((capitals | small) - signs, LATIN)
    add(small - signs, LOWER)
    add(digits, DIGIT)
    add(chars.MARKS | {chars.TATWEEL} | invisible, UNWRITTEN)
    add(STOPS, STOP | ENDS_QUOTE)
    add("".join(DIRECTED.values()) + "}", CLOSER | ENDS_QUOTE)
    add("".join(DIRECTED), STARTS_QUOTE)
    add("\u060c\u061b,;:", CONTINUING | ENDS_QUOTE)  # ARABIC COMMA, ARABIC SEMICOLON
    faces = _span(0x1F600, 0x1F64F) | _span(0x1F900, 0x1F97F) | _span(0x1F3FB, 0x1F3FF)
    hands_hearts = _span(0x1F44C, 0x1F44F) | _span(0x1F493, 0x1F49F) | {"\U0001f44a", "\U0001f64c"}
    party = "\U0001f339\U0001f389\U0001f525\U0001f4aa"  # ROSE, PARTY POPPER, FIRE, FLEXED BICEPS
    # HEAVY BLACK HEART, BLACK HEART SUIT, WHITE SMILING FACE, WHITE FROWNING FACE
    add(faces | hands_hearts | frozenset(party) | frozenset("\u2764\u2665\u263a\u2639"), REACTION)
    return found


CLASSES: Final = _classes()

_BREAKS = chars.char_class(chars.LINE_BREAKS)
_SPACES = chars.char_class(chars.HORIZONTAL_SPACE)
_STOPS = chars.char_class(STOPS)
_NOT_SEEN = chars.char_class(char for char, bits in CLASSES.items() if bits & INVISIBLE)
#: Characters at which something may have to be decided; stops with spaces between are one.
_CANDIDATE = re.compile(
    f"[{_STOPS}](?:[{_SPACES}{_NOT_SEEN}]*[{_STOPS}])*"
    f"|[{_BREAKS}{chars.char_class({*KIND, *BULLETS, VERSE_END})}]"
)
_ALL_WHITE = "".join(char for char, bits in CLASSES.items() if bits & WHITE)
_SHOWS_NOTHING = "".join(char for char, bits in CLASSES.items() if bits & (WHITE | INVISIBLE))
_GAP = re.compile(f"[{_SPACES}{_BREAKS}]*")
_SAME_LINE_GAP = re.compile(f"[{_SPACES}{_NOT_SEEN}]*")
_UNSEEN = re.compile(f"[{_NOT_SEEN}]*")
_DIGITS = re.compile("[0-9\u0660-\u0669\u06f0-\u06f9]*")  # Latin, Arabic-Indic, Extended
_CITATION = re.compile(r"\[[0-9\u0660-\u0669\u06f0-\u06f9]{1,3}\]")


class Span(NamedTuple):
    """A sentence as character offsets: `text[start:end]`, trailing white space included."""

    start: int
    end: int


def sentence_spans(text: str) -> list[Span]:
    """Sentences of `text` in order; the spans cover it without gaps.

    >>> [text[a:b] for text in ["مرحبا. كيف حالك؟ بخير"] for a, b in sentence_spans(text)]
    ['مرحبا. ', 'كيف حالك؟ ', 'بخير']
    """
    return _spans(_Scanner(text).run())


def sentences(text: str) -> list[str]:
    """The sentences without surrounding white space; blank ones are left out."""
    found = (trimmed(text, span) for span in sentence_spans(text))
    return [text[start:end] for start, end in found if start < end]


def trimmed(text: str, span: Span) -> Span:
    """`span` without white space at its ends; empty where nothing in it can be seen."""
    sentence = text[span.start : span.end]
    if not sentence.strip(_SHOWS_NOTHING):
        return Span(span.start, span.start)
    start = span.end - len(sentence.lstrip(_ALL_WHITE))
    return Span(start, span.start + len(sentence.rstrip(_ALL_WHITE)))


class SentenceSplitter:
    """Splits batches of texts, with the compiled procedure once there is much text.

    Both give the same spans (tests compare them), so that a run may change from one to
    the other in the middle. Threads may share one splitter.

    Attributes:
        chars_seen: characters split so far.
    """

    def __init__(self, compile_after_chars: int = COMPILE_AFTER_CHARS) -> None:
        self.chars_seen = 0
        self._compile_after = compile_after_chars

    @property
    def signature(self) -> str:
        """Version of the rules and of Unicode."""
        return f"sentences:{RULES_VERSION}|unicode:{chars.UNICODE_VERSION}"

    def split_many(self, texts: Sequence[str]) -> list[list[Span]]:
        """The sentences of each text in order; see `sentence_spans`."""
        self.chars_seen += sum(map(len, texts))
        if self.chars_seen < self._compile_after:
            return [sentence_spans(text) for text in texts]
        from arabench.text.compiled.sentence_kernel import split_encoded

        encoded: list[bytes] = []
        for text in texts:
            try:
                encoded.append(text.encode("utf-8"))
            except UnicodeEncodeError:  # half of a surrogate pair: only the reference takes it
                encoded.append(b"")
        return [
            sentence_spans(text) if text and not ends else _spans(ends)
            for text, ends in zip(texts, split_encoded(encoded), strict=True)
        ]


def _spans(ends: list[int]) -> list[Span]:
    return list(map(Span, [0, *ends], ends))


class _Enclosure(NamedTuple):
    """A mark that is open: its kind, place, the ends before it, whether words precede it."""

    kind: int
    place: int
    ends: int
    first: bool


class _Scanner:
    """One pass over a text. Ends inside an enclosure are taken back when it closes."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.ends: list[int] = []
        self.start = 0  # of the current sentence: the last of `ends`
        self.open: list[_Enclosure] = []
        self.stop_reach = -1  # place that only blanks separate from a stop before it
        self.full_stop = False  # that stop is a full stop, and no abbreviation's
        self._new_sentence()

    def run(self) -> list[int]:
        """Ends of all sentences; the last is the length of the text unless that is 0."""
        text, position = self.text, 0
        while (match := _CANDIDATE.search(text, position)) is not None:
            place, position = match.span()
            char = text[place]
            if char in STOPS:
                self._stop(place, position)
            elif char in chars.LINE_BREAKS:
                position = self._line_break(place)
            elif char in TURNING:
                is_open = self._is_open(KIND[char])
                direction = self._direction(place, is_open)
                if direction > 0:
                    self._opening(place)
                elif is_open and direction < 0:
                    self._closing(place)
            elif char in DIRECTED:
                self._opening(place)
            elif char in KIND:
                self._closing(place)
            elif char == VERSE_END:
                position = _end(_DIGITS, text, position)
                if self._has_words(place):
                    self._emit(_end(_GAP, text, position))
            elif self._is_bullet(place):
                self._emit(place)
        if self.start < len(text):
            if self.ends and self._is_blank(len(text)):
                self.ends[-1] = len(text)
            else:
                self.ends.append(len(text))
        return self.ends

    # --- the current sentence -------------------------------------------------------------
    def _new_sentence(self) -> None:
        self.first_word = -1  # place of the first letter or digit; known up to `_scanned`
        self.seen = False  # something visible stands in it; known up to `_looked`
        self._scanned = self._looked = self.start

    def _emit(self, end: int) -> None:
        self.ends.append(end)
        self.start = end
        self._new_sentence()

    def _has_words(self, place: int) -> bool:
        """Whether a letter or digit stands between the start and `place`."""
        while self.first_word < 0 and self._scanned < place:
            if not self._class(self._scanned) & NEUTRAL:
                self.first_word = self._scanned
            self._scanned += 1
        return self.first_word >= 0

    def _is_blank(self, place: int) -> bool:
        while not self.seen and self._looked < place:
            self.seen = not self._class(self._looked) & (BLANK | BREAK)
            self._looked += 1
        return not self.seen

    # --- what a candidate does -------------------------------------------------------------
    def _line_break(self, place: int) -> int:
        """Where to go on: nothing opened on this line closes on another."""
        self.open.clear()
        if place < self.start:  # in the white space of the sentence before
            return self.start
        gap = _end(_GAP, self.text, place)
        if not self._is_blank(place):
            self._emit(gap)
        elif self.ends:
            self.ends[-1] = self.start = gap
            self._new_sentence()
        return gap

    def _is_bullet(self, place: int) -> bool:
        before = self._class(place - 1) if place else BREAK
        after = self._class(place + 1) if place + 1 < len(self.text) else BREAK
        return bool(before & WHITE and after & WHITE) and self._has_words(place)

    def _opening(self, place: int) -> None:
        text = self.text
        if text[place] == "(" and text[max(0, place - 1) : place] in {*_BEFORE_FACE}:
            after = text[place + 1 : place + 2]
            if not after or after in "()" or CLASSES.get(after, 0) & WHITE:
                return  # a sad face
        if len(self.open) == MAX_DEPTH:
            self.open.clear()
        first = not self._has_words(place)
        self.open.append(_Enclosure(KIND[text[place]], place, len(self.ends), first))

    def _closing(self, place: int) -> None:
        stopped = self.stop_reach == place
        if stopped:
            self.stop_reach = _end(_SAME_LINE_GAP, self.text, place + 1)
        kind = KIND[self.text[place]]
        if not self._is_open(kind):
            return
        while (enclosure := self.open.pop()).kind != kind:
            pass
        if place - enclosure.place - 1 > MAX_ENCLOSED_CHARS:
            return
        if len(self.ends) > enclosure.ends:
            del self.ends[enclosure.ends :]
            self.start = self.ends[-1] if self.ends else 0
            self.first_word, self.seen = self.start, True
        if place >= self.start and self._has_words(place):
            self._end_behind(enclosure, place, stopped)

    def _end_behind(self, enclosure: _Enclosure, place: int, stopped: bool) -> None:
        """A sentence may end behind the mark that closes an enclosure at `place`."""
        text, kind = self.text, enclosure.kind
        after = place + 1
        while self._class(after) & TRAILING:
            after += 1
        if kind == ORNATE and _is_verse_number(text, enclosure.place + 1, place):
            self._emit(_end(_GAP, text, after))
            return
        following = _end(_SAME_LINE_GAP, text, after)
        if not stopped or self._class(following) & (STOP | CONTINUING):
            return
        spaced = after == len(text) or self._class(after) & WHITE != 0
        if self.full_stop:
            ends = spaced and (kind in (ROUND, SQUARE) or not self._goes_on(following))
        elif kind in (ROUND, SQUARE):
            ends = enclosure.first and spaced
        else:
            ends = False
        if not ends and kind not in (ROUND, SQUARE) and (enclosure.first or self.full_stop):
            mark = text[following : following + 1]
            opens = mark in DIRECTED or (mark in TURNING and following > after)
            ends = opens and KIND[mark] == kind
        if ends:
            self._emit(_end(_GAP, text, after))

    def _goes_on(self, place: int) -> bool:
        """Whether the word at `place` continues the sentence of a quotation before it."""
        letters = ""
        for char in self.text[place : place + LOOK_BACK]:
            bits = CLASSES.get(char, 0)
            if bits & ARABIC:
                letters += char
            elif not bits & UNWRITTEN:
                break
        return letters in GOES_ON

    def _stop(self, place: int, stops_end: int) -> None:
        self.stop_reach = _end(_SAME_LINE_GAP, self.text, stops_end)
        self.full_stop = False
        if self._has_words(place):
            tail, reaction = self._tail(stops_end)
            if self._is_end(place, stops_end, tail, reaction):
                self.full_stop = self.text[place:stops_end] == "."
                self._emit(_end(_GAP, self.text, tail))

    def _tail(self, place: int) -> tuple[int, bool]:
        """Where what belongs to the stop before `place` ends; whether with a face or heart."""
        text, reaction = self.text, False
        while place < len(text):
            bits = self._class(place)
            if bits & (TRAILING | CLOSER):
                place += 1
            elif text[place] in TURNING:
                if self._direction(place, self._is_open(KIND[text[place]])) >= 0:
                    break
                place += 1
            elif text[place] == "[" and (citation := _CITATION.match(text, place)):
                place = citation.end()
            else:
                after = place
                while self._class(after) & SPACE:
                    after += 1
                if not self._class(after) & REACTION:
                    break
                place, reaction = after + 1, True
        return place, reaction

    # --- decisions -------------------------------------------------------------------------
    def _is_end(self, place: int, stops_end: int, tail: int, reaction: bool) -> bool:
        """Whether the stops at `place` end a sentence; `tail` is the end of what follows them."""
        text = self.text
        following = _end(_UNSEEN, text, tail)
        follows = self._class(following)
        spaced = following == len(text) or follows & WHITE != 0 or reaction
        after = _end(_SAME_LINE_GAP, text, tail)  # the next visible character
        next_class = self._class(after)
        if next_class & STOP:
            return False  # that one will decide
        if next_class & CONTINUING and not (
            text[after] == ":" and text[after + 1 : after + 2] in {*_AFTER_COLON}
        ):
            return False
        # What the tail left here opens a quotation.
        mark = text[following : following + 1]
        quotation = KIND.get(mark, ROUND) < ROUND or KIND.get(mark) == ORNATE
        stops = [char for char in text[place:stops_end] if char in STOPS]
        if DOTS.issuperset(stops):
            if stops == ["."]:
                return self._is_full_stop_end(
                    place, stops_end, following, spaced, quotation, next_class
                )
            if self._class(place - 1) & WHITE:
                return spaced and stops == [".", "."]
            return spaced or follows & ARABIC != 0
        if spaced or quotation or follows & ARABIC:
            return True
        return not ARABIC_STOPS.isdisjoint(stops) and (not follows & NEUTRAL or mark in ("#", "@"))

    def _is_full_stop_end(
        self,
        place: int,
        stops_end: int,
        following: int,
        spaced: bool,
        quotation: bool,
        next_class: int,
    ) -> bool:
        text, end = self.text, place
        while end and self._class(end - 1) & BLANK:
            end -= 1
        begin = end
        limit = max(0, end - LOOK_BACK)
        while begin > limit and (
            self._class(begin - 1) & (NEUTRAL | INVISIBLE) != NEUTRAL or text[begin - 1] == "."
        ):
            begin -= 1
        word = text[begin:end]
        part = word.rpartition(".")[2]
        bare = "".join(char for char in part if not CLASSES.get(char, 0) & UNWRITTEN)
        mark = text[stops_end : stops_end + 1]
        closed = mark in TURNING or self._class(stops_end) & CLOSER != 0
        if bare and self._is_abbreviation(word, bare, begin, next_class, closed):
            return False
        if spaced:
            return True
        if not (quotation or text[following] == "#" or self._is_word(following)):
            return False
        last = self._class(end - 1)
        if not bare:  # a closing mark stands before the stop
            return bool(last & CLOSER) or text[end - 1 : end] in TURNING
        return last & (ARABIC | UNWRITTEN | DIGIT) != 0

    def _is_word(self, place: int) -> bool:
        """Whether an Arabic word begins here, rather than letters between full stops."""
        if self.text[place] == chars.WAW and self._class(place + 1) & WHITE:
            return True  # "and", set apart as some do
        letters, end = 0, place
        while letters < 3 and self._class(end) & (ARABIC | UNWRITTEN):
            letters += self._class(end) & ARABIC != 0
            end += 1
        return letters == 3 or (letters == 2 and self.text[end : end + 1] != ".")

    def _is_abbreviation(
        self, word: str, bare: str, begin: int, next_class: int, closed: bool
    ) -> bool:
        """Whether the full stop behind `word`, whose last part is `bare`, belongs to it.

        `closed`: a closing mark follows, which is not where a unit ends a sentence.
        """
        last = CLASSES.get(bare[-1], 0)
        if all(CLASSES.get(char, 0) & DIGIT for char in bare):  # a list item
            parts = "".join(char for char in word if not CLASSES.get(char, 0) & UNWRITTEN)
            return (
                self.first_word >= begin
                and all(char == "." or CLASSES.get(char, 0) & DIGIT for char in parts)
                and len(parts.partition(".")[0]) <= 3
            )
        if len(bare) == 1:
            if last & LATIN:
                return "." in word or not next_class & ARABIC
            if bare in ERA_LETTERS and "." not in word and not closed:
                before = begin
                while before and self._class(before - 1) & BLANK:
                    before -= 1
                return not self._class(before - 1) & DIGIT
            return last & ARABIC != 0
        if len(bare) == 2 and "." in word and last & ARABIC:  # a foreign name, spelled out
            return True
        if last & LATIN and next_class & LOWER:
            return True
        if closed and bare in AND_SO_ON:
            return True
        return bare in ABBREVIATIONS or (bare in BEFORE_NUMBERS and next_class & DIGIT != 0)

    def _direction(self, place: int, is_open: bool) -> int:
        """Of a mark that opens and closes alike: 1 opens, -1 closes.

        A mark with white space before it only, opens; behind it only, closes; else the
        marks take turns.
        """
        before, after = place - 1, _end(_UNSEEN, self.text, place + 1)
        while before >= 0 and self._class(before) & INVISIBLE:
            before -= 1
        starts = before < 0 or self._class(before) & STARTS_QUOTE != 0
        ends = after == len(self.text) or self._class(after) & ENDS_QUOTE != 0
        if starts != ends:
            return 1 if starts else -1
        return -1 if is_open else 1

    def _is_open(self, kind: int) -> bool:
        return any(enclosure.kind == kind for enclosure in self.open)

    def _class(self, place: int) -> int:
        """Bits of the character at `place`; 0 outside the text."""
        return CLASSES.get(self.text[place], 0) if 0 <= place < len(self.text) else 0


def _end(pattern: re.Pattern[str], text: str, place: int) -> int:
    """End of a pattern that always matches."""
    match = pattern.match(text, place)
    return match.end() if match else place


def _is_verse_number(text: str, start: int, end: int) -> bool:
    """Digits and blanks only, as in U+FD3F 12 U+FD3E."""
    inside = [CLASSES.get(char, 0) for char in text[start:end]]
    return any(bits & DIGIT for bits in inside) and all(bits & (DIGIT | BLANK) for bits in inside)
