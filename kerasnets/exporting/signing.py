"""Sign the files of an export with a private key, and check the signature with the public key.

The signature is that of the package ``model-signing`` of the OpenSSF, whose command line can check
it, too. Nothing of it needs a network.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kerasnets.exporting.verification.runtimes import CHECKSUMS

SIGNATURE = "model.sig"
# The checksums include that of the signature.
_NOT_SIGNED = (SIGNATURE, CHECKSUMS)
_PRIVATE_KEY = "openssl ecparam -name prime256v1 -genkey -noout -out key.pem"
_PUBLIC_KEY = "openssl ec -in key.pem -pubout -out key.pub"


class Signer:
    """Signs version folders.

    Args:
        key: a file with a private key in PEM format, on the curve P-256, P-384 or P-521, without a
            password.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it has no such key, or the package ``model-signing`` is not installed.
    """

    def __init__(self, key: str | os.PathLike[str]) -> None:
        _check_installed()
        from model_signing import signing

        with _explained(key, "private", _PRIVATE_KEY):
            self._config = signing.Config().use_elliptic_key_signer(private_key=Path(key))

    def sign(self, folder: Path) -> None:
        """Write ``model.sig``, the signature of all other files but ``SHA256SUMS``."""
        self._config.set_hashing_config(_hashes(folder)).sign(folder, folder / SIGNATURE)


class SignatureChecker:
    """Checks the signatures of version folders.

    Args:
        key: a file with the public key in PEM format.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it has no such key, or the package ``model-signing`` is not installed.
    """

    def __init__(self, key: str | os.PathLike[str]) -> None:
        _check_installed()
        from model_signing import verifying

        self._key = key
        with _explained(key, "public", _PUBLIC_KEY):
            self._config = verifying.Config().use_elliptic_key_verifier(public_key=Path(key))

    def failures(self, folder: Path) -> list[str]:
        """Why the files are not those that the owner of the key signed; empty if they are."""
        if not (folder / SIGNATURE).is_file():
            return [f"{SIGNATURE}: it is missing, so nobody has signed these files"]
        try:
            config = self._config.set_hashing_config(_hashes(folder))
            config.verify(folder, folder / SIGNATURE)
        except Exception as error:  # noqa: BLE001  # a damaged signature can raise anything
            text = " ".join(str(error).split()) or type(error).__name__
            return [f"{SIGNATURE}: it is not a signature of these files by {self._key}: {text}"]
        return []


def _hashes(folder: Path) -> Any:
    """The files whose hashes are signed."""
    from model_signing import hashing

    return hashing.Config().set_ignored_paths(
        paths=[folder / name for name in _NOT_SIGNED], ignore_git_paths=False
    )


def _check_installed() -> None:
    if importlib.util.find_spec("model_signing") is None:
        raise ValueError(
            "Signatures need the package model-signing. Install it with: "
            "pip install 'kerasnets[signing]'"
        )


@contextlib.contextmanager
def _explained(key: str | os.PathLike[str], kind: str, command: str) -> Iterator[None]:
    """Explain why a key cannot be used."""
    if not Path(key).is_file():
        raise FileNotFoundError(
            f"There is no {kind} key {os.fspath(key)}. Make one with: {command}"
        )
    try:
        yield
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            f"{os.fspath(key)} is not a {kind} key in PEM format, without a password, on the curve "
            f"P-256, P-384 or P-521 ({error}). Make one with: {command}"
        ) from error
