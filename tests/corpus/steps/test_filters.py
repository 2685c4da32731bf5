"""Measures, thresholds and reasons of the document filters."""

from __future__ import annotations

import dataclasses
import itertools
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabench import chars
from arabench.corpus import word_hashes as words
from arabench.corpus.steps.filters import verdicts as filters
from arabench.corpus.steps.filters.filter_options import (
    FilterOptions,
    option_types,
    options_from,
    presets,
)
from arabench.corpus.steps.filters.spread import Spread
from arabench.corpus.steps.filters.text_measures import (
    MEASURES,
    PHRASE_WORDS,
    measure_many,
    stop_words,
)
from arabench.corpus.steps.filters.verdicts import REASONS, FilterStep, judge, judge_many, measure
from arabench.errors import UsageError
from arabench.text.hash_arrays import HashSet
from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from as normalization
from arabench.text.rules.boilerplate import phrases
from tests.strategies import any_text

#: Natural sentences of each variety, written for this test.
SENTENCES = {
    "msa": [
        "وصل القطار إلى المحطة متأخرا، ولم يجد المسافرون من يخبرهم عن سبب التأخير.",
        "تحتاج هذه المدينة إلى حدائق أكثر مما تحتاج إلى مواقف جديدة للسيارات.",
        "قالت المعلمة إن الامتحان سيكون سهلا لمن قرأ الدرس في البيت قبل أن يأتي.",
    ],
    "egy": [
        "انا مش عارف ليه الناس دي كلها واقفة قدام المحل من الصبح بدري كده",
        "بص يا سيدي، احنا هنروح بكرة عند خالتي وبعدين نبقى نشوف هنعمل ايه",
        "الراجل ده كان عايز يشتري العربية بس الفلوس اللي معاه مكفتش",
    ],
    "glf": [
        "والله ما أدري وش السالفة بس الحين لازم نروح قبل لا يسكر المطعم",
        "شلونكم عساكم بخير، تراني مشغول وايد هالأيام وما عندي وقت أزوركم",
        "هالسيارة حق أخوي، أبيها بس باجر عشان أوصل أمي المستشفى",
    ],
    "lev": [
        "شو بدك تعمل هلأ بعد ما خلصت الجامعة، رح تضل هون ولا بدك تسافر",
        "يعني أنا ما كنت بعرف إنو بيتكن قريب كتير من هون، كنت إجيت لعندكن من زمان",
        "هالأكلة كتير طيبة، مين اللي طبخها إنتي ولا إمك",
    ],
    "mgr": [
        "واش كاين شي حد اللي يقدر يعاوني، راه ما فهمت والو من هاد الشي",
        "البارح مشيت للسوق باش نشري الخضرة ولكن كلشي كان غالي بزاف",
        "علاش ما جيتيش معانا، كنا كنتسناوك حتى لعشية ومن بعد مشينا بحالنا",
    ],
}
#: Names of towns: words of Arabic, and no text.
NAMES = (
    "القاهرة بيروت تونس دمشق الرباط عمان الكويت المنامة الدوحة مسقط صنعاء بغداد الخرطوم "
    "طرابلس نواكشوط الجزائر مقديشو جيبوتي أبوظبي الرياض جدة مكة حلب حمص اللاذقية طرطوس "
    "إربد الزرقاء العقبة نابلس الخليل رام غزة حيفا يافا عكا صيدا صور بعلبك زحلة"
)
PROSE = " ".join(itertools.chain.from_iterable(SENTENCES.values()))
OFF = options_from("none")


def _only(**limits: float) -> FilterOptions:
    return dataclasses.replace(OFF, statistics_from_words=0, **limits)


@pytest.mark.parametrize("variety", SENTENCES)
@pytest.mark.parametrize("preset", [None, "tweets"])
def test_dialect_sentences_pass(variety: str, preset: str | None) -> None:
    options = options_from(preset) if preset else FilterOptions()
    assert judge_many(SENTENCES[variety], options) == [None] * 3


@pytest.mark.parametrize("variety", SENTENCES)
def test_a_page_in_a_dialect_passes_the_preset_for_the_web(variety: str) -> None:
    page = "\n".join(f"{sentence}." for sentence in SENTENCES[variety])
    assert judge(page, dataclasses.replace(options_from("web"), min_words=20)) is None
    assert judge(PROSE, options_from("web")) is None


@pytest.mark.parametrize("variety", ["egy", "glf", "lev", "mgr"])
def test_a_list_of_msa_words_alone_would_lose_dialect_sentences(
    variety: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = " ".join(SENTENCES[variety])
    full = measure(text)["stop_words"]
    msa_only = HashSet(words.scan(stop_words()["msa"]).hashes)
    monkeypatch.setattr(
        "arabench.corpus.steps.filters.text_measures._known_stop_words", lambda: msa_only
    )
    assert measure(text)["stop_words"] < 0.75 * full


@pytest.mark.parametrize(
    ("reason", "text", "options"),
    [
        ("too few words", "قرأت الكتاب", FilterOptions()),
        ("too few words", "", FilterOptions()),
        ("too few words", "https://example.org/a/b/c @someone me@example.org", FilterOptions()),
        ("too many words", PROSE, _only(max_words=100)),
        ("Arabic share", "This page is English, except كتاب and قلم", FilterOptions()),
        ("Arabic share", "Эта страница на русском языке", FilterOptions()),
        ("symbol share", "عرض اليوم ★★★★★ ►►► ▒▒▒ لا يفوتك", FilterOptions()),
        ("symbol share", "هذا نص تالف \ufffd\ufffd\ufffd\ufffd\ufffd\ufffd جدا", FilterOptions()),
        ("words without letters", "النتائج 3 1 2 0 4 4 1 0 2 2 للفريق الأول", FilterOptions()),
        ("repeated lines", "أهلا بكم في الموقع\n" * 3, FilterOptions()),
        ("repeated phrases", f"{PROSE} " * 3, FilterOptions()),
        ("one phrase over and over", "شحن مجاني " * 20, _only(max_top_phrase=0.2)),
        ("word length", " ".join(PROSE.replace(" ", "")), FilterOptions()),
        ("word length", PROSE.replace(" ", "") * 2, _only(max_mean_word_chars=9)),
        ("stop-word share", NAMES, FilterOptions()),
        ("boilerplate", "الصفحة الرئيسية | اتصل بنا\nجميع الحقوق محفوظة 2024", FilterOptions()),
    ],
)
def test_every_reason_has_texts_that_fall_to_it(
    reason: str, text: str, options: FilterOptions
) -> None:
    assert judge(text, options) == reason


def test_a_verdict_says_value_and_threshold() -> None:
    verdict = judge_many(["This is كتاب in English words"], FilterOptions())[0]
    assert verdict == "Arabic share: 0.167, at least 0.5"


@pytest.mark.parametrize(
    ("measured", "text", "expected"),
    [
        ("words", "", 0),
        ("words", "كلمتان،فقط", 2),
        ("words", "#مصر_الجديدة", 2),
        ("words", "انظر https://t.co/Abc123 يا @user_1 وراسلني me@x.org", 3),
        ("words", "هنا الرابطhttps://t.co/x", 2),
        ("arabic", "كتاب book", 0.5),
        ("arabic", "كِتَابٌ ـــ 123 book", 0.5),
        ("arabic", "\ufefb\ufe8e abc", 0.5),  # the lam-alef ligature is two letters
        ("arabic", "123 ... 😀", 0),
        ("symbols", "نعم 😀", 1 / 4),
        ("symbols", "a#b", 1 / 3),
        ("symbols", "سلام\u200d\u0651", 0),
        ("letter_words", "في 3 مايو 2020", 1 / 2),
        ("letter_words", "كوفيد19", 1),
        ("mean_word_chars", "مُحَمَّدٌ في", 3),
        ("stop_words", "وفي البيت", 1 / 2),
        ("stop_words", "إلىٰ البيت", 1 / 2),
        ("stop_words", "الي البيت", 1 / 2),
        ("stop_words", "وفاء وليد", 0),
        ("repeated_lines", "سطر أول\nسطر ثان\nسَطر أوّل", 1 / 3),
        ("repeated_lines", "سطر\n\n\n\n", 0),
        ("boilerplate", "نص\nاقرأ أيضًا\nنص", 8 / 12),
    ],
)
def test_measures_of_small_texts(measured: str, text: str, expected: float) -> None:
    assert measure(text)[measured] == pytest.approx(expected)


def test_a_long_line_that_speaks_of_a_notice_is_no_boilerplate() -> None:
    text = "كتب المحرر مقالا طويلا يشرح فيه لماذا لا يقرأ أحد سياسة الخصوصية في أي موقع يزوره"
    assert measure(text)["boilerplate"] == 0
    assert measure("سياسة الخصوصية")["boilerplate"] == 1


def test_a_phrase_does_not_reach_over_lines_or_texts() -> None:
    assert measure("سياسة\nالخصوصية")["boilerplate"] == 0
    five = "واحد اثنان ثلاثة أربعة خمسة"
    assert measure_many([five, five]).repeated_phrases.tolist() == [0, 0]
    assert measure_many([five, five]).repeated_lines.tolist() == [0, 0]
    assert measure(f"{five}\n{five}")["repeated_phrases"] == pytest.approx(0.5)


def test_repetition_is_what_counting_in_plain_python_gives() -> None:
    text = f"{PROSE} جديد {SENTENCES['lev'][0]} آخر {SENTENCES['msa'][1]}"
    tokens = Normalizer(normalization("search")).normalize(text).split()
    seen: set[tuple[str, ...]] = set()
    covered: set[int] = set()
    for place in range(len(tokens) - PHRASE_WORDS + 1):
        phrase = tuple(tokens[place : place + PHRASE_WORDS])
        if phrase in seen:
            covered |= set(range(place, place + PHRASE_WORDS))
        seen.add(phrase)
    letters = sum(map(len, tokens))
    assert covered
    expected = sum(len(tokens[place]) for place in covered) / letters
    assert measure(text)["repeated_phrases"] == pytest.approx(expected)
    most = max(
        count * len("".join(pair))
        for pair, count in Counter(itertools.pairwise(tokens)).items()
        if count > 1
    )
    assert measure(text)["top_phrase"] == pytest.approx(most / letters)


@given(st.lists(any_text, max_size=6))
@settings(max_examples=150, deadline=None)
def test_any_texts_are_measured_and_their_neighbours_make_no_difference(texts: list[str]) -> None:
    together = measure_many(texts)
    for name in MEASURES:
        values = getattr(together, name)
        assert len(values) == len(texts)
        assert np.isfinite(values).all()
        if name not in {"words", "mean_word_chars"}:
            assert ((values >= 0) & (values <= 1)).all()
        assert values.tolist() == [measure(text)[name] for text in texts]


@given(st.lists(any_text, min_size=1, max_size=6), st.integers(1, 40))
@settings(max_examples=100, deadline=None)
def test_words_do_not_depend_on_the_block(texts: list[str], size: int) -> None:
    whole = words.scan(texts)
    parts = list(words.blocks(texts, size))
    assert np.concatenate([part.hashes for part in parts]).tolist() == whole.hashes.tolist()
    counts = np.concatenate([np.diff(part.text_words) for part in parts])
    assert counts.tolist() == np.diff(whole.text_words).tolist()


@given(st.text(st.sampled_from([*sorted(chars.LETTERS | chars.MARKS), "A", "z", " "]), max_size=30))
@settings(max_examples=150, deadline=None)
def test_words_are_equal_where_the_search_preset_makes_texts_equal(text: str) -> None:
    normalized = Normalizer(normalization("search")).normalize(text)
    assert words.scan([text]).hashes.tolist() == words.scan([normalized]).hashes.tolist()


def test_every_code_point_has_one_class() -> None:
    every = "".join(map(chr, range(0x110000)))
    classes = words.scan([every[: 1 << 20], every[1 << 20 :]]).classes
    known = {
        words.ARABIC, words.LETTER, words.DIGIT, words.SYMBOL,
        words.PUNCTUATION, words.SPACE, words.IGNORED, words.LINK,
    }  # fmt: skip
    assert set(np.unique(classes).tolist()) <= known


def test_of_a_monster_text_only_the_beginning_is_scanned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "MAX_TEXT_CHARS", 100)
    values = measure_many(["كلمة " * 1000, "نص قصير"])
    assert values.words.tolist() == [20, 2]


@pytest.mark.parametrize("variety", ["msa", "egy", "glf", "lev", "mgr"])
def test_stop_words_are_single_words_each_listed_once(variety: str) -> None:
    listed = stop_words()[variety]
    block = words.scan(listed)
    assert np.diff(block.text_words).tolist() == [1] * len(listed)
    assert len(set(block.hashes.tolist())) == len(listed)
    assert len(listed) >= 100


def test_boilerplate_phrases_are_found_alone() -> None:
    whole, beginning = phrases()
    lines = [*sorted(whole), *beginning]
    assert measure_many(lines).boilerplate.tolist() == [1.0] * len(lines)


@pytest.mark.parametrize(
    "line",
    [
        "قال إن جميع الحقوق محفوظة للمؤلف وحده",  # counted by filter:1, for it holds a phrase
        "قد يعجبك أيضا",  # deleted by normalize and not counted by filter:1
        "حدث خطأ",  # counted by filter:1 and not deleted by normalize
        "الرئيسية | أخبار | اقتصاد",
        "الرئيسية | اتصل بنا",
        "© 2024 كل الحقوق محفوظة",
        "جميع الحقوق محفوظة ﷺ",
        "ﻻ ﺗﻮﺟﺪ ﺗﻌﻠﻴﻘﺎﺕ",
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\u2028"])
def test_the_lines_that_normalize_deletes_are_the_lines_that_are_counted(
    line: str, end: str
) -> None:
    text = f"ﻻ نعرف{end}{line}{end}من هنا"
    strip = Normalizer(normalization("none", {"boilerplate": "strip"}))
    left = strip(text)
    letters = measure_many([text, left]).mean_word_chars * measure_many([text, left]).words
    assert measure(text)["boilerplate"] == pytest.approx(1 - letters[1] / letters[0])
    assert left == (f"ﻻ نعرف{end}من هنا" if "قال" not in line else text)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"min_arabic": 1.5}, "is not a share"),
        ({"max_symbols": -0.1}, "is not a share"),
        ({"max_symbols": float("nan")}, "is not a share"),
        ({"min_words": -1}, "Use 0 or more"),
        ({"min_words": 2.5}, "whole number"),
        ({"max_mean_word_chars": float("inf")}, "Use 0 or more"),
        ({"min_words": 10, "max_words": 5}, "nothing would be kept"),
        ({"min_arabic": "half"}, "is not a number"),
        ({"min_arabic": True}, "is not a number"),
    ],
)
def test_impossible_thresholds_are_refused(values: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        FilterOptions(**values)  # type: ignore[arg-type]


def test_unknown_presets_and_options_are_refused_with_a_suggestion() -> None:
    with pytest.raises(UsageError, match="Did you mean 'tweets'"):
        options_from("tweet")
    with pytest.raises(UsageError, match="Did you mean 'min_arabic'"):
        options_from("web", {"min_arabik": 0.5})


@pytest.mark.parametrize("name", presets())
def test_presets_name_options_only_and_say_what_they_are_for(name: str) -> None:
    assert set(presets()[name]) - {"description"} <= set(option_types())
    assert presets()[name]["description"]
    assert options_from(name).signature.startswith("filter:")


@given(any_text)
@settings(max_examples=50, deadline=None)
def test_the_preset_none_drops_nothing(text: str) -> None:
    assert judge(text, OFF) is None


def test_every_option_can_drop_and_every_reason_is_reachable() -> None:
    reached = {
        value
        for check in filters._CHECKS
        for value in (check.least, check.most)
        if value is not None
    }
    # Those of dialect identification have a test with a model, in test_dialect.py.
    by_variety = {name for name in option_types() if "variet" in name or "dialect" in name}
    assert reached == set(option_types()) - {"statistics_from_words"} - by_variety
    assert len(REASONS) == len(set(REASONS))


def test_the_step_keeps_order_and_null_rows_and_names_reasons() -> None:
    rows = [
        {"id": 1, "text": SENTENCES["egy"][0]},
        {"id": 2, "text": None},
        {"id": 3, "text": "short"},
        {"id": 4, "text": SENTENCES["mgr"][0]},
    ]
    processed = FilterStep(FilterOptions())(rows)
    assert [row["id"] for row in processed.rows] == [1, 2, 4]
    assert [(row["id"], reason) for row, reason in processed.dropped] == [
        (3, "too few words: 1, at least 3")
    ]
    assert processed.changed == 0
    assert FilterStep(FilterOptions())([]).rows == []


def test_the_spread_of_measures_has_quantiles_and_no_order() -> None:
    texts = ["كلمة " * count for count in range(1, 101)]
    one, many = Spread(), Spread()
    one.add(measure_many(texts))
    threads = [
        threading.Thread(target=lambda part=part: many.add(measure_many(texts[part::4])))
        for part in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert one.quantiles() == many.quantiles()
    assert one.texts == many.texts == 100
    assert one.quantiles()["words"]["p50"] == pytest.approx(50, rel=0.03)
    assert one.quantiles()["arabic"]["p01"] == 1
    assert Spread().quantiles() == {}


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["arb", "arz", "apc", "ajp", "acm", "acq", "aeb", "ary"])
def test_real_sentences_of_every_variety_pass(shared_data: Path, name: str) -> None:
    lines = (shared_data / "flores200" / f"{name}_Arab.txt").read_text("utf-8").splitlines()
    dropped = [verdict for verdict in judge_many(lines, FilterOptions()) if verdict]
    assert len(dropped) <= 0.01 * len(lines)
    pages = [" ".join(lines[place : place + 6]) for place in range(0, len(lines) - 5, 6)]
    assert not [verdict for verdict in judge_many(pages, options_from("web")) if verdict]
