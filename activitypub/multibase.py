"""Multibase in base58btc: how keys, digests and proofs are written (`z…`)."""

from __future__ import annotations

from activitypub.errors import Malformed

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
PREFIX = "z"

TEXT_LIMIT = 2048
"""Characters; an RSA-8192 key has 1,420. Decoding takes time by their square."""

_DIGITS = {character: value for value, character in enumerate(ALPHABET)}


def encode(value: bytes) -> str:
    """The bytes as `z` and base58btc."""
    number = int.from_bytes(value, "big")
    digits = ""
    while number:
        number, digit = divmod(number, 58)
        digits = ALPHABET[digit] + digits
    zeros = len(value) - len(value.lstrip(b"\0"))
    return PREFIX + ALPHABET[0] * zeros + digits


def decode(text: str) -> bytes:
    """The bytes of `z` and base58btc. Raises `Malformed` for any other base, and what is none."""
    if not text.startswith(PREFIX) or len(text) > TEXT_LIMIT:
        raise Malformed("The value is no multibase in base58btc.")
    digits = text[len(PREFIX) :]
    number = 0
    for character in digits:
        digit = _DIGITS.get(character)
        if digit is None:
            raise Malformed("The value is no multibase in base58btc.")
        number = number * 58 + digit
    zeros = len(digits) - len(digits.lstrip(ALPHABET[0]))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")
