"""The cases of hostile.py: how to make the hostile files or server, and how they are used."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

GIGABYTE = 10**9
_BLOCK = bytes(2**20)


def _none(folder: Path) -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Case:
    """A hostile input.

    Attributes:
        group: the heading of the table that it belongs to.
        name: what is hostile.
        attempt: what a user does with it. It takes the folder of the case.
        prepare: makes the files in that folder.
        reason: what the error must say.
        accepted: whether it must be accepted, to show that the harness can tell the difference.
        megabytes: the largest memory that is allowed.
    """

    group: str
    name: str
    attempt: Callable[[Path], object]
    prepare: Callable[[Path], object] = _none
    reason: str = ""
    accepted: bool = False
    megabytes: int = 1500


# Exported models: kn.verify with 2 GiB.


def verify(seconds: float, folder: Path) -> object:
    """Verify the exported version in a folder."""
    import kerasnets as kn

    return kn.verify(folder / "1", timeout=seconds, max_memory=2 * 2**30)


def make_saved_model(function: str, folder: Path) -> None:
    """Write a SavedModel with a function of the hostile models."""
    from tests.exporting.verification import hostile_models as hostile

    made = hostile.SAVED_MODELS.get(function) or getattr(hostile, function)
    hostile.write_card(folder / "1", ["saved_model"])
    hostile.write_saved_model(folder / "1", folder / "written.txt", serving_default=made)


def make_onnx(function: str, folder: Path) -> None:
    """Write an ONNX file of the hostile models."""
    from tests.exporting.verification import hostile_models as hostile

    made = hostile.ONNX.get(function) or getattr(hostile, function)
    hostile.write_card(folder / "1", ["onnx"], onnx={"allow_loops": True})
    hostile.save_onnx(made(), folder / "1")


def make_keras(change: str, folder: Path) -> None:
    """Write a .keras file of the hostile models, next to an honest ONNX file."""
    from tests.exporting.verification import hostile_models as hostile

    make_onnx("onnx_identity", folder)
    hostile.write_card(folder / "1", ["onnx"], keras={"modules": []})
    path = folder / "1" / "model.keras"
    hostile.write_keras(path, hostile.KERAS.get(change, lambda layer: None))
    if change == "linked weights":
        hostile.with_linked_weights(path)


def make_damaged_export(change: Callable[[Path], object], folder: Path) -> None:
    """Write an honest ONNX export, and change its files."""
    make_onnx("onnx_identity", folder)
    change(folder / "1")


def replace(name: str, write: Callable[[Path], object]) -> Callable[[Path], object]:
    """A change of an exported folder: write another file in the place of one."""

    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        write(folder / name)

    return change


def link_to_zeros(path: Path) -> None:
    """Make a link to a device without an end."""
    path.symlink_to("/dev/zero")


def huge_file(path: Path) -> None:
    """Make a file of 10 GB that takes no space on the disk."""
    with path.open("wb") as file:
        file.truncate(10 * GIGABYTE)


def npz_bomb(path: Path) -> None:
    """Write an .npz of a few megabytes whose array has 3 GB."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("same.npy", b"")
        with archive.open("x.npy", "w", force_zip64=True) as member:
            header = {"descr": "<f4", "fortran_order": False, "shape": (3 * GIGABYTE // 4,)}
            np.lib.format.write_array_header_1_0(member, header)
            for _ in range(3 * GIGABYTE // len(_BLOCK) + 1):
                member.write(_BLOCK)


def npz_with_pickle(path: Path) -> None:
    """Write an .npz with a pickled object that would create a file."""

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str, ...]]:
            return os.mkdir, (str(path.parents[1] / "written.txt"),)

    np.savez(path, same=np.array([Evil()], object), x=np.array([Evil()], object))


def nested_json(path: Path) -> None:
    """Write JSON with a million brackets."""
    path.write_text("[" * 10**6, encoding="utf-8")


# Archives of data sets.


def gzip_bomb(path: Path, line: bytes = b"1,2,3\n") -> None:
    """Write a gzip file of a few megabytes that unpacks to 4 GB.

    A gzip file may have many members, so the same compressed block is repeated.
    """
    lines = line * (2**24 // len(line))
    path.write_bytes(gzip.compress(lines) * (4 * GIGABYTE // len(lines)))


def zip_bomb(path: Path, member: str) -> None:
    """Write a zip file of a few megabytes with a member of 1 GB."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(member, "w", force_zip64=True) as file,
    ):
        for _ in range(GIGABYTE // len(_BLOCK)):
            file.write(b"1\n" * 2**19)


def escaping_zip(path: Path, member: str) -> None:
    """Write a zip file whose members lie outside of it."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in (f"../../../{member}", f"/tmp/{member}"):  # noqa: S108  # hostile
            archive.writestr(name, "1\n" * 10)


def damaged_gzip(path: Path) -> None:
    """Write a gzip file that is cut and has a flipped byte."""
    content = bytearray(gzip.compress(b"1,2,3\n" * 1000))[:-9]
    content[len(content) // 2] ^= 255
    path.write_bytes(bytes(content))


DATA_FILES = {
    "eicu": ["patient.csv.gz", "diagnosis.csv.gz", "treatment.csv.gz"],
    "mimic3": ["ADMISSIONS.csv.gz", "DIAGNOSES_ICD.csv.gz", "PATIENTS.csv.gz"],
    "covid": ["covid.csv.gz"],
    "mnist": [
        f"{part}-{kind}-ubyte.gz"
        for part in ("train", "t10k")
        for kind in ("images-idx3", "labels-idx1")
    ],
    "rain": ["X_train.txt", "Y_train.txt"],
    "seizure": [f"{letter}.zip" for letter in "ZONFS"],
}
DAMAGES: dict[str, Callable[[Path], None]] = {
    "gzip bomb of 4 GB": gzip_bomb,
    "zip bomb of 1 GB": lambda path: zip_bomb(path, f"{path.stem}001.txt"),
    "members outside of the archive": lambda path: escaping_zip(path, f"{path.stem}001.txt"),
    "cut and damaged gzip": damaged_gzip,
    "link to /dev/zero": link_to_zeros,
    "pipe": os.mkfifo,
    "file of 10 GB": huge_file,
}


def make_data(name: str, damage: Callable[[Path], None], folder: Path) -> None:
    """Write every file of a data set damaged."""
    folder.mkdir()
    first, *others = (folder / file for file in DATA_FILES[name])
    damage(first)
    for path in others:
        if first.is_file() and first.suffix in (".gz", ".zip") and first.stat().st_size < GIGABYTE:
            shutil.copyfile(first, path)
        else:
            damage(path)


def load_data(name: str, folder: Path) -> object:
    """Load a data set."""
    import kerasnets as kn

    return kn.load_data(name, data_dir=folder)


def make_file(name: str, damage: Callable[[Path], object], folder: Path) -> None:
    """Write a damaged data file of the user."""
    folder.mkdir()
    damage(folder / name)


def load_file(name: str, folder: Path) -> object:
    """Load a data file of the user."""
    import kerasnets as kn

    target = None if name.endswith(".npz") else "y"
    return kn.Dataset.from_file(folder / name, target=target)


# Servers: the client with one second and 1 MB.


def ask_rest(name: str, folder: Path) -> object:
    """Send a request to a hostile server."""
    from kerasnets.exporting import predict
    from tests.exporting.serving import hostile_servers as servers

    chunked = servers.HEADERS + b"Transfer-Encoding: chunked\r\n\r\n"
    answers = {
        "sends a byte every 0.5 s": servers.drip(servers.HEADERS, b"X", 0.5),
        "sends a byte of the body every 0.5 s": servers.drip(servers.HEADERS + b"\r\n", b" ", 0.5),
        "never answers": lambda connection: time.sleep(30),
        "sends 1.8 GB": servers.flood(servers.HEADERS + b"\r\n", b" ", 1_800_000_000),
        "sends 1.8 GB in chunks": servers.flood(
            chunked, b"400\r\n" + b" " * 1024 + b"\r\n", 1_800_000_000
        ),
        "sends a gzip bomb of 4 GB": lambda connection: servers.reply(
            (folder / "bomb.gz").read_bytes(), b"Content-Encoding: gzip\r\n"
        )(connection),
        "sends an endless header": servers.flood(servers.HEADERS + b"X: ", b"y"),
        "sends nested JSON": servers.reply(b"[" * 900_000),
        "sends HTML": servers.reply(b"<html>not found</html>", b"Content-Type: text/html\r\n"),
        "sends garbage": lambda connection: connection.sendall(os.urandom(1000)),
        "sends another shape": servers.reply(b'{"outputs": [[1], [2], [3]]}'),
        "sends uneven lists": servers.reply(b'{"outputs": [[1], [2, 3]]}'),
        "closes the connection": lambda connection: connection.close(),
        "redirects": servers.reply(b"", b"Location: http://127.0.0.1:1/\r\n", b"302 Found"),
        "answers": servers.reply(b'{"outputs": [[1], [2]]}'),
    }
    with servers.rest_server(answers[name]) as address:
        rows = np.zeros((2, 3), "float32")
        return predict(address, "net", {"x": rows}, timeout=1, max_response_bytes=10**6)


REST = (
    *("sends a byte every 0.5 s", "sends a byte of the body every 0.5 s", "never answers"),
    *("sends 1.8 GB", "sends 1.8 GB in chunks", "sends a gzip bomb of 4 GB"),
    *("sends an endless header", "sends nested JSON", "sends HTML", "sends garbage"),
    *("sends another shape", "sends uneven lists", "closes the connection", "redirects"),
)


def ask_grpc(name: str, folder: Path) -> object:
    """Send a request to a hostile gRPC server."""
    from kerasnets.exporting import predict
    from tests.exporting.serving import hostile_servers as servers

    # Field 1: an output "y" with type float32, shape (100,000,000) and the value 1.0.
    large = bytes.fromhex("0a16 0a0179 1211 0801 1207 12050880c2d72f 2a04 0000803f")
    answers = {
        "describes 10⁸ floats in 24 bytes": lambda: large,
        "sends 100 MB": lambda: bytes(10**8),
        "sends a compressed bomb of 100 MB": lambda: bytes(10**8),
        "sends garbage": lambda: b"garbage",
        "answers too late": lambda: time.sleep(5) or b"",
    }
    with servers.grpc_server(answers[name], compress="compressed" in name) as address:
        rows = np.zeros((2, 3), "float32")
        seconds = 1 if "late" in name else 20
        return predict(address, "net", {"x": rows}, timeout=seconds, max_response_bytes=10**6)


GRPC = (
    *("describes 10⁸ floats in 24 bytes", "sends 100 MB", "sends a compressed bomb of 100 MB"),
    *("sends garbage", "answers too late"),
)


def all_cases(seconds: float = 60) -> list[Case]:
    """Every case.

    Args:
        seconds: the time limit of a verification.
    """
    verify_folder = partial(verify, seconds)
    models, folders = "hostile models", "hostile exported folders"
    archives, servers = "hostile archives of data", "hostile servers"
    saved_models = (
        *("WriteFile", "ReadFile", "PrintV2", "EagerPyFunc", "MatchingFiles", "TextLineDataset"),
        *("SaveV2", "ImmutableConst", "DebugIdentity", "WriteFile in a loop"),
    )
    keras_files = (
        *("Lambda", "TFSMLayer", "__lambda__", "os.system", "keras.utils.get_file"),
        *("kerasnetsx.Layer", "vocabulary"),
    )
    too_long, too_much = f"did not end within {seconds:g} s", "GiB of memory, the max_memory"
    peak = 2500  # two gigabytes of the verification, and what it used before it was stopped

    def model(
        name: str, make: Callable[..., None], made: object, reason: str = "", **options: Any
    ) -> Case:
        return Case(models, name, verify_folder, partial(make, made), reason, **options)

    cases = [
        model("honest SavedModel", make_saved_model, "honest", accepted=True),
        *(
            model(f"SavedModel with {name}", make_saved_model, name, name.partition(" ")[0])
            for name in saved_models
        ),
        model("SavedModel: endless loop", make_saved_model, "endless_loop", too_long),
        model("SavedModel: 8 GB", make_saved_model, "memory_bomb", too_much, megabytes=peak),
        model("honest ONNX", make_onnx, "onnx_identity", accepted=True),
        model("ONNX with EPContext", make_onnx, "EPContext", "EPContext"),
        model("ONNX, hidden", make_onnx, "EPContext in a function", "EPContext"),
        model("ONNX with external data", make_onnx, "external data", "in another file"),
        model("ONNX: endless loop", make_onnx, "onnx_endless_loop", too_long),
        model("ONNX: 5 GB", make_onnx, "onnx_memory_bomb", too_much, megabytes=peak),
        model("honest model.keras", make_keras, "honest", accepted=True),
        *(model(f"model.keras with {name}", make_keras, name, name) for name in keras_files),
        model("model.keras with linked weights", make_keras, "linked weights", "are a link"),
    ]
    changes = {
        "card.json: a million brackets": (replace("card.json", nested_json), "not JSON"),
        "card.json: 10 GB": (replace("card.json", huge_file), "a card has at most"),
        "card.json: link to /dev/zero": (replace("card.json", link_to_zeros), "it is a link"),
        "model.onnx: pipe": (replace("model.onnx", os.mkfifo), "neither a file nor a folder"),
        "model.onnx: 10 GB": (replace("model.onnx", huge_file), "model.onnx"),
        "reference.npz: bomb of 3 GB": (replace("reference.npz", npz_bomb), "reference.npz"),
        "reference.npz: pickle": (replace("reference.npz", npz_with_pickle), "allow_pickle=False"),
        "SHA256SUMS: path outside": (
            replace("SHA256SUMS", lambda path: path.write_text(f"{'0' * 64}  ../../etc/passwd\n")),
            "line 1 is not a checksum",
        ),
    }
    for name, (change, reason) in changes.items():
        make = partial(make_damaged_export, change)
        cases.append(Case(folders, name, verify_folder, make, reason, megabytes=peak))
    for name, damage in DAMAGES.items():
        for data in DATA_FILES:
            if name.startswith(("zip", "members")) and data != "seizure":
                continue
            case = f"{data}: {name}"
            make = partial(make_data, data, damage)
            cases.append(Case(archives, case, partial(load_data, data), make, "/b"))
    own = {
        ".npz bomb of 3 GB": ("data.npz", npz_bomb),
        ".npz with pickle": ("data.npz", npz_with_pickle),
        ".csv.gz bomb of 4 GB": ("data.csv.gz", lambda path: gzip_bomb(path, b"1,2\n")),
        ".csv.gz cut and damaged": ("data.csv.gz", damaged_gzip),
        ".csv link to /dev/zero": ("data.csv", link_to_zeros),
        ".csv pipe": ("data.csv", os.mkfifo),
        ".csv of 10 GB": ("data.csv", huge_file),
    }
    for name, (file, damage) in own.items():
        make = partial(make_file, file, damage)
        cases.append(Case(archives, f"own file: {name}", partial(load_file, file), make, file))
    bomb = partial(make_file, "bomb.gz", gzip_bomb)
    cases += [
        Case(servers, f"REST: {name}", partial(ask_rest, name), bomb if "bomb" in name else _none)
        for name in REST
    ]
    cases += [Case(servers, f"gRPC: {name}", partial(ask_grpc, name)) for name in GRPC]
    cases += [Case(servers, "REST: answers", partial(ask_rest, "answers"), accepted=True)]
    return cases


def outcome(case: Case, folder: Path) -> dict[str, str]:
    """Do what a user does, and describe what happened.

    Returns:
        ``kind``: ``"accepted"``, ``"refused"``, or ``"obscure error"`` for an error that the
        command line does not report as one line; and ``text``.
    """
    from kerasnets._errors import WorkFailedError

    try:
        case.attempt(folder)
    except (WorkFailedError, ValueError, OSError) as error:
        return {"kind": "refused", "text": " ".join(str(error).split())}
    except Exception as error:  # noqa: BLE001  # any other error is an outcome to report
        return {"kind": "obscure error", "text": json.dumps(f"{type(error).__name__}: {error}")}
    return {"kind": "accepted", "text": ""}
