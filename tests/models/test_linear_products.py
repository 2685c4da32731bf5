"""Linear layers by oneDNN: the same numbers, and only where they are asked for."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the extra arabench[eval]")

from torch import nn  # noqa: E402

from arabench.models import linear_products  # noqa: E402
from arabench.models.linear_products import fast_products  # noqa: E402

CPU = torch.device("cpu")


@pytest.fixture
def products(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Shapes of the products that oneDNN was asked for."""
    if not linear_products._works():
        pytest.skip("torch was built without oneDNN")
    asked: list[tuple[int, ...]] = []
    plain = linear_products._product

    def counted(rows: torch.Tensor, *rest: object) -> torch.Tensor:
        asked.append(tuple(rows.shape))
        return plain(rows, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(linear_products, "_product", counted)
    return asked


@pytest.mark.parametrize("shape", [(16, 24), (2, 9, 24), (3, 2, 8, 24)])
@pytest.mark.parametrize("bias", [True, False])
def test_products_are_those_of_torch(
    shape: tuple[int, ...], bias: bool, products: list[tuple[int, ...]]
) -> None:
    layer = nn.Linear(24, 40, bias=bias)
    rows = torch.randn(*shape)
    turned = rows.transpose(0, -2)  # not contiguous
    with torch.no_grad():
        exact = [
            nn.functional.linear(one.double(), layer.weight.double()) for one in (rows, turned)
        ]
        with fast_products(CPU, 64):
            found = [layer(one) for one in (rows, turned)]
    assert products == [tuple(rows.shape), tuple(turned.shape)]
    for one, wanted in zip(found, exact, strict=True):
        wanted = wanted + (layer.bias.double() if bias else 0)
        assert one.dtype is torch.float32
        assert one.shape == wanted.shape
        assert (one - wanted).abs().max() < 1e-5


def test_what_it_does_not_know_stays_with_torch(products: list[tuple[int, ...]]) -> None:
    layer = nn.Linear(24, 40)
    rows = torch.randn(32, 24)
    with fast_products(CPU, 64):
        layer(rows).sum().backward()  # gradients
        assert layer.weight.grad is not None
        with torch.no_grad():
            layer(rows[:8])  # few rows
            nn.Linear(24, 40, dtype=torch.bfloat16)(rows.bfloat16())
            nn.functional.linear(rows, torch.randn(24, 40).t())  # a turned weight
            with torch.autocast("cpu", torch.bfloat16):
                assert layer(rows).dtype is torch.bfloat16
    with torch.no_grad():
        layer(rows)  # outside
        with fast_products(torch.device("cuda"), 64):
            layer(rows)
        with fast_products(CPU, 63):  # a pass over few tokens
            layer(rows)
    assert products == []


def test_a_build_without_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> torch.Tensor:
        raise AttributeError("no such operator")

    monkeypatch.setattr(linear_products, "_product", missing)
    linear_products._works.cache_clear()
    try:
        with torch.no_grad(), fast_products(CPU, 64):
            assert nn.Linear(24, 40)(torch.randn(32, 24)).shape == (32, 40)
        monkeypatch.setattr(
            linear_products, "_product", lambda rows, weight, bias: rows.new_zeros(2, 16, 40)
        )
        linear_products._works.cache_clear()
        assert not linear_products._works()
    finally:
        linear_products._works.cache_clear()
