"""Where sentences end: the rules that `arabench.text.sentences` states, one pass over a text.

`arabench.text.compiled.sentence_kernel` is the same procedure compiled, over UTF-8 bytes.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from arabench import chars
from arabench.text.sentence_characters import (
    ABBREVIATIONS,
    AFTER_COLON,
    AND_SO_ON,
    ARABIC,
    ARABIC_STOPS,
    BEFORE_FACE,
    BEFORE_NUMBERS,
    BLANK,
    BREAK,
    CANDIDATE,
    CITATION,
    CLASSES,
    CLOSER,
    CONTINUING,
    DIGIT,
    DIGITS,
    DIRECTED,
    DOTS,
    ENDS_QUOTE,
    ERA_LETTERS,
    GAP,
    GOES_ON,
    INVISIBLE,
    KIND,
    LATIN,
    LOOK_BACK,
    LOWER,
    MAX_DEPTH,
    MAX_ENCLOSED_CHARS,
    NEUTRAL,
    ORNATE,
    REACTION,
    ROUND,
    SAME_LINE_GAP,
    SPACE,
    SQUARE,
    STARTS_QUOTE,
    STOP,
    STOPS,
    TRAILING,
    TURNING,
    UNSEEN,
    UNWRITTEN,
    VERSE_END,
    WHITE,
)


def scan_ends(text: str) -> list[int]:
    """Ends of all sentences; the last is the length of the text unless that is 0."""
    return _Scanner(text).run()


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
        while (match := CANDIDATE.search(text, position)) is not None:
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
                position = _end(DIGITS, text, position)
                if self._has_words(place):
                    self._emit(_end(GAP, text, position))
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
        gap = _end(GAP, self.text, place)
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
        if text[place] == "(" and text[max(0, place - 1) : place] in {*BEFORE_FACE}:
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
            self.stop_reach = _end(SAME_LINE_GAP, self.text, place + 1)
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
            self._emit(_end(GAP, text, after))
            return
        following = _end(SAME_LINE_GAP, text, after)
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
            self._emit(_end(GAP, text, after))

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
        self.stop_reach = _end(SAME_LINE_GAP, self.text, stops_end)
        self.full_stop = False
        if self._has_words(place):
            tail, reaction = self._tail(stops_end)
            if self._is_end(place, stops_end, tail, reaction):
                self.full_stop = self.text[place:stops_end] == "."
                self._emit(_end(GAP, self.text, tail))

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
            elif text[place] == "[" and (citation := CITATION.match(text, place)):
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
        following = _end(UNSEEN, text, tail)
        follows = self._class(following)
        spaced = following == len(text) or follows & WHITE != 0 or reaction
        after = _end(SAME_LINE_GAP, text, tail)  # the next visible character
        next_class = self._class(after)
        if next_class & STOP:
            return False  # that one will decide
        if next_class & CONTINUING and not (
            text[after] == ":" and text[after + 1 : after + 2] in {*AFTER_COLON}
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
        before, after = place - 1, _end(UNSEEN, self.text, place + 1)
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
    return match.end() if (match := pattern.match(text, place)) else place


def _is_verse_number(text: str, start: int, end: int) -> bool:
    """Digits and blanks only, as in U+FD3F 12 U+FD3E."""
    inside = [CLASSES.get(char, 0) for char in text[start:end]]
    return any(bits & DIGIT for bits in inside) and all(bits & (DIGIT | BLANK) for bits in inside)
