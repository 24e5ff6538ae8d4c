"""Bytes that nearly are what a reader expects: good input, cut, spliced, flipped and repeated."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence

# ``make soak`` sets it; the figure of the promise is a million.
INPUTS = int(os.environ.get("SMARTBIN_TEST_FUZZ_INPUTS", "4000"))
SEED = int(os.environ.get("SMARTBIN_TEST_FUZZ_SEED", "20261124"))


def mutated(good: Sequence[bytes], words: Sequence[bytes], chance: random.Random) -> bytes:
    """One of the good inputs after one to five changes."""
    data = bytearray(chance.choice(good))
    for _ in range(chance.randint(1, 5)):
        at = chance.randint(0, len(data))
        end = min(len(data), at + chance.randint(1, 40))
        match chance.randrange(7):
            case 0:
                data[at:end] = b""
            case 1:
                data[at:at] = chance.choice(words)
            case 2:
                data[at:end] = chance.choice(words)
            case 3:
                data[at:at] = chance.randbytes(chance.randint(1, 4))
            case 4 if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case 5:
                data[at:at] = data[at:end] * chance.randint(1, 30)
            case _:
                other = chance.choice(good)
                begin = chance.randint(0, len(other))
                data[at:end] = other[begin : begin + chance.randint(1, 60)]
    return bytes(data)
