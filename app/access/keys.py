"""What an API key looks like, and how one is made, kept and hidden. Knows no file and no request.

Of a key only its sha256 is kept. A password would need a slow, salted hash, for it can be guessed;
a key is 256 random bits, which nobody can guess, however fast the hash. Only what has the form of
such a key is taken for one, so that nobody gives a weak one to a hash that is right for these.
"""

import hashlib
import re
import secrets

PREFIX = "ganserve_"
"""What a key begins with, so that it is recognised where it should not be."""

_NUM_RANDOM_BYTES = 32
_KEY = re.compile(PREFIX + "[A-Za-z0-9_-]{43}")
# A part of one, too: a text may have been cut off in its middle. No metric has so long a name.
_TRACE_OF_A_KEY = re.compile(PREFIX + "[A-Za-z0-9_-]{32,}")


def new_key() -> str:
    return PREFIX + secrets.token_urlsafe(_NUM_RANDOM_BYTES)


def is_key(text: str) -> bool:
    return _KEY.fullmatch(text) is not None


def hash_of(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def redacted(text: str) -> str:
    """The text without the keys in it, for logs and for what is sent."""
    return _TRACE_OF_A_KEY.sub(PREFIX + "[redacted]", text) if PREFIX in text else text
