"""The package follows its import rules, and scripts/tables/imports.py checks them correctly."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "scripts" / "tables" / "imports.py"


@pytest.fixture(scope="module")
def imports():
    spec = importlib.util.spec_from_file_location("imports", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["imports"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["imports"]


@pytest.fixture(scope="module")
def modules(imports):
    return imports.read_modules(ROOT)


def test_imports_go_down_the_layers_only(imports, modules):
    assert imports.forbidden_imports(modules) == []


def test_there_are_no_import_cycles(imports, modules):
    assert imports.import_cycles(modules) == []


def test_no_file_has_more_than_300_lines(imports, modules):
    assert [module.name for module in imports.long_files(modules)] == []


def test_every_package_has_a_rule(imports, modules):
    packages = {imports.package_of(name) for name in modules}
    assert {name for name in packages if not name.startswith("_")} <= imports.RULES.keys()


def test_the_rules_are_those_of_the_design(imports):
    allowed = imports.RULES
    assert allowed["engine"] == set()
    assert allowed["nets"] == allowed["data"] == allowed["profiling"] == {"engine"}
    assert allowed["evaluation"] == {"engine", "nets", "data", "profiling"}
    assert allowed["training"] == allowed["exporting"] == allowed["evaluation"] | {"evaluation"}
    assert allowed["studies"] == allowed["training"] | {"training", "exporting"}
    assert allowed["report"] == allowed["studies"]
    assert not any("cli" in rule for name, rule in allowed.items() if name != "__main__")


def checkout(folder, **sources):
    """Write a package with these modules; ``__`` in a name separates folders."""
    for name, text in {"__init__": "", **sources}.items():
        path = folder / "kerasnets" / f"{name.replace('__', '/').strip('/') or '__init__'}.py"
        path = path.with_name("__init__.py") if name == "__init__" else path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_an_import_of_a_higher_layer_is_found(imports, tmp_path):
    folder = checkout(
        tmp_path,
        engine__loop="def run():\n    from kerasnets.data.dataset import Split\n",
        engine__fit="from kerasnets._lazy import keras\nfrom kerasnets import _files, engine\n",
        _files="from kerasnets import data\n",
        commands__nets="from kerasnets import __version__, _files\n",
        data__dataset="from kerasnets import nets\nfrom kerasnets.nets import mlp\nimport numpy\n",
        nets__mlp="",
        _lazy="",
    )
    (folder / "kerasnets" / "nets" / "__init__.py").touch()
    (folder / "kerasnets" / "engine" / "__init__.py").touch()
    (folder / "kerasnets" / "data" / "__init__.py").touch()
    assert imports.forbidden_imports(imports.read_modules(folder)) == [
        ("kerasnets._files", "kerasnets.data", 1),
        ("kerasnets.data.dataset", "kerasnets.nets", 1),
        ("kerasnets.data.dataset", "kerasnets.nets.mlp", 2),
        ("kerasnets.engine.fit", "kerasnets._files", 2),
        ("kerasnets.engine.loop", "kerasnets.data.dataset", 2),
    ]


def test_imports_for_type_checkers_do_not_count(imports, tmp_path):
    folder = checkout(
        tmp_path,
        data__a="import typing\nif typing.TYPE_CHECKING:\n    from kerasnets.cli import main\n",
        cli="",
    )
    assert imports.forbidden_imports(imports.read_modules(folder)) == []


def test_cycles_are_found(imports, tmp_path):
    folder = checkout(
        tmp_path,
        data__a="from kerasnets.data import b\n",
        data__b="from kerasnets.data.c import x\n",
        data__c="def f():\n    import kerasnets.data.a\n",
        data__d="from kerasnets.data.a import x\n",
    )
    (folder / "kerasnets" / "data" / "__init__.py").touch()
    assert imports.import_cycles(imports.read_modules(folder)) == [
        ["kerasnets.data.a", "kerasnets.data.b", "kerasnets.data.c"]
    ]


def test_long_files_and_checks_for_visits_are_counted(imports, tmp_path):
    folder = checkout(
        tmp_path,
        data__exact="\n" * 300,
        data__long="\n" * 301,
        data__visits="isinstance(x, VisitSequences)\nisinstance(x, (int, data.VisitSequences))\n",
        data__other="isinstance(x, int)\n",
    )
    modules = imports.read_modules(folder)
    assert [module.name for module in imports.long_files(modules)] == ["kerasnets.data.long"]
    assert modules["kerasnets.data.visits"].visit_checks == 2
    assert modules["kerasnets.data.other"].visit_checks == 0


def test_a_folder_without_the_package_is_refused(imports, tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no package kerasnets in"):
        imports.read_modules(tmp_path)


def test_the_script_prints_the_report_of_a_checkout(tmp_path):
    folder = checkout(tmp_path, data__a="", engine__b="from kerasnets.data.a import x\n")
    args = [sys.executable, "-S", str(SCRIPT), str(folder)]
    text = subprocess.run(args, capture_output=True, text=True, check=True).stdout
    assert "total: 3 files, 1 lines" in text
    assert "imports against the rules: 1\n  kerasnets.engine.b imports kerasnets.data.a" in text
    assert "import cycles: none" in text
