"""Rules about letters: presentation forms, Persian keys, alif, hamza, ya, ta marbuta."""

from __future__ import annotations

import re

from arabench import chars
from arabench.text.rules.rule import Rule, char_map, substitution

_MARK = chars.char_class(chars.MARKS)
_LETTER = chars.char_class(chars.LETTERS)

#: Nothing of the word follows: no letter (tatweel included) and no mark.
WORD_END = f"(?![{_LETTER}{_MARK}])"


def expand_presentation_forms() -> Rule:
    """U+FB50-FDFF and U+FE70-FEFC to ordinary letters: PDF and legacy-system text.

    >>> expand_presentation_forms().apply("ﺳﻼﻡ")
    'سلام'
    >>> expand_presentation_forms().apply("سلام")
    'سلام'
    """
    return char_map(
        "presentation-forms",
        "shaped glyph code points become the letters they show (ligatures become several)",
        chars.PRESENTATION_FORMS,
    )


def persian_letters() -> Rule:
    """Keheh, Farsi yeh and heh variants to the Arabic letters they were typed for.

    >>> persian_letters().apply("کتابی")
    'كتابي'
    >>> persian_letters().apply("كتابي پ")
    'كتابي پ'
    """
    return char_map(
        "persian-letters",
        "letters of Persian and Urdu keyboards become the Arabic ones they stand for",
        chars.PERSIAN_TO_ARABIC,
    )


def urdu_letters() -> Rule:
    """Retroflex letters and nasal noon of Urdu to the Arabic letters under them.

    >>> urdu_letters().apply("ٹھیک")
    'تھیک'
    >>> urdu_letters().apply("تهيك")
    'تهيك'
    """
    return char_map(
        "urdu-letters",
        "letters that Urdu adds become the Arabic ones they are built on",
        chars.URDU_TO_ARABIC,
    )


def maghrebi_letters() -> Rule:
    """Maghrebi feh, qaf and noon (dot below, one dot, no dot) to the common shapes.

    >>> maghrebi_letters().apply("ڢاس ڧال")
    'فاس قال'
    >>> maghrebi_letters().apply("فاس قال")
    'فاس قال'
    """
    return char_map(
        "maghrebi-letters",
        "feh, qaf and noon as the Maghreb writes them become the common ones",
        chars.MAGHREBI_TO_ARABIC,
    )


def loan_letters() -> Rule:
    """Letters for p, ch, zh, v and g to the Arabic letters they were made from.

    >>> loan_letters().apply("پيتزا ڤيديو")
    'بيتزا فيديو'
    >>> loan_letters().apply("بيتزا کتاب")
    'بيتزا کتاب'
    """
    return char_map(
        "loan-letters",
        "letters for foreign sounds become the plain letters under their dots",
        chars.LOAN_TO_ARABIC,
    )


def strip_tatweel() -> Rule:
    """Remove U+0640, which stretches a word and means nothing.

    >>> strip_tatweel().apply("جميـــل")
    'جميل'
    >>> strip_tatweel().apply("جميل -- جدا")
    'جميل -- جدا'
    """
    return char_map("tatweel", "the stretching character is removed", {chars.TATWEEL: ""})


def compose_marks() -> Rule:
    r"""Sort the marks on a letter canonically and compose hamza and madda with their carrier.

    This is NFC restricted to the Arabic blocks and to Unicode 14: the order is by
    canonical combining class (short vowels and tanwin, shadda, sukun, superscript
    alef, hamza below, then marks above), stable within a class.

    >>> compose_marks().apply("ا\u0653من")
    'آمن'
    >>> compose_marks().apply("رٔس")
    'رٔس'
    """

    def compose(match: re.Match[str]) -> str:
        base, marks = match.group(1), match.group(2)
        ordered = sorted(marks, key=lambda mark: chars.MARK_CLASS[mark])
        kept: list[str] = []
        last_class = 0
        for mark in ordered:
            composed = chars.COMPOSITIONS.get((base, mark))
            # UAX #15: blocked when a mark of the same class stands between.
            if composed is not None and chars.MARK_CLASS[mark] != last_class:
                base = composed
            else:
                kept.append(mark)
                last_class = chars.MARK_CLASS[mark]
        return base + "".join(kept)

    bases = chars.char_class({base for base, _ in chars.COMPOSITIONS})
    return Rule(
        name="mark-order",
        reason="marks on one letter take canonical order; hamza and madda join their carrier",
        pattern=re.compile(f"([{bases}]|)([{_MARK}]+)"),
        replace=compose,
    )


def _without_hamza_marks(marks: str) -> str:
    return "".join(mark for mark in marks if mark not in chars.HAMZA_MARKS)


def alif_wasla() -> Rule:
    """Only alif wasla becomes a plain alif (Quranic spelling).

    >>> alif_wasla().apply("ٱلكتاب")
    'الكتاب'
    >>> alif_wasla().apply("أحمد")
    'أحمد'
    """
    return char_map("alif-wasla", "alif wasla becomes plain alif", {chars.ALIF_WASLA: chars.ALIF})


def unify_alif() -> Rule:
    """Every alif with hamza, madda or wasla becomes a bare alif.

    Hamza and madda marks that could not compose go with the letter, so that no later
    pass finds a new alif with hamza.

    >>> unify_alif().apply("أحمد إلى آخر")
    'احمد الى اخر'
    >>> unify_alif().apply("سؤال")
    'سؤال'
    """
    variants = chars.char_class(chars.ALIF_VARIANTS | {chars.ALIF})
    return substitution(
        "alif-forms",
        "alif with hamza, madda or wasla becomes bare alif",
        f"[{variants}]([{_MARK}]*)",
        lambda match: chars.ALIF + _without_hamza_marks(match.group(1)),
    )


def bare_hamza_alif() -> Rule:
    """Alif with hamza or wasla becomes a bare alif; alif with madda stays.

    Madda is a sound of its own (hamza and a long a). A madda written as a mark joins its
    alif, also where a hamza went, so that no later pass finds a new one to compose.

    >>> bare_hamza_alif().apply("أحمد")
    'احمد'
    >>> bare_hamza_alif().apply("آخر")
    'آخر'
    """

    def replace(match: re.Match[str]) -> str:
        letter, marks = match.groups()
        has_madda = letter == chars.ALIF_MADDA or chars.MADDA in marks
        return (chars.ALIF_MADDA if has_madda else chars.ALIF) + _without_hamza_marks(marks)

    variants = chars.char_class(chars.ALIF_VARIANTS | {chars.ALIF})
    return substitution(
        "alif-hamza", "alif with hamza or wasla becomes bare alif", f"([{variants}])([{_MARK}]*)",
        replace,
    )  # fmt: skip


def drop_hamza() -> Rule:
    """The hamza on the line goes; its vowels stay on the letter before it.

    >>> drop_hamza().apply("شيء")
    'شي'
    >>> drop_hamza().apply("شيئا")
    'شيئا'
    """
    return char_map("isolated-hamza", "the hamza on the line is removed", {chars.HAMZA: ""})


def hamza_carriers(to_hamza: bool) -> Rule:
    """Waw and ya with hamza become their carriers, or a hamza on the line.

    >>> hamza_carriers(to_hamza=False).apply("سؤال بيئة")
    'سوال بيية'
    >>> hamza_carriers(to_hamza=False).apply("شيء أحمد")
    'شيء أحمد'
    """
    carriers = {chars.WAW_HAMZA: chars.WAW, chars.YA_HAMZA: chars.YA}

    def replace(match: re.Match[str]) -> str:
        letter = chars.HAMZA if to_hamza else carriers[match.group(1)]
        return letter + _without_hamza_marks(match.group(2))

    return substitution(
        "hamza-carriers",
        "waw and ya with hamza become " + ("hamza on the line" if to_hamza else "plain waw and ya"),
        f"([{chars.char_class(carriers)}])([{_MARK}]*)",
        replace,
    )


def strip_loose_hamza_marks() -> Rule:
    r"""Hamza and madda marks left on waw and ya after composition (blocked sequences).

    >>> strip_loose_hamza_marks().apply("و\u0653\u0654")
    'و'
    >>> strip_loose_hamza_marks().apply("ا\u0654")
    'أ'
    """
    return substitution(
        "loose-hamza",
        "a combining hamza that cannot join its waw or ya is removed with the carriers' hamza",
        f"([{chars.WAW}{chars.YA}])([{_MARK}]+)",
        lambda match: match.group(1) + _without_hamza_marks(match.group(2)),
    )


def maqsura_to_ya() -> Rule:
    """Every alif maqsura becomes ya: spellings that differ by two dots meet.

    >>> maqsura_to_ya().apply("على هدى")
    'علي هدي'
    >>> maqsura_to_ya().apply("علا")
    'علا'
    """
    return char_map("maqsura-to-ya", "alif maqsura becomes ya", {chars.ALIF_MAQSURA: chars.YA})


def final_ya_to_maqsura() -> Rule:
    """Word-final ya becomes alif maqsura: the dotless final ya of Egyptian print.

    >>> final_ya_to_maqsura().apply("مصري")
    'مصرى'
    >>> final_ya_to_maqsura().apply("بيت")
    'بيت'
    """
    return substitution(
        "final-ya-to-maqsura",
        "ya at the end of a word loses its dots",
        f"{chars.YA}(?=[{_MARK}]*{WORD_END})",
        chars.ALIF_MAQSURA,
    )


def final_maqsura_to_ya() -> Rule:
    """Word-final alif maqsura becomes ya: the opposite of `final_ya_to_maqsura`.

    >>> final_maqsura_to_ya().apply("مصرى")
    'مصري'
    >>> final_maqsura_to_ya().apply("ىت")
    'ىت'
    """
    return substitution(
        "final-maqsura-to-ya",
        "alif maqsura at the end of a word takes the dots of ya",
        f"{chars.ALIF_MAQSURA}(?=[{_MARK}]*{WORD_END})",
        chars.YA,
    )


def skeleton() -> list[Rule]:
    """Letters to their archigraphemes: what is left without dots and hamza.

    Noon, qaf and yeh keep a form of their own only where no joining letter follows; before
    one they are the same tooth as beh and the same loop as feh. Hamza on the line and
    tatweel stay. After Al-Shaibani and Ahmad, "Dotless Arabic Text for Natural Language
    Processing", Computational Linguistics 51(2), 2025 (arXiv 2312.16104); other languages'
    letters go with the Arabic letter that their Unicode name builds on. The marks must be
    gone already.

    >>> from arabench.text.rules.rule import apply_rules
    >>> apply_rules(skeleton(), "بيت نقي")
    'ٮٮٮ ٮڡى'
    >>> apply_rules(skeleton(), "حصد")
    'حصد'
    """
    inner = chars.INNER_SKELETONS
    joining = chars.char_class(chars.LETTERS - chars.UNJOINED)
    return [
        char_map("skeleton", "letters lose their dots", chars.SKELETONS),
        substitution(
            "skeleton-inner",
            "noon, qaf and yeh before a letter lose what sets them apart",
            f"[{chars.char_class(inner)}](?=[{joining}])",
            lambda match: inner[match.group()],
        ),
    ]


def ta_marbuta_to_ha() -> Rule:
    """Ta marbuta becomes ha: how much informal writing spells it.

    >>> ta_marbuta_to_ha().apply("مدرسة")
    'مدرسه'
    >>> ta_marbuta_to_ha().apply("بيت")
    'بيت'
    """
    return char_map("ta-marbuta", "ta marbuta becomes ha", {chars.TA_MARBUTA: chars.HA})
