"""Hypothesis strategies shared by the tests."""

from __future__ import annotations

from hypothesis import strategies as st

from arabench import chars
from arabench.text.normalizer import is_idempotent
from arabench.text.options import Options, option_values

#: Characters on which rules act, so that random text meets them often.
_INTERESTING = "".join(
    sorted(
        chars.MARKS
        | chars.ALIF_VARIANTS
        | set(chars.PERSIAN_TO_ARABIC)
        | chars.ZERO_WIDTH
        | chars.BIDI_CONTROLS
        | chars.HORIZONTAL_SPACE
        | chars.LINE_BREAKS
        | chars.PUNCTUATION
        | set("ابتيىةهءؤئوحـ٣۴5a\U0001f600\u2764\ufe0f\u0301\ud800\udfff\0")
        | {"\ufefb", "\ufdfa", "\ufe70", "\ufe71", "\ufcf2"}
    )
)

any_text = st.text(st.one_of(st.sampled_from(_INTERESTING), st.characters()), max_size=24)

#: Pieces of web addresses, handles, numbers, markup and drawn-out words, which single
#: random characters never form.
_PIECES = (
    "http://", "https://", "HTTPS://", "ftp://", "www.", "example.com", "a.b",
    "user", "@", "#", "_", "+", "00", "966", "050", "123", "4567", "501234567",
    "٠٥٠", "۱۲۳۴", " ", "  ", "\u00a0", "-", ".", "/", "(", ")", "!", "؟", "،", "…",
    "\"", "<", ">", "<b>", "</p>", "<!--", "-->", "&amp;", "&lt;", "&#x", "41;",
    "=", "'", "قطر", "كتابٌ", "ههه", "aa", "w", "ى", "ي", "ة", "ء", "أ", "\n", "[",
    "]", "رابط", "[رابط]", "<url>", "[مستخدم]", "\ufdd0", "\ufdd3", "😀", "❤",
    "\ufe0f", "\u200d", "🇪", "🏽", "5", "\u20e3", "©", "\u0651", "\u064e", "ـ",
    "\u200f", "\u200c", "é", "ｗ", "＃", "＠", "٪", "٫", "\ud800", "ﷺ",
)  # fmt: skip

#: Text in which entities, markup and repetition are likely.
web_text = st.lists(st.sampled_from(_PIECES), max_size=12).map("".join)


def _complete(values: dict[str, str], numbers: tuple[float, int, int, int], extra: str) -> Options:
    """Options of random values, with what they need and without what says nothing."""
    rate, seed, letters, marks = numbers
    if values["alif"] == "unify" or values["hamza"] != "keep":
        values = {**values, "mark_order": "canonical"}
    more: dict[str, str | int | float] = {}
    if values["diacritics"] == "partial":
        more |= {"partial_rate": rate, "partial_seed": seed}
    if values["elongation"] == "cap":
        more["elongation_max"] = letters
    if values["repeated_punctuation"] == "cap":
        more["punctuation_max"] = marks
    if values["scripts"] != "keep":
        more["allow_chars"] = extra
    return Options(**values, **more)  # type: ignore[arg-type]


_numbers = st.tuples(
    st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    st.integers(0, (1 << 63) - 1),
    st.integers(1, 4),
    st.integers(1, 4),
)

options = st.builds(
    _complete,
    st.fixed_dictionaries(
        {name: st.sampled_from(allowed) for name, allowed in option_values().items()}
    ),
    _numbers,
    st.sampled_from(["", "", "é|", "\u0301"]),
)

#: Options most of which keep: what is chosen meets fewer others, and more of them promise
#: that a second pass changes nothing.
few_options = st.builds(
    _complete,
    st.fixed_dictionaries(
        {
            name: st.sampled_from([allowed[0]] * 3 * len(allowed) + list(allowed))
            for name, allowed in option_values().items()
        }
    ),
    _numbers,
    st.sampled_from(["", "é|"]),
)

idempotent_options = st.one_of(few_options, options).filter(is_idempotent)
