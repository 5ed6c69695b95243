"""Print the packages of kerasnets, their imports, and all violations of the import rules.

    python scripts/tables/imports.py [FOLDER]

FOLDER is a checkout of this repository; default: this one. Only the standard library is needed,
and nothing is imported: the script reads the source code.

The rules: a package may import the packages of the layers below it (_LAYERS) and the shared
modules, such as _files. There must be no import cycles, and no file has more than 300 lines.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = "kerasnets"
MAX_LINES = 300

# The layers, from the top. A package may import the packages of the layers below it.
_LAYERS: tuple[tuple[str, ...], ...] = (
    ("__main__",),
    ("cli",),
    ("commands",),
    ("report", "studies"),
    ("training", "exporting"),
    ("evaluation",),
    ("data", "profiling", "nets"),
    ("engine",),
)
_ENGINE = frozenset({"_errors", "_lazy", "_patching"})


def _make_rules() -> dict[str, frozenset[str]]:
    rules: dict[str, frozenset[str]] = {}
    below: frozenset[str] = frozenset()
    for layer in reversed(_LAYERS):
        rules |= dict.fromkeys(layer, below)
        below |= frozenset(layer)
    return rules


RULES: Mapping[str, frozenset[str]] = _make_rules()


class Import(NamedTuple):
    """An import statement: the importing module, the imported one, and the line."""

    module: str
    imported: str
    line: int


class Module(NamedTuple):
    """A source file."""

    name: str
    path: Path
    lines: int
    imports: tuple[Import, ...]
    visit_checks: int


def read_modules(folder: Path) -> dict[str, Module]:
    """Read all modules of the package in a checkout, by name.

    Imports inside functions count, imports for type checkers only do not.
    """
    paths = {_module_name(folder, path): path for path in sorted((folder / ROOT).rglob("*.py"))}
    if not paths:
        raise FileNotFoundError(f"There is no package {ROOT} in {folder}.")
    return {name: _read_module(name, path, paths.keys()) for name, path in paths.items()}


def _module_name(folder: Path, path: Path) -> str:
    parts = path.relative_to(folder).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _read_module(name: str, path: Path, names: Iterable[str]) -> Module:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text, filename=str(path))
    imports = tuple(
        Import(name, imported, line)
        for imported, line in dict.fromkeys(_imports(tree, frozenset(names)))
        if imported != name
    )
    return Module(name, path, len(text.splitlines()), imports, _count_visit_checks(tree))


def _imports(tree: ast.AST, names: frozenset[str]) -> Iterator[tuple[str, int]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in names:
                    yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module in names:
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                yield (submodule if submodule in names else node.module), node.lineno
        yield from _imports(node, names)


def _count_visit_checks(tree: ast.AST) -> int:
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return sum(
        ast.unparse(call.func) == "isinstance" and "VisitSequences" in ast.unparse(call.args[1])
        for call in calls
    )


def package_of(module: str) -> str:
    """The package below the root that a module belongs to, or the name of a top-level module."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def forbidden_imports(modules: Mapping[str, Module]) -> list[Import]:
    """The imports that the rules do not allow."""
    return [
        entry
        for module in modules.values()
        for entry in module.imports
        if not _is_allowed(package_of(entry.module), package_of(entry.imported))
    ]


def _is_allowed(package: str, imported: str) -> bool:
    if package == imported:
        return True
    if package == "engine":
        return imported in _ENGINE
    return _is_shared(imported) or imported in RULES.get(package, frozenset())


def _is_shared(name: str) -> bool:
    """Whether all packages may import a module. ``__init__`` has the version of the package."""
    return name.startswith("_") and name != "__main__"


def import_cycles(modules: Mapping[str, Module]) -> list[list[str]]:
    """Groups of modules with cyclic imports (strongly connected components)."""
    targets = {name: {entry.imported for entry in modules[name].imports} for name in modules}
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    cycles: list[list[str]] = []

    def visit(name: str) -> None:  # Tarjan's algorithm
        index[name] = low[name] = len(index)
        stack.append(name)
        for target in sorted(targets[name]):
            if target not in index:
                visit(target)
                low[name] = min(low[name], low[target])
            elif target in stack:
                low[name] = min(low[name], index[target])
        if low[name] == index[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                cycles.append(sorted(group))

    for name in modules:
        if name not in index:
            visit(name)
    return cycles


def long_files(modules: Mapping[str, Module]) -> list[Module]:
    """The files with more than MAX_LINES lines."""
    return [module for module in modules.values() if module.lines > MAX_LINES]


def report(folder: Path) -> str:
    """Return the table of packages, and the lists of violations."""
    modules = read_modules(folder)
    rows = [("package", "files", "lines", "imports"), *_package_rows(modules)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    table = [
        f"{package:<{widths[0]}}  {files:>{widths[1]}}  {lines:>{widths[2]}}  {imports}"
        for package, files, lines, imports in rows
    ]
    violations = [
        f"{entry.module} imports {entry.imported} (line {entry.line})"
        for entry in forbidden_imports(modules)
    ]
    checks = {module.name: module.visit_checks for module in modules.values()}
    return "\n".join(
        [
            *table,
            f"total: {len(modules)} files, {sum(m.lines for m in modules.values()):,} lines",
            *_listed("imports against the rules", violations),
            *_listed("import cycles", [" <-> ".join(c) for c in import_cycles(modules)]),
            *_listed(
                f"isinstance checks for VisitSequences ({sum(checks.values())} in all), modules",
                [f"{name}: {count}" for name, count in checks.items() if count],
            ),
            *_listed(
                f"files with more than {MAX_LINES} lines",
                [f"{module.name}: {module.lines}" for module in long_files(modules)],
            ),
        ]
    )


def _package_rows(modules: Mapping[str, Module]) -> Iterator[tuple[str, str, str, str]]:
    packages = {package_of(name) for name in modules}
    order = [name for layer in _LAYERS for name in layer]
    for package in sorted(packages, key=lambda p: (order.index(p) if p in order else 99, p)):
        own = [module for name, module in modules.items() if package_of(name) == package]
        imported = {package_of(entry.imported) for module in own for entry in module.imports}
        yield (
            package,
            str(len(own)),
            f"{sum(module.lines for module in own):,}",
            ", ".join(sorted(imported - {package})) or "–",
        )


def _listed(title: str, lines: list[str]) -> list[str]:
    return ["", f"{title}: {len(lines) or 'none'}", *(f"  {line}" for line in lines)]


def main() -> None:
    """Print the report of a checkout."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(__file__).resolve().parents[2],
        help="a checkout of the repository; default: this one",
    )  # fmt: skip
    print(report(parser.parse_args().folder))


if __name__ == "__main__":
    main()
