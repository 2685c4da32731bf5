"""The compiled recognizers of entities and markup give the reference's bytes."""

from __future__ import annotations

import random
import time
from html.entities import html5
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabench import chars
from arabench.text.compiled import entity_tables as tables
from arabench.text.compiled.entity_kernel import prepare
from arabench.text.compiled.kernel import CHANGED, DONE, INVALID_UTF8
from arabench.text.normalizer import rules_for
from arabench.text.options import Options
from arabench.text.rules import entities, markup
from arabench.text.rules.rule import Rule

ACTIONS = {
    kind: ("keep", "drop", "tag", "split") if kind == "hashtags" else ("keep", "drop", "tag")
    for kind in entities.KINDS
}


def all_rules(
    hashtags: str = "tag", style: str = "arabic", markup: str = "strip", others: str = "tag"
) -> list[Rule]:
    """The rules the kernel knows, in their order."""
    actions: dict[str, str] = dict.fromkeys(entities.KINDS, others)
    actions["hashtags"] = hashtags
    return known(Options(**actions, tags=style, markup=markup))  # type: ignore[arg-type]


def known(options: Options) -> list[Rule]:
    return [rule for rule in rules_for(options) if rule.name in tables.RULES]


def random_rules(rng: random.Random) -> list[Rule]:
    chosen: dict[str, str] = {kind: rng.choice(allowed) for kind, allowed in ACTIONS.items()}
    if "tag" in chosen.values():
        chosen["tags"] = rng.choice(("arabic", "latin"))
    return known(Options(**chosen, markup=rng.choice(("keep", "strip"))))  # type: ignore[arg-type]


def by_reference(text: str, rules: list[Rule]) -> str:
    for rule in rules:
        text = rule.apply(text)
    return text


def spans(encoded: list[bytes]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    data = np.frombuffer(b"".join(encoded) or b"\0", dtype=np.uint8)
    ends = np.cumsum([len(row) for row in encoded], dtype=np.int64)
    return data, np.concatenate([np.zeros(1, dtype=np.int64), ends])[: len(encoded)], ends


def check_equal(texts: list[str], rules: list[Rule]) -> None:
    out, starts, ends, status = prepare(
        *spans([text.encode() for text in texts]), tables.build_tables(rules)
    )
    written = out.tobytes()
    rows = zip(texts, starts.tolist(), ends.tolist(), status.tolist(), strict=True)
    for text, start, end, settled in rows:
        expected = by_reference(text, rules)
        names = [rule.name for rule in rules]
        assert written[start:end].decode() == expected, (names, text.encode("unicode_escape"))
        assert settled == (DONE if text == expected else CHANGED), text.encode("unicode_escape")


# --- text full of what nearly is an entity -------------------------------------------------
_ZERO_WIDTH = "\u200c\u200d"  # ZERO WIDTH NON-JOINER, ZERO WIDTH JOINER
_SELECTORS = chars.EMOJI_SELECTOR + chars.TEXT_SELECTOR
_GLUE = [
    *" \t\n\u00a0\u2028._-+/:,;!?()[]{}<>\"'*=%&@#~^|\\\u060c\u061f\u06d4\u2026\u00ab\u00bb\u2011",
    *_ZERO_WIDTH, *_SELECTORS, "\uff20", "\uff03", "\0", "\u0300", "\u00e9", "\u00c0", "\u4e2d",
]  # fmt: skip
_LETTERS = [*"aZxwWhHtTpPfFsSbB", *"ابتةىء\u0640\u06cc\u06a9", "كلمة", "خبر", "\u064e\u0651\u0670"]
_DIGITS = [*"0123456789", *"\u0660\u0661\u0669", *"\u06f0\u06f5", "00", "٠٠", "05", "٠٥"]
_PIECES: dict[str, list[str]] = {
    "glue": _GLUE,
    "letters": _LETTERS,
    "digits": _DIGITS,
    "urls": [
        "http", "https", "ftp", "HTTP", "ftps", "hTTps", "://", ":/", "//", "www", "www.", "WwW.",
        "http://", "https://", "ftp://", "t.co/", "example.com", "?q=", "#top", "خبر.شبكة", ".",
    ],
    "emails": [
        "@", "a@b.co", "user.name+tag", "mail", "@example", ".com", ".c", ".museum", "-", "_", "%",
        "x" * 62, "b" * 63, "a." * 7, "1.2.", "..", "@@", ".co-", ".co1",
    ],
    "emoji": [
        "\U0001f600", "\U0001f468", "\u2764", "\u00a9", "\u2194", "\u231a", "\U0001f3fd", "\u200d",
        *_SELECTORS, "\u20e3", "#\ufe0f\u20e3", "1\u20e3", "*\ufe0e\u20e3", "\U0001f1ea",
        "\U0001f1ec", "\U0001f3f4", "\U000e0067", "\U000e007f", "\U0001f468\u200d\U0001f469",
        "\u2764\ufe0f\u200d\U0001f525", "\U0001f170\ufe0f", "\u2603", "\u2190", "\U0001faff",
    ],
    "mentions": ["@", "@a", "@_", "@كاتب", "@١", "\uff20", "\uff20x", "/@b", "_@c", "@a@b", "@-"],
    "hashtags": [
        "#", "#a", "#وسم", "#وسم_آخر", "\uff03", "\uff03و", "#1", "#1a", "#_", "#\u064eب", "&#a",
        "/#a", "_#a", "##", "#a@", "#é", "#\u200cب", "#a#b", "+#9665012345678a",
    ],
    "phones": [
        "+966 50 123 4567", "0501234567", "050 123 4567", "06 12 34 56 78", "00966501234567",
        "+", "+(", ")", "-", ".", "+1", "0", "05", "12", "123", "1234", "12345678", " ", " - ",
        "٠٥٠١٢٣٤٥٦٧", "۰۵۰", "٠٠٩٦٦", "\u2010", "\u2011", "--", "---", "2005/06/07", "%", ":", ",",
        "(202) 123-4567", "012345-6789", "01234 567890", "0123.456.789", "1" * 15, "1" * 16,
    ],
    "tags": [
        *(text for style in entities.TAGS.values() for text in style.values()),
        *chars.TAG_PLACES, "[رابط", "<url", "[", "]", "<user>>", "\ufdfa", "\ufffd",
    ],
    "markup": [
        "<p>", "</p>", "<br/>", "<td>", "<b>", "</b", "<a href=", "'x>'", '"', "'", "=", ">", "<",
        "/>", "<!--", "-->", "--", "<!doctype html>", "<?xml", "?>", "<!", "<script>", "</script>",
        "</SCRIPT >", "<style x=\"y\">", "</style", "<o:p>", "<x-y z>", "<unk>", "<h1", "<h1 ",
        "vector<int>", "<3", "<blockquote>", "<blockquotes>", "<figcaption\n>", "</ p>", "<STYLE>",
        "<a=\"b>", "\"<\"", "<a b=\"c<d\">", "<b x='1<2'>", "= \"c\"", "\r\n\f",
    ],
    "references": [
        "&", "&amp;", "&amp", "&nbsp", "&nbsp;", "&lt;b&gt;", "&copy=", "&copy;=", "&hearts", ";",
        "&hearts;", "&#", "&#x", "&#64;", "&#064", "&#x40", "&#X1F600;", "&#1611;", "&#0;", "=",
        "&#128;", "&#150", "&#xD800;", "&#1114112;", "&#9999999", "&#12345678;", "&#xFDD0;",
        "&#xFFFE;", "&#x1234567;", "&NotEqualTilde;", "&AMP", "&notit;", "&#38;#64;", "&a;",
        "&CounterClockwiseContourIntegral;", "&" + "a" * 31 + ";", "&" + "b" * 33, "&#35;وسم",
    ],
}  # fmt: skip


def near_misses(rng: random.Random) -> str:
    """Pieces mostly of one or two kinds, so that they come to fit together."""
    kinds = rng.choices(list(_PIECES), k=rng.randrange(1, 4))
    kinds += ["glue", "letters", "digits"][: rng.randrange(4)]
    return "".join(rng.choice(_PIECES[rng.choice(kinds)]) for _ in range(rng.randrange(14)))


def near_phones(rng: random.Random) -> str:
    """Groups of digits with a sign and separators as numbers have them, or nearly."""
    zeros = rng.choice(("0", "0", "\u0660", "\u06f0"))
    digits = {"0": "0123456789", "\u0660": chars.ARABIC_INDIC_DIGITS}.get(
        zeros, chars.EXTENDED_DIGITS
    )
    gap = rng.choice(("", " ", "-", ".", "\u2011", "\u00a0", ") ", " - ", "--", "  "))
    parts = [
        rng.choice(("", "x", "ب", " ", "(", ":", "@")),
        rng.choice(("+", zeros, zeros * 2, "+(")),
    ]
    for _ in range(rng.randrange(1, 7)):
        parts.append("".join(rng.choices(digits, k=rng.choice((1, 2, 2, 3, 3, 4, 4, 5, 7, 9)))))
        parts.append(gap if rng.random() < 0.9 else rng.choice(_GLUE))
    parts.append(rng.choice(("", "%", ".", ".5", "-1", "/٣", "a", "ب", "@", ",")))
    return "".join(parts)


def random_text(rng: random.Random) -> str:
    chosen = rng.random()
    if chosen < 0.15:
        return near_phones(rng)
    if chosen < 0.2:
        return "".join(
            chr(rng.choice((rng.randrange(0x700), rng.randrange(0x2000, 0x2C00), 0xFDD1, 0x1F1E6)))
            for _ in range(rng.randrange(30))
        )
    return near_misses(rng)


@pytest.mark.parametrize("seed", range(20))
def test_equal_to_the_reference_on_near_misses(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(5):
        check_equal([random_text(rng) for _ in range(400)], random_rules(rng))


def test_each_rule_alone_equal_to_the_reference() -> None:
    rng = random.Random(100)
    texts = [random_text(rng) for _ in range(1500)]
    for hashtags in ("tag", "split"):
        for rule in all_rules(hashtags):
            check_equal(texts, [rule])


_pieces = st.sampled_from([piece for pieces in _PIECES.values() for piece in pieces])
_any_char = st.characters(exclude_categories=["Cs"])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.lists(_pieces | _any_char, max_size=12).map("".join), max_size=4),
    st.randoms(use_true_random=False),
)
def test_equal_to_the_reference(texts: list[str], rng: random.Random) -> None:
    check_equal(texts, random_rules(rng))


def test_every_code_point_around_an_entity() -> None:
    codes = [*range(0xD800), *range(0xE000, 0x10000), *range(0x1F000, 0x1FC00, 3)]
    codes += [0xE0020, 0xE007F]
    shapes = (
        "{0}@ab{0}", "{0}#ab{0}", "{0}www.b{0}", "{0}0501234567{0}", "+1{0}2345678", "#{0}",
        "{0}a@b.cd{0}", "{0}", "{0}\ufe0f\u20e3", "x\U0001f600{0}", "<p{0}>", "&amp{0}",
    )  # fmt: skip
    for place, shape in enumerate(shapes):
        texts = [shape.format(chr(code)) for code in codes[place % 4 :: 4]]
        check_equal(texts, all_rules())


def test_every_named_reference() -> None:
    names = [f"&{name}" for name in html5]
    texts = names + [f"{name}=" for name in names] + [f"{name[:-1]}x;" for name in names]
    check_equal(texts, [markup.decode_references()])


def test_numbers_of_references() -> None:
    numbers = [*range(0x200), *range(0xD7F0, 0xE010), *range(0xFDC0, 0x10010), 0x10FFFF, 0x110000]
    numbers += [
        plane + low for plane in range(0, 0x110000, 0x10000) for low in (0xFFFD, 0xFFFE, 0xFFFF)
    ]
    texts = [f"{number:{form}}" for number in numbers for form in ("d", "07d", "x", "X", "06X")]
    check_equal([f"&#{text};" for text in texts] + [f"&#x{text}" for text in texts],
                [markup.decode_references()])  # fmt: skip


def test_every_element_and_its_neighbours() -> None:
    names = sorted(markup.BLOCKS | markup.CELLS | markup.INLINE)
    names += [name[:-1] for name in names] + [f"{name}x" for name in names]
    names += ["a" * length for length in range(1, 40)] + ["z" * 12, "0", "9p"]
    texts = [f"x<{name}>y</{name.upper()}>z" for name in names]
    check_equal(texts, [markup.strip_tags()])


@pytest.mark.parametrize("quote", ['"', "'"])
def test_quoted_values(quote: str) -> None:
    values = ["", "c", ">", "<", "c<d", "c>d", "=", "= ", '"', "'", '>"', "<'", "='"]
    gaps = ["", " ", "\t\n", "\u00a0"]
    texts = [f"x<a b={gap}{quote}{value}{quote}>y>z" for value in values for gap in gaps]
    texts += [f"x<a b={gap}{quote}{value}>y>z" for value in values for gap in gaps]
    check_equal(texts, [markup.strip_tags()])


def test_what_markup_hides_is_found() -> None:
    check_equal(
        ["w<b></b>w<i></i>w.خبر.com", "&#64;كاتب", "&#x1F600;", "&#43;966501234567", "&lt;url&gt;"],
        all_rules(style="latin"),
    )


def test_a_number_uncovered_by_a_hashtag_is_found() -> None:
    rules, text = all_rules("split", markup="keep"), "+#12125551234_ا"
    assert by_reference(text, rules) == f"{entities.PLACE['phones']} ا"
    check_equal([text, "+#12125551234a"], rules)


@pytest.mark.parametrize("size", [1, 63, 64, 65, 200])
def test_lengths_at_the_limits_of_addresses(size: int) -> None:
    texts = [f"{'a' * size}@b.co", f"a@{'b' * size}.co", f"a@b.{'c' * size}", f"{'+' * size}a@b.co"]
    texts += [
        f"a@{'b.' * labels}co{end}" for labels in range(12) for end in ("", ".", "1", "-", ".d")
    ]
    check_equal(texts, all_rules(markup="keep"))


def test_rows_without_a_trigger_are_copied_and_others_of_no_entity_stay() -> None:
    texts = ["", "ا", "نص عادي بلا شيء", "3 < 5 & 7", "بريد @ وسم # رقم 2005", "www", "a:b"]
    rules = all_rules()
    data, starts, ends = spans([text.encode() for text in texts])
    out, out_starts, out_ends, status = prepare(data, starts, ends, tables.build_tables(rules))
    assert out.tobytes() == b"".join(text.encode() for text in texts)
    assert (out_starts.tolist(), out_ends.tolist()) == (starts.tolist(), ends.tolist())
    assert set(status.tolist()) == {DONE}


def test_no_rows_and_no_rules() -> None:
    check_equal([], all_rules())
    check_equal(["@a #ب", ""], [])


@pytest.mark.parametrize("broken", [b"@a\xff", b"@\xd8", b"\xed\xa0\x80@a", b"#\xf4\x90\x80\x80"])
def test_rows_that_are_no_utf8_are_set_aside(broken: bytes) -> None:
    built = tables.build_tables(all_rules())
    out, starts, ends, status = prepare(*spans([b"@a", broken, b"@b"]), built)
    assert status.tolist() == [CHANGED, INVALID_UTF8, CHANGED]
    assert out[starts[1] : ends[1]].tobytes() == b""
    assert out.tobytes() == (entities.PLACE["mentions"] * 2).encode()


def test_goes_on_where_the_output_was_full() -> None:
    texts = ["@a" * 30, "نص", "#b c", "x" * 50]  # two bytes become three
    built = tables.build_tables(all_rules())
    data, starts, ends = spans([text.encode() for text in texts])
    expected = "".join(by_reference(text, all_rules()) for text in texts).encode()
    for capacity in range(0, 200, 7):
        out = np.empty(capacity, dtype=np.uint8)
        result, out_starts, out_ends, _ = prepare(data, starts, ends, built, out)
        assert result.tobytes() == expected
        assert out_starts[1:].tolist() == out_ends[:-1].tolist()


def test_long_rows_equal_to_the_reference() -> None:
    rng = random.Random(5)
    lengths = (10, 20_000, 200, 55_000)
    texts = [" ".join(random_text(rng) for _ in range(length)) for length in lengths]
    assert len(texts[-1].encode()) > 1 << 20
    check_equal(texts, all_rules())


def test_rows_that_share_bytes_and_rows_out_of_order() -> None:
    data, _, _ = spans(["مرحبا @كاتب #وسم".encode()])
    starts, ends = np.array([11, 0, 11], dtype=np.int64), np.array([20, 10, 28], dtype=np.int64)
    rules = all_rules("drop", others="drop")
    out, out_starts, out_ends, _ = prepare(data, starts, ends, tables.build_tables(rules))
    for row in range(3):
        text = data[starts[row] : ends[row]].tobytes().decode()
        got = out[out_starts[row] : out_ends[row]].tobytes().decode()
        assert got == by_reference(text, rules)


HOSTILE = {
    "@": "@" * 10**6,
    "+1": "+1" * 10**6,
    "+1 spaces": "+1 " * 10**6,
    "zeros": "0 " * 10**6,
    "one gap": "+1" + " " * 10**6 + "01",
    "<a": "<a" * 10**6,
    "<a attribute": '<a b="c' * 10**5,
    "quotes": "<a " + "='" * 10**5 + '="' * 10**5,
    "scripts": "<script>" * 10**5,
    "end tags": "<script>" + "</script" * 10**5,
    "comments": "<!--" * 10**5,
    "declarations": "<!a" * 10**5,
    "http://": "http://" * 10**5,
    "url tails": "www.a" + "." * 10**6,
    "labels": "a." * 10**5 + "@" + "a." * 10**5,
    "local": "a" * 10**6 + "@" + "b" * 10**6,
    "#": "#" * 10**6,
    "#1": "#1" * 10**5 + "#" + "1" * 10**6 + "@",
    "#a": "#a" * 10**5 + "@",
    "&": "&" * 10**6,
    "&a": "&" + "a" * 10**6,
    "&#": "&#" + "1" * 10**6,
    "joiners": "\U0001f468\u200d" * 10**5,
    "flag tags": "\U0001f3f4" + "\U000e0067" * 10**5,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_takes_linear_time(name: str) -> None:
    text = HOSTILE[name]
    built = tables.build_tables(all_rules())
    prepare(*spans([b"@a"]), built)  # what compiling takes is not counted
    rows = spans([text.encode()])
    start = time.process_time()
    prepare(*rows, built)
    # A quadratic rule would need minutes, a linear one a few milliseconds.
    assert time.process_time() - start < 2


def test_rules_fit_only_in_their_order() -> None:
    rules = all_rules()
    for place, rule in enumerate(rules):
        assert tables.fits(rules[:place], rule)
        assert not tables.fits(rules[place:], rule)
    others = rules_for(Options(tatweel="strip", whitespace="collapse"))
    assert not any(tables.fits([], rule) for rule in others)


def test_no_character_is_in_two_classes_that_exclude_each_other() -> None:
    classes = tables.build_tables([]).classes
    for one, other in (
        (tables.URL_TAIL, tables.ALNUM | tables.LETTER),
        (tables.URL_STOP, tables.ALNUM | tables.LETTER),
        (tables.EMOJI, tables.IF_SELECTED | tables.FLAG | tables.KEYCAP_BASE),
        (tables.TAG_LETTER, tables.TAG_NO_LETTER),
    ):
        assert not np.any((classes & one != 0) & (classes & other != 0))
    assert classes[tables.END] == tables.URL_STOP


@pytest.mark.shared_data
@pytest.mark.parametrize("folder", ["motaz_tweets", "arsarcasm_v2"])
def test_equal_on_real_tweets(shared_data: Path, folder: str) -> None:
    rng = random.Random(7)
    lines: list[str] = []
    for path in sorted((shared_data / folder).rglob("*")):
        if path.suffix in {".txt", ".tsv", ".csv"}:
            lines += path.read_bytes().decode("utf-8", "replace").split("\n")
    assert len(lines) > 1000
    lines = rng.sample(lines, 6000) if len(lines) > 6000 else lines
    for rules in (all_rules(), all_rules("split", "latin"), all_rules("drop", others="drop")):
        check_equal(lines, rules)
