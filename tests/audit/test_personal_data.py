"""Personal data: what is found, what is left alone, and what a masked sample shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arabench.audit.personal_data import (
    IBAN_LENGTHS,
    MASK,
    find_personal_data,
    iban_valid,
    luhn_valid,
    mask,
    mask_personal_data,
)
from tests.strategies import any_text


def found(text: str) -> list[tuple[str, str, str]]:
    return [(hit.kind, hit.detail, text[hit.start : hit.end]) for hit in find_personal_data(text)]


def with_luhn(digits: str) -> str:
    return next(digits + last for last in "0123456789" if luhn_valid(digits + last))


@pytest.mark.parametrize(
    ("text", "kind", "detail", "value"),
    [
        ("راسلني على huda.n@example.com.eg من فضلك", "email", "eg", "huda.n@example.com.eg"),
        ("contact: a@b.org.", "email", "org", "a@b.org"),
        ("محمد.س@example.org", "email", "org", "محمد.س@example.org"),
        ("شكرا @some_user على الرد", "handle", "", "@some_user"),
        ("اتصل على +966 50 123 4567", "phone", "Saudi Arabia", "+966 50 123 4567"),
        ("(+20) 100-123-4567", "phone", "Egypt", "(+20) 100-123-4567"),
        ("واتساب 00971501234567 فقط", "phone", "United Arab Emirates", "00971501234567"),
        ("+212 6 12 34 56 78", "phone", "Morocco", "+212 6 12 34 56 78"),
        ("+965 9912 3456", "phone", "Kuwait", "+965 9912 3456"),
        ("جوالي ٠٥٠١٢٣٤٥٦٧", "phone", "Saudi Arabia", "٠٥٠١٢٣٤٥٦٧"),
        ("رقمي 01012345678", "phone", "Egypt", "01012345678"),
        ("07901234567", "phone", "Iraq", "07901234567"),
        ("966501234567", "phone", "Saudi Arabia", "966501234567"),
        ("الرقم القومي 29001011234567", "national_id", "Egypt", "29001011234567"),
        ("٢٩٠٠١٠١١٢٣٤٥٦٧", "national_id", "Egypt", "٢٩٠٠١٠١١٢٣٤٥٦٧"),
        ("288020122596", "national_id", "Kuwait", "288020122596"),
        (with_luhn("100000001"), "national_id", "Saudi Arabia", with_luhn("100000001")),
        (with_luhn("78419851234567"), "national_id", "Emirates", with_luhn("78419851234567")),
        ("29063412345", "national_id", "Qatar", "29063412345"),
        ("SA03 8000 0000 6080 1016 7519", "iban", "SA", "SA03 8000 0000 6080 1016 7519"),
        ("AE070331234567890123456 شكرا", "iban", "AE", "AE070331234567890123456"),
        ("EG380019000500000000263180002", "iban", "EG", "EG380019000500000000263180002"),
        ("البطاقة 4111 1111 1111 1111", "card", "Visa", "4111 1111 1111 1111"),
        ("378282246310005", "card", "other", "378282246310005"),
    ],
)
def test_shapes_with_a_valid_check_are_found(text: str, kind: str, detail: str, value: str) -> None:
    ((found_kind, found_detail, found_value),) = found(text)
    assert (found_kind, found_value) == (kind, value)
    assert detail in found_detail


@pytest.mark.parametrize(
    "text",
    [
        "من 1990 إلى 1995 ثم 2001-2005",
        "1990-1995 2001 2005",
        "السكان 1234567890123",
        "https://example.com/status/1234567890123456789",
        "price: 1,050,123,456",
        "π = 3.14159265358979",
        "29013011234567",  # month 13
        "29001019934567",  # no such governorate
        "288020122597",  # Kuwait, wrong check digit
        "1000000001",  # Saudi, wrong check digit
        "SA03 8000 0000 6080 1016 7518",  # mod 97 fails
        "GB82 WEST 1234 5698 7654 32",  # not a country that is looked for
        "4111 1111 1111 1112",
        "ISBN 0-521-12345-0",
        "الكود A0501234567",
        "0501234567890",  # thirteen digits are no telephone number of the region
        "me@home",
        "@",
        "a@@b.com@",
        "نص عادي بلا أرقام",
    ],
)
def test_what_is_no_personal_data_is_left_alone(text: str) -> None:
    assert [hit for hit in found(text) if hit[0] != "handle"] == []


def test_an_arabic_word_behind_a_sign_is_no_handle() -> None:
    assert found("يا @محمد تعال") == []


def test_two_numbers_side_by_side_are_two() -> None:
    text = "01012345678 29001011234567"
    assert [(kind, value) for kind, _, value in found(text)] == [
        ("phone", "01012345678"),
        ("national_id", "29001011234567"),
    ]


def test_numbers_beside_a_slash_are_found_but_not_in_an_address() -> None:
    numbers = [value for _, _, value in found("0501234567/0561234567 و 07701234567 /07801234567")]
    assert numbers == ["0501234567", "0561234567", "07701234567", "07801234567"]
    assert found("https://example.com/0501234567 example.com/a/0501234567") == []


def test_long_numbers_of_no_known_kind_are_masked_in_samples() -> None:
    assert mask_personal_data("رقم 2468135 والسنة 2024") == f"رقم 2{MASK * 4}35 والسنة 2024"


def test_iban_ends_where_its_country_says() -> None:
    assert found("AE070331234567890123456 123456")[0][2] == "AE070331234567890123456"


@pytest.mark.parametrize("country", sorted(IBAN_LENGTHS))
def test_one_wrong_digit_breaks_an_iban(country: str) -> None:
    account = "1" * (IBAN_LENGTHS[country] - 4)
    rotated = "".join(str(int(char, 36)) for char in f"{account}{country}00")
    iban = f"{country}{98 - int(rotated) % 97:02d}{account}"
    assert iban_valid(iban)
    assert not iban_valid(iban[:-1] + "2")
    assert not iban_valid(iban + "1")
    assert found(f"حسابي {iban}.") == [("iban", country, iban)]


def test_masked_values_keep_their_length_and_little_else() -> None:
    assert mask("0501234567") == f"0{MASK * 7}67"
    assert mask("ab12") == f"a{MASK * 3}"
    masked = mask_personal_data("اكتب إلى huda@example.com أو +966 50 123 4567")
    assert "huda" not in masked
    assert "123" not in masked
    assert len(masked) == len("اكتب إلى huda@example.com أو +966 50 123 4567")


@given(any_text | st.text(alphabet="05٠٥+()- .@aSA13", max_size=40))
def test_any_text_gives_ordered_spans_and_masks_to_the_same_length(text: str) -> None:
    hits = find_personal_data(text)
    ends = [0]
    for hit in hits:
        assert ends[-1] <= hit.start < hit.end <= len(text)
        ends.append(hit.end)
    assert len(mask_personal_data(text)) == len(text)


@given(st.from_regex(r"05[0-9]{8}", fullmatch=True))
def test_a_masked_number_is_not_found_again(number: str) -> None:
    assert find_personal_data(mask_personal_data(f"جوال {number} فقط")) == []
