"""kerasnets.report.bundle: one file, with a policy that names its scripts."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from kerasnets.report import bundle
from kerasnets.report.vendor import PAGE


def script_elements(page: str) -> list[tuple[str, str]]:
    return re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL)


def content(**more: object) -> dict[str, object]:
    return {"title": "a </script> & <b>", "kind": "report", **more}


def test_the_policy_allows_the_scripts_of_the_page_and_nothing_else() -> None:
    page = bundle.page_html(content(), {"model.onnx": b"net"})
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    run = [t for attributes, t in script_elements(page) if attributes in ("", ' type="module"')]
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in (*run, style)
    ]
    assert len(run) == 4  # D3, Plot, the runtime, the page
    assert policy == (
        f"default-src 'none'; script-src {' '.join(hashes[:4])} 'wasm-unsafe-eval'; "
        f"style-src {hashes[4]}; base-uri 'none'; form-action 'none'"
    )


def test_the_content_cannot_end_its_element() -> None:
    page = bundle.page_html(content(names=["</script><script>alert(1)</script>"]), {})
    data = [text for kind, text in script_elements(page) if "application/json" in kind]
    assert json.loads(data[0]) == content(names=["</script><script>alert(1)</script>"])
    assert "alert(1)" not in [text for kind, text in script_elements(page) if not kind]
    assert "<title>a &lt;/script&gt; &amp; &lt;b&gt; " in page


def test_files_are_embedded_as_they_are() -> None:
    files = {"model.onnx": bytes(range(256)), "reference.npz": b""}
    page = bundle.page_html(content(), files)
    for name, expected in files.items():
        (text,) = re.findall(rf'id="{name}">([^<]*)</script>', page)
        assert base64.b64decode(text) == expected
    assert 'id="runtime"' in page
    assert 'id="runtime"' not in bundle.page_html(content(), {})


def test_every_module_is_joined_once_after_what_it_imports() -> None:
    text = bundle.joined_modules("main.js")
    names = re.findall(r"^// ([\w-]+\.js)$", text, re.MULTILINE)
    assert sorted(names) == sorted(path.name for path in PAGE.glob("*.js"))
    for path in PAGE.glob("*.js"):
        for other in re.findall(r'from "\./([\w-]+\.js)"', path.read_text("utf-8")):
            assert names.index(other) < names.index(path.name)
    assert not re.findall(r"^(import|export) ", text, re.MULTILINE)
    tops = re.findall(r"^(?:async )?(?:function|const|let|class) (\w+)", text, re.MULTILINE)
    assert len(tops) == len(set(tops)), "a name at the top level of two modules"


def test_no_module_is_long() -> None:
    assert [p.name for p in PAGE.glob("*.js") if p.read_text("utf-8").count("\n") > 300] == []


def test_the_page_names_no_address() -> None:
    for path in [*PAGE.glob("*.js"), PAGE / "page.html", PAGE / "page.css"]:
        assert not re.search(r"https?:", path.read_text("utf-8")), path.name


def test_another_form_of_the_runtime_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bundle.runtime_script().endswith("};")
    monkeypatch.setattr(bundle, "vendor_text", lambda name: "const ort = {};")
    with pytest.raises(ValueError, match="does not end with its exports"):
        bundle.runtime_script()
    monkeypatch.setattr(bundle, "vendor_text", lambda name: "let a='</script>'")
    with pytest.raises(ValueError, match="</script"):
        bundle.page_html(content(), {})


def test_the_page_folder_has_only_what_the_page_uses() -> None:
    names = {path.name for path in Path(PAGE).iterdir() if path.suffix != ".js"}
    assert names == {"licences", "page.css", "page.html", "vendor", "vendor.json"}
