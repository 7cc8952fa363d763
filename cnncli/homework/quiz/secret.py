"""The secret that a class's quizzes are drawn with.

Whoever knows the seed of a quiz can draw it again, with its solutions. A secret is part of every draw, so that neither
the title, the seed nor a paper is enough: each question is drawn from a keyed hash of (seed, student, number, topic,
level) under a key of 256 bits, and nothing about one question follows from another. A secret that can be guessed can be
tried: draw the own paper with it, and compare. The key is therefore derived by PBKDF2 (RFC 8018), which makes each
guess take a good part of a second, and texts that are short are refused.
"""

from __future__ import annotations

from hashlib import pbkdf2_hmac
from pathlib import Path
from secrets import token_hex

from cnncli.errors import CnnError, counted
from cnncli.io.files import exists, is_file
from cnncli.io.writing import write_whole, writing
from cnncli.language.source import read_text

ROUNDS = 200_000
SHORTEST, FEWEST = 16, 6  # characters of a secret, and different ones among them
FILE = "secret.txt"


def key_of(secret: str) -> bytes:
    """The key of 32 bytes of a secret; empty for an empty one."""
    return pbkdf2_hmac("sha256", secret.encode(), b"cnn quiz", ROUNDS) if secret else b""


def read_secret(text: str) -> str:
    """The secret in a file, or the text itself. Raises CnnError for a missing file, or a secret that is too short."""
    if is_file(text):
        return _long_enough(read_text(text).text.strip(), text)
    if exists(text):
        raise CnnError(f"{text}: not a regular file", "name a file with a secret, or write the secret itself")
    if "/" in text or "\\" in text or Path(text).suffix:
        raise CnnError(f"{text}: no such file", "name a file with a secret, or write the secret itself")
    return _long_enough(text.strip(), "--secret")


def _long_enough(secret: str, where: str) -> str:
    if len(secret) < SHORTEST or len({*secret}) < FEWEST:
        different = f" ({len({*secret})} different)" if len(secret) >= SHORTEST else ""
        raise CnnError(
            f"{where}: the secret has {counted(len(secret), 'character')}{different} and could be guessed",
            f"use at least {SHORTEST}, {FEWEST} of them different",
        )
    return secret


def kept_secret(folder: Path) -> str:
    """The secret that a folder keeps, or a new one of 128 bits, kept there. Raises CnnError."""
    file = folder / FILE
    if is_file(file) and not file.is_symlink():
        return read_secret(str(file))
    secret = token_hex(16)
    with writing(file):
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(file, f"{secret}\n".encode())
        file.chmod(0o600)
    return secret
