"""What is kept of a PIN. Apart from the hashing, so that whoever only passes it on loads no cryptography."""

from msgspec import Struct

COST, BLOCK, LANES = 2**14, 8, 1
"""scrypt's N, r and p: 16 MB and about a third of a second on a Pi Zero 2 W, in a thread of its own."""


class PinHash(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A salted slow hash and what it was made with."""

    salt: bytes
    hash: bytes
    cost: int = COST
    block: int = BLOCK
    lanes: int = LANES

    def __repr__(self) -> str:
        """Nothing of it belongs in a log."""
        return "PinHash(…)"
