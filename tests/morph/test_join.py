"""Joining rules, as a table of words and of their tokens in citation form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arabench import chars
from arabench.morph.join import attach_enclitic, attach_proclitic, join_tokens, may_change

WORDS: list[tuple[str, str]] = [
    # lam and the article
    ("ل+ ال+ كتاب", "للكتاب"),
    ("و+ ل+ ال+ مدينة", "وللمدينة"),
    ("ل+ ال+ ليل", "لليل"),
    ("ل+ ال+ لغة", "للغة"),
    ("ل+ الله", "لله"),
    ("ل+ ٱلله", "لله"),
    ("ل+ الالتزام", "للالتزام"),
    ("ل+ كتاب", "لكتاب"),
    ("ل+ امرأة", "لامرأة"),
    ("لِ+ الْ+ كِتَابِ", "لِلْكِتَابِ"),
    ("ب+ ال+ كتاب", "بالكتاب"),
    ("ه+ ال+ بيت", "هالبيت"),
    ("لا+ الذي", "لاالذي"),
    # teh marbuta
    ("مدرسة +هم", "مدرستهم"),
    ("ال+ مدرس +ة", "المدرسة"),
    ("سيارة +ين", "سيارتين"),
    ("مَدْرَسَةُ +هُمْ", "مَدْرَسَتُهُمْ"),
    ("مدرسةـ +هم", "مدرستـهم"),
    # alef maksura
    ("و+ على +هم", "وعليهم"),
    ("إلى +نا", "إلينا"),
    ("الى +كم", "اليكم"),
    ("لدى +ه", "لديه"),
    ("على +ي", "علي"),
    ("مستشفى +هم", "مستشفاهم"),
    ("رمى +ه", "رماه"),
    ("هدى +ي", "هداي"),
    # the silent alef
    ("كتبوا +ه", "كتبوه"),
    ("كتب +وا +ها", "كتبوها"),
    ("ما+ كتبوا +ش", "ماكتبوش"),
    ("قالوا +ل +ك", "قالولك"),
    ("كَتَبُوا +هُ", "كَتَبُوهُ"),
    ("نوا +ة", "نواة"),
    ("قالوا", "قالوا"),
    # hamza
    ("أصدقاء +هم", "أصدقائهم"),
    ("أصدقاء +ي", "أصدقائي"),
    ("جزء +ه", "جزءه"),
    ("جاء +ت", "جاءت"),
    # nothing changes
    ("كتاب +ي", "كتابي"),
    ("س+ يكتب +ون", "سيكتبون"),
    ("ل +ك", "لك"),
]


def parse(line: str) -> tuple[list[str], str, list[str]]:
    """Proclitics, host and enclitics of a marked word."""
    tokens = line.split()
    before = [token[:-1] for token in tokens if token.endswith("+")]
    after = [token[1:] for token in tokens if token.startswith("+")]
    return before, tokens[len(before)], after


@pytest.mark.parametrize(("tokens", "word"), WORDS)
def test_tokens_join_as_arabic_is_spelled(tokens: str, word: str) -> None:
    assert join_tokens(*parse(tokens)) == word


arabic = st.text(st.sampled_from("ابتلويىةءهمنك\u0651\u0640أٱ"), max_size=6)


@given(arabic, arabic)
def test_letters_of_the_clitic_are_never_lost(clitic: str, word: str) -> None:
    assert attach_proclitic(clitic, word).startswith(clitic)
    joined = attach_enclitic(word, clitic)
    assert joined.endswith(clitic)
    assert len(joined) >= len(word) + len(clitic) - 1 - word.count(chars.TATWEEL) - sum(
        char in chars.MARKS for char in word
    )


@given(st.lists(arabic.filter(bool), min_size=1, max_size=4), st.integers(0, 3))
def test_where_nothing_may_change_letters_are_put_in_a_row(texts: list[str], host: int) -> None:
    host %= len(texts)
    joined = join_tokens(texts[:host], texts[host], texts[host + 1 :])
    assert joined == "".join(texts) or may_change(texts, host)


@given(arabic)
def test_nothing_attached_changes_nothing(word: str) -> None:
    assert attach_enclitic(word, "") == word
    assert join_tokens([], word, []) == word
