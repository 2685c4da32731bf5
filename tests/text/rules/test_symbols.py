"""Compatibility forms, digits, scripts, spacing, boilerplate."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabench import chars
from arabench.text.normalizer import Normalizer
from arabench.text.options import Options
from arabench.text.presets import options_from
from arabench.text.rules.boilerplate import is_boilerplate
from tests.strategies import any_text

needs_unicode_14 = pytest.mark.skipif(
    unicodedata.unidata_version != "14.0.0", reason="compares with this Python's Unicode data"
)


@needs_unicode_14
def test_plain_forms_say_what_nfkc_says() -> None:
    for styled, plain in chars.COMPATIBILITY_FORMS.items():
        assert unicodedata.normalize("NFKC", plain) == unicodedata.normalize("NFKC", styled)
        assert not any(char in chars.COMPATIBILITY_FORMS for char in plain)
        assert not any(char.isspace() for char in plain)


@needs_unicode_14
def test_what_nfkc_would_garble_stays() -> None:
    for code in range(0x80, 0x30000):
        kind = unicodedata.decomposition(chr(code)).split(" ")[0]
        if kind in ("<super>", "<sub>", "<fraction>", "<noBreak>"):
            assert chr(code) not in chars.COMPATIBILITY_FORMS


def test_arabic_is_left_to_the_options_for_arabic() -> None:
    arabic = chars.ARABIC_SCRIPT | chars.HORIZONTAL_SPACE | set(chars.PUNCTUATION_UNIFIED)
    assert not arabic & chars.COMPATIBILITY_FORMS.keys()


@pytest.mark.parametrize("target", ["latin", "arabic", "extended"])
def test_digits_go_in_any_direction(target: str) -> None:
    digits = {
        "latin": chars.LATIN_DIGITS,
        "arabic": chars.ARABIC_INDIC_DIGITS,
        "extended": chars.EXTENDED_DIGITS,
    }
    normalizer = Normalizer(options_from("none", {"digits": target}))
    for source in digits.values():
        assert normalizer(source) == digits[target]


@settings(max_examples=300)
@given(any_text, st.sampled_from(["", "é", "é|α"]))
def test_only_chosen_scripts_are_left(text: str, allowed: str) -> None:
    for scripts, kept in (
        ("arabic", chars.ARABIC_TEXT),
        ("arabic_latin", chars.ARABIC_TEXT | chars.LATIN_TEXT),
    ):
        chosen = options_from("none", {"scripts": scripts, "allow_chars": allowed})
        result = Normalizer(chosen)(text)
        assert set(result) <= kept | set(allowed)
        for char in set(text) & (kept | set(allowed)):
            assert result.count(char) >= (char != " ") * text.count(char)


@settings(max_examples=300)
@given(any_text)
def test_spacing_only_adds_spaces(text: str) -> None:
    plain = Normalizer(Options())(text)
    spaced = Normalizer(Options(spacing="separate"))(text)
    assert spaced.replace(" ", "") == plain.replace(" ", "")
    assert spaced.count(" ") >= plain.count(" ")


@pytest.mark.parametrize(
    "line",
    [
        "جميع الحقوق محفوظة",
        "© 2024 جميع الحقوق محفوظة لموقع المدينة",
        "جميع الحقوق محفوظه",
        "شَارِكْ",
        "اقرأ أيضًا: أسعار الذهب اليوم في مصر",
        "إقرأ أيضا",
        "الرئيسية | أخبار | اقتصاد | رياضة",
        "الرئيسية » ثقافة » كتب",
        "Skip to content",
        "هذا الموقع يستخدم ملفات تعريف الارتباط لتحسين تجربتك",
        "تابعنا على تويتر",
        "ﺷﺎﺭﻙ",
        "الصفحة الرئيسية | اتصل بنا",
        "اضغط هنا",
        "الحقول الإلزامية مشار إليها بنجمة",
    ],
)
def test_boilerplate_is_known(line: str) -> None:
    assert is_boilerplate(line)
    assert Normalizer(Options(boilerplate="strip"))(f"أول\n{line}\r\nآخر") == "أول\nآخر"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "   ",
        "123",
        "شارك اللاعب في مباراة أمس",
        "قال إن جميع الحقوق محفوظة للمؤلف وحده",
        "نشرت الصحيفة سياسة الخصوصية الجديدة للشركة",
        "اقرأ أيضا ما كتبه المؤلف في الفصل الثاني عن حياة القرية قبل وصول الكهرباء إليها وبعده",
        "أحمد | القاهرة",
        "الرئيسية | أحمد",
        "شارك على هامش المؤتمر وزير الصحة",
        "حمل التطبيق اسم مخترعه",
        "كتاب | للمؤلف الكبير صاحب الروايات | دار النشر",
        "نعم | لا | ربما.",
    ],
)
def test_prose_is_no_boilerplate(line: str) -> None:
    assert not is_boilerplate(line)
    assert Normalizer(Options(boilerplate="strip"))(line) == line


@settings(max_examples=200)
@given(any_text)
def test_boilerplate_takes_whole_lines_only(text: str) -> None:
    plain = Normalizer(Options())(text)
    left = Normalizer(Options(boilerplate="strip"))(text)
    assert set(left.splitlines()) <= set(plain.splitlines())
