"""Unaligned loads and stores for compiled code, which numba does not offer.

For compiled callers only; numba puts the typing context before what they pass. An `array` is
(bytes,) uint8 and contiguous, an `index` a byte in it as uint64, which is not checked: the
caller keeps within the array, also with the byte or the seven bytes behind it.
"""

from __future__ import annotations

import llvmlite.ir as ir
from numba import types
from numba.extending import intrinsic


def _pointer(context, builder, array_type, array, index, bits):
    data = context.make_array(array_type)(context, builder, array).data
    place = builder.gep(data, [index])
    return builder.bitcast(place, ir.IntType(bits).as_pointer())


@intrinsic
def load_pair(typing_context, array, index):
    """The bytes at `index` and `index + 1` as a little-endian uint16."""

    def generate(context, builder, signature, arguments):
        place = _pointer(context, builder, signature.args[0], *arguments, 16)
        return builder.load(place, align=1)

    return types.uint16(array, types.uint64), generate


@intrinsic
def store_pair(typing_context, array, index, value):
    """Write a uint16 as the bytes at `index` and `index + 1`, little-endian."""

    def generate(context, builder, signature, arguments):
        array_value, index_value, stored = arguments
        place = _pointer(context, builder, signature.args[0], array_value, index_value, 16)
        builder.store(stored, place, align=1)
        return context.get_dummy_value()

    return types.void(array, types.uint64, types.uint16), generate


@intrinsic
def load_word(typing_context, array, index):
    """The eight bytes from `index` as a little-endian uint64."""

    def generate(context, builder, signature, arguments):
        place = _pointer(context, builder, signature.args[0], *arguments, 64)
        return builder.load(place, align=1)

    return types.uint64(array, types.uint64), generate


@intrinsic
def store_word(typing_context, array, index, value):
    """Write a uint64 as the eight bytes from `index`, little-endian."""

    def generate(context, builder, signature, arguments):
        array_value, index_value, stored = arguments
        place = _pointer(context, builder, signature.args[0], array_value, index_value, 64)
        builder.store(stored, place, align=1)
        return context.get_dummy_value()

    return types.void(array, types.uint64, types.uint64), generate


@intrinsic
def trailing_zeros(typing_context, word):
    """Zero bits below the lowest one of a uint64 that is not 0."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), generate
