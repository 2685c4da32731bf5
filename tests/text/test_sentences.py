"""Sentence ends, and what only looks like one. `|` marks the expected ends."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings

from arabench.text.sentence_characters import MAX_ENCLOSED_CHARS
from arabench.text.sentences import sentence_spans, sentences
from tests.strategies import any_text

PLAIN = [
    "ذهبت إلى السوق. |اشتريت خبزا.",
    "متى تعود؟ |غدا! |حسنا",
    "هل جئت؟! |نعم",
    "أحقا؟؟!! |لا أصدق",
    "ما هذا ؟ ؟ |لا أدري",
    "اشتريت تفاحا، وموزا؛ ثم عدت: لم أجد أحدا.",
    "هل نجحت؟، سألته أمه. |نعم",
    "هل نجحت ؟ ، سألته أمه .",
    "وقف القطار. ؛ نزلنا",
    "جملة بلا علامة في آخرها ولا في وسطها",
    "سطر أول\n|سطر ثان",
    "سطر أول\r\n\r\n|سطر ثان\u2028|سطر ثالث",
    "  مقدمة.   |تالية.  ",
    "\n\n  عنوان\n|نص",
    "انتهى الدرس۔ |خرجنا",
    "كيف؟!؟ |هكذا⁉ |نعم",
]
#: Quranic verse ends, verses of poems, lists, headings.
LAYOUT = [
    "قل هو الحق \u06dd١ |وإليه المآب \u06dd٢",
    "\u06dd١ قل هو الحق \u06dd٢ |وإليه المآب",
    "قل هو الحق \ufd3f١\ufd3e |وإليه المآب \ufd3f٢\ufd3e",
    "قال تعالى \ufd3fإن مع الصبر نصرا. وإن بعده فرجا.\ufd3e |صدق الله العظيم",
    "يا ليل طال بي السهر ... وغاب عن عيني القمر\n|فمتى يعود لنا الصفا ... ومتى يطيب لنا السمر",
    "صدر البيت هنا *** وعجزه هناك\n|صدر ثان # وعجز ثان",
    "1. افتح الباب\n|2. أغلقه",
    "1. افتح الباب. |2. أغلقه. |3. اجلس",
    "٢.١. مقدمة الفصل\n|٢.٢. نتائجه",
    "1 . افتح الباب",
    "أ. الحل الأول\n|ب. الحل الثاني",
    "الشروط: |• أن يحضر باكرا |• أن يحمل بطاقة",
    "2020. |سنة لا تنسى",  # a year is no number of a list
    "***\n|نص",
]
FULL_STOPS = [
    "السعر 3.14 دينار. |غال.",
    "بلغ العدد ١٬٠٠٠٫٥ طن. |زاد",
    "بلغ العدد 1,000.5 طن. |زاد",
    "سافر في 12.5.2024. |ثم عاد في 3.6.2024 مساء",
    "ولد سنة 1990. |مات سنة 2020.",
    "زارني د. أحمد أمس. |ثم سافر.",
    "زارني د . أحمد أمس .",
    "زارني أ.د. سمير وم. ليلى",
    "كتبها أ. م. د. هدى",
    "ص.ب. 120 بيروت. |لبنان",
    "عاش في القرن الثاني ق.م. في بابل",
    "تأسست عام 1990 م. |ثم أغلقت",
    "توفي سنة 256 هـ. |ودفن هناك",
    "توفي سنة 256هـ. |ودفن هناك",
    "كتبه جون هـ. سميث. |ثم نشره",
    "في العصر الأول (120 م.) كانت قرية",
    "تبعد المدينة 5 كم. |وهي صغيرة",
    "اشترى خبزا وجبنا إلخ. |ثم عاد",
    "أدوات (مطرقة، منشار، الخ.) كثيرة",
    "صحيح البخاري، تح. محمود سالم، مج. 3، صص. 12",
    "انظر example.com الآن. |شكرا",
    "أرسل إلى ali.h@example.com. |شكرا",
    "افتح http://example.com/a.php?id=3&b=1.5 الآن",
    "احفظ الملف report.final.pdf. |ثم أغلقه",
    "قال Dr. Ali نعم. |ثم مضى",
    "سأل J. Smith عنك. |من هو؟",
    "فواكه (e.g. apples) كثيرة",
    "في U.S. Army قديما",
    "We met Mr. Hill, etc. and left. |Then he spoke.",
    "نقص فيتامين C. |وهو مهم",
    "انظر No. 5 و Fig. 2 فيه",
    "برنامج .NET مفيد",
    "وصل متأخرا.|ثم نام. |انتهى",
    "وصل متأخرا .|ثم نام",
    "كتب له.|وعاد",
    "كان ذلك عام 1990.|ثم تغير",
    "رفضت الدول.|و وافقت واحدة",
    "نادي إي.سي. ميلان وشركة آر.كي.أو القديمة",
    "ش.م.م والجمهورية ج.م.ع معا",
    "سنة 200ق.م عاشوا",
    "ذَهَبَ الوَلَدُ.|ثُمَّ عادَ",
    "انتهى\u200f.\u200f |ثم بدأ",
    "انتهى.\u202c |ثم بدأ",
    "رواه أحمد.[1] |وذكره غيره.[٢][3] |وسكت",
]
ELLIPSES = [
    "انتظرت... |ثم رحلت… |وحدي",
    "كنت أعرف..|لكني نسيت",
    "ما أعرف .. |يمكن بكرة",
    "من أول القصة ... إلى آخرها",
    "من أول القصة … إلى آخرها",
    "... ثم قال له. |فسكت",
    "قال كل شيء (...) ثم سكت",
    "نسخة 2...5 منها",
]
QUOTATIONS = [
    "قال «أين أنت؟ لم أرك.» ثم مضى. |وعاد",
    "قال: «أين أنت؟ لم أرك». |ومضى",
    'كتب "لا أحد هنا. عد غدا." |وعلقها على الباب',
    'صاح "قف!" ومضى',
    "«لا أعرف.» |«ولماذا؟» |«هكذا.»",
    "سأل «لماذا؟» «وكيف؟» معا",
    "«قوس لا يغلق. |ثم جملة. |وأخرى",
    "قال: «قرأت كتاب “الأيام. الجزء الأول” أمس. أعجبني». |وابتسم",
    "قال: ”لا أدري. ربما.“ |وأغلق الباب",
    'قال : " لا أدري . ربما " ومضى',
    'شاشة مقاسها 15" جديدة. |سعرها "جيد. ومناسب" لنا',
    "انتهى الدرس (أخيرا!) وخرجنا",
    "ولد سنة 850 (؟) في بغداد. |وعاش",
    "خرجنا مبكرا. |(وكان المطر ينزل.) |ثم عدنا",
    "(هل كان المطر ينزل؟) |ثم عدنا",
    "زعلت منه :( بس عادي. |رحت البيت (هنا)",
    "قال (نعم).|ثم نام",
    "هذا [كما رأيت. ورأى] صحيح",
    "«سطر مفتوح.\n|وسطر بعده.» |نعم",
    "نعم.) |ثم لا",
    "قال «نعم.» . |ثم سكت",
]
SOCIAL = [
    "رائع جدا! 😂😂 |شكرا لكم",
    "رائع جدا!❤️|شكرا لكم",
    "شكرا. |:) مع السلامة",
    "أين أنتم؟|#سؤال_اليوم",
    "لا يوجد في page?id=3 شيء!",
]
CASES = [*PLAIN, *LAYOUT, *FULL_STOPS, *ELLIPSES, *QUOTATIONS, *SOCIAL]


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize("marked", CASES)
def test_sentence_ends(marked: str) -> None:
    assert cut(marked.replace("|", "")) == marked.split("|")


@pytest.mark.parametrize("inside", [MAX_ENCLOSED_CHARS, MAX_ENCLOSED_CHARS + 1])
def test_only_a_quotation_of_bounded_length_protects_its_stops(inside: int) -> None:
    words = "نعم. لا. "
    text = f"قال «{(words * inside)[: inside - 1]}م» وسكت"
    assert (len(cut(text)) == 1) is (inside == MAX_ENCLOSED_CHARS)


@settings(max_examples=1500, deadline=None)
@given(any_text)
def test_spans_rejoin_to_the_text(text: str) -> None:
    spans = sentence_spans(text)
    assert "".join(text[start:end] for start, end in spans) == text
    assert all(start < end for start, end in spans)
    if len(spans) > 1:
        assert all(text[start:end].strip() for start, end in spans)


def test_sentences_are_stripped_and_never_empty() -> None:
    assert sentences(" أ ب. \n\n  ج د؟ \n") == ["أ ب.", "ج د؟"]
    assert sentences("  \n ") == []


def test_a_line_of_invisible_characters_is_no_sentence() -> None:
    assert cut("\u200f\nسطر\n\u200f\n\u200e\nآخر") == ["\u200f\nسطر\n\u200f\n\u200e\n", "آخر"]


HOSTILE = ["كلمة. ", "«", "؟", "د.", "\n", "a.", "«ك.» ", '"', '" ', ".", ". ", " ", "(", "()"]
HOSTILE += [
    "((.))",
    "\u200f\n",
    "- . ",
    "ك.\u200f",
    "1.",
    "[1]",
    "ك.[1]",
    "•",
    "ك • ",
    "ك!😂 ",
    "…",
]
HOSTILE += ["“", "”“", "\ufd3f١\ufd3e", "\u06dd", '." ', "\u200f", ".)"]


@pytest.mark.parametrize("unit", HOSTILE)
def test_time_grows_with_the_length_only(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    started = time.process_time()
    sentence_spans(text)
    # About 0.1 s where time grows with the length, five and more where with its square.
    assert time.process_time() - started < 2
