"""Signatures of exported files, and what they find."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import kerasnets as kn
from kerasnets.exporting import VerificationError
from kerasnets.exporting.signing import SIGNATURE, SignatureChecker
from kerasnets.exporting.verification.runtimes import check, write_checksums
from tests.exporting.helpers import small_net, write_keys


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return write_keys(
        tmp_path_factory.mktemp("keys"), "key", ec.generate_private_key(ec.SECP256R1())
    )


@pytest.fixture(scope="module")
def signed(keys, tmp_path_factory):
    return kn.export(
        small_net(), tmp_path_factory.mktemp("exported") / "my-net", "onnx", sign=keys[0],
        keras_file=False, verify=False,
    )  # fmt: skip


def test_the_signature_is_that_of_the_key_and_of_all_files(signed, keys):
    assert SignatureChecker(keys[1]).failures(signed) == []
    assert check(signed, 1e-5).failures == []  # the signature has a checksum
    text = (signed / SIGNATURE).read_text()
    payload = json.loads(base64.b64decode(json.loads(text)["dsseEnvelope"]["payload"]))
    names = {entry["name"] for entry in payload["predicate"]["resources"]}
    files = {path.name for path in signed.iterdir()}
    assert names == files - {SIGNATURE, "SHA256SUMS"}


def test_verify_checks_the_signature_before_anything_else(signed, keys, verify_in_this_process):
    assert kn.verify(signed, public_key=keys[1]).ok


@pytest.mark.parametrize("name", ["model.onnx", "card.json", "README.md", SIGNATURE])
def test_a_changed_file_is_found_although_its_checksum_was_changed_too(
    name, signed, keys, tmp_path
):
    copy = Path(shutil.copytree(signed, tmp_path / "1"))
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    write_checksums(copy)
    with pytest.raises(VerificationError, match="it is not a signature of these"):
        kn.verify(copy, public_key=keys[1])


def test_added_files_other_keys_and_missing_signatures_are_found(signed, keys, tmp_path):
    copy = Path(shutil.copytree(signed, tmp_path / "1"))
    (copy / "model.tflite").write_bytes(b"x")
    (failure,) = SignatureChecker(keys[1]).failures(copy)
    assert "Extra files found in model" in failure
    _, other = write_keys(tmp_path, "other", ec.generate_private_key(ec.SECP256R1()))
    (failure,) = SignatureChecker(other).failures(signed)
    assert "it is not a signature of these files" in failure
    (copy / SIGNATURE).unlink()
    (failure,) = SignatureChecker(keys[1]).failures(copy)
    assert failure == "model.sig: it is missing, so nobody has signed these files"


def test_keys_that_cannot_be_used_are_refused_before_any_work(signed, keys, tmp_path, monkeypatch):
    rsa_key, rsa_public = write_keys(tmp_path, "rsa", rsa.generate_private_key(65537, 2048))
    for wrong in (rsa_key, keys[1]):
        with pytest.raises(ValueError, match=r"is not a private key .*openssl ecparam"):
            kn.export(small_net(), tmp_path / "net", sign=wrong)
    with pytest.raises(FileNotFoundError, match=r"There is no private key .*missing\.pem"):
        kn.export(small_net(), tmp_path / "net", sign=tmp_path / "missing.pem")
    with pytest.raises(ValueError, match="is not a public key"):
        kn.verify(signed, public_key=rsa_public)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'kerasnets\[signing\]'"):
        kn.export(small_net(), tmp_path / "net", sign=keys[0])
    assert not (tmp_path / "net").exists()
