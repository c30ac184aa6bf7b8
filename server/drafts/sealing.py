"""Encrypts drafts: AES-256-GCM under a key of the account's own, derived from the server's secret key."""

import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

NONCE_BYTES = 12


def seal_draft(account: int, key: str, content: bytes) -> bytes:
    """Return the content encrypted; `key` names the draft and is bound to it."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(_derived(f"draft of {account}")).encrypt(nonce, content, key.encode())


def open_draft(account: int, key: str, sealed: bytes) -> bytes | None:
    """Return the content; None where it is another account's, another draft's, or under an earlier secret key."""
    try:
        return AESGCM(_derived(f"draft of {account}")).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], key.encode())
    except (InvalidTag, ValueError):
        return None


def mark_of(account: int, form: str) -> str:
    """Return a keyed hash of which form of which page this is: an address may hold a pseudonym."""
    return hmac.digest(_derived(f"draft marks of {account}"), form.encode(), hashlib.sha256).hex()


def _derived(purpose: str) -> bytes:
    return hmac.digest(str(settings.SECRET_KEY).encode(), purpose.encode(), hashlib.sha256)
