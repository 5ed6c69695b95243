"""Put the page into one file: template, styles, scripts, content and the runtime.

The scripts in ``page/`` are ES modules. One file cannot import from another over ``file://``, so
the modules are joined into one, in the order of their imports, without the ``import`` lines. Every
name at the top level of a module is therefore unique.

A content security policy forbids all requests, and all scripts and styles but those of the page,
which it names by their hash. ``wasm-unsafe-eval`` allows WebAssembly, not ``eval``.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from string import Template
from typing import Any

from kerasnets.report.vendor import CHARTS, PAGE, RUNTIME, WASM, vendor_bytes, vendor_text

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=async function|function|const|class)", re.MULTILINE)
_EXPORTS_OF_RUNTIME = re.compile(r"export\{([^}]*)\};?\s*(//#.*\s*)?$")


def page_html(content: Mapping[str, Any], blobs: Mapping[str, bytes]) -> str:
    """Make the page.

    Args:
        content: what the page shows; can be written as JSON.
        blobs: binary files by name, such as ``"model.onnx"``. Without any, the page has no net
            and no runtime.
    """
    scripts = [("", vendor_text(name)) for name in CHARTS]
    data = [_data("content", "application/json", _json(content))]
    if blobs:
        scripts.append(("module", runtime_script()))
        files = {**blobs, "runtime": vendor_bytes(WASM)}
        data += [_data(name, "application/octet-stream", _base64(b)) for name, b in files.items()]
    scripts.append(("module", joined_modules("main.js")))
    style = (PAGE / "page.css").read_text("utf-8")
    template = Template((PAGE / "page.html").read_text("utf-8"))
    return template.substitute(
        policy=_policy([text for _, text in scripts], style),
        title=html.escape(str(content["title"])),
        style=style,
        data="\n".join(data),
        scripts="\n".join(_script(kind, text) for kind, text in scripts),
    )


def joined_modules(main: str) -> str:
    """Join a module of ``page/`` and everything that it imports into one module.

    Args:
        main: the name of the file.
    """
    return "\n".join(_parts(main, set()))


def _parts(name: str, done: set[str]) -> list[str]:
    """The text of the imports of a module, and of the module, each once."""
    if name in done:
        return []
    done.add(name)
    text = (PAGE / name).read_text("utf-8")
    parts = [part for other in _IMPORT.findall(text) for part in _parts(other, done)]
    return [*parts, f"// {name}\n" + _EXPORT.sub("", _IMPORT.sub("", text))]


def runtime_script() -> str:
    """The script of onnxruntime-web, which defines ``globalThis.ort``.

    Its file is a module that ends with its exports. Another module of the same page cannot import
    them without an address.
    """
    text = vendor_text(RUNTIME)
    match = _EXPORTS_OF_RUNTIME.search(text)
    if match is None:
        raise ValueError(f"{RUNTIME} does not end with its exports, as version 1.30 does.")
    pairs = (name.split(" as ") for name in match[1].split(","))
    names = ",".join(f"{pair[-1].strip()}:{pair[0].strip()}" for pair in pairs)
    return f"{text[: match.start()]}globalThis.ort={{{names}}};"


def _policy(scripts: list[str], style: str) -> str:
    sources = " ".join(map(_hash, scripts))
    return (
        f"default-src 'none'; script-src {sources} 'wasm-unsafe-eval'; style-src {_hash(style)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _script(kind: str, text: str) -> str:
    if "</script" in text or "<!--" in text:
        raise ValueError("A script of the page has </script or <!--, which would end it.")
    attribute = f' type="{kind}"' if kind else ""
    return f"<script{attribute}>{text}</script>"


def _data(name: str, kind: str, text: str) -> str:
    return f'<script type="{kind}" id="{name}">{text}</script>'


def _json(content: Mapping[str, Any]) -> str:
    """JSON that can stand inside a script element."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
