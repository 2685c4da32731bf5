"""Hypothesis strategies shared by the tests."""

from __future__ import annotations

from hypothesis import strategies as st

from arabench import chars
from arabench.text.normalize import Options, option_values

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

options = st.builds(
    lambda values: Options(
        **{
            **values,
            **(
                {"mark_order": "canonical"}
                if values["alif"] == "unify" or values["hamza"] != "keep"
                else {}
            ),
        }
    ),
    st.fixed_dictionaries(
        {name: st.sampled_from(allowed) for name, allowed in option_values().items()}
    ),
)
