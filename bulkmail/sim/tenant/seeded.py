"""Chance that repeats: every "random" fact of the tenant is a pure function of a seed and some whole numbers."""

from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")
_MASK = (1 << 64) - 1


def mix(seed: int, number: int, salt: int = 0) -> int:
    """64 well-stirred bits (the finaliser of SplitMix64, Steele and others 2014)."""
    z = (
        seed * 0x9E3779B97F4A7C15 + number * 0xD1B54A32D192ED03 + salt * 0x8CB92BA72F3D8DD7 + 0x632BE59BD9B4E019
    ) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def share(seed: int, number: int, salt: int = 0) -> float:
    """A number from 0 up to, but not including, 1."""
    return mix(seed, number, salt) / 18446744073709551616.0


def pick(choices: Sequence[_T], bits: int) -> _T:
    return choices[bits % len(choices)]


def guid(high: int, low: int) -> str:
    """A GUID of the random kind (version 4) out of two 64-bit numbers, of which 122 bits show."""
    text = f"{high & _MASK:016x}{low & _MASK:016x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[low >> 60 & 3]}{text[17:20]}-{text[20:]}"
