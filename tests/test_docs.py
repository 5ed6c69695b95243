"""The documents: examples run, links lead somewhere, generated pages agree with their scripts.

``make docs`` executes the notebooks and builds the site, which checks more: anchors of links, and
every name in the reference of the API.
"""

from __future__ import annotations

import ast
import doctest
import importlib
import json
import re
import runpy
import shlex
import string
import tomllib
from pathlib import Path

import griffe
import numpy as np
import pytest
import yaml

import kerasnets as kn
from kerasnets import cli
from kerasnets.cli import main
from kerasnets.studies import digits, seizure

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
NOTEBOOKS = sorted(DOCS.glob("notebooks/*.ipynb"))
PACKAGES = (
    "data", "engine", "evaluation", "exporting", "nets", "profiling", "report", "studies",
    "training",
)  # fmt: skip


@pytest.mark.parametrize("name", ["by-hand.md"])
def test_the_python_examples_return_the_results_shown(name):
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / name).read_text("utf-8"), re.DOTALL)
    text = "\n".join(block for block in blocks if block.startswith(">>>"))
    test = doctest.DocTestParser().get_doctest(text, {}, name, name, 0)
    assert len(test.examples) > 10
    report: list[str] = []
    result = doctest.DocTestRunner().run(test, out=report.append)
    assert result.failed == 0, "".join(report)
    assert result.attempted == len(test.examples)


def markdown(path):
    """The text of a page, or of the Markdown cells of a notebook."""
    text = path.read_text("utf-8")
    if path.suffix == ".md":
        return text
    cells = json.loads(text)["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


@pytest.mark.parametrize(
    "path",
    [*PAGES, *NOTEBOOKS, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"],
    ids=lambda path: path.name,
)
def test_the_targets_of_links_exist(path):
    for target in re.findall(r"\]\(([^)\s#:]+)(?:#[^)]*)?\)", markdown(path)):
        assert (path.parent / target).exists(), target


def test_the_site_has_every_page():
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
    addresses = re.findall(r"'([^']+\.md)'", str(site["nav"]))
    generated = {"index.md", "changelog.md", "contributing.md", "security.md", "exported.md"}
    pages = {str(path.relative_to(DOCS)) for path in PAGES}
    pages |= {str(path.relative_to(DOCS).with_suffix(".md")) for path in NOTEBOOKS}
    assert pages <= set(addresses)
    assert set(addresses) - pages <= generated | {"commands.md"}


def test_the_reference_has_every_public_name():
    documented = {
        name
        for path in DOCS.glob("api/*.md")
        for name in re.findall(r"^::: (kerasnets[\w.]+)$", path.read_text("utf-8"), re.MULTILINE)
    }
    objects = {id(resolve(name)): name for name in documented}
    assert len(objects) == len(documented)  # no name twice
    for name in kn.__all__:
        known = name == "__version__" or id(getattr(kn, name)) in objects
        assert known, f"add '::: kerasnets.{name}' to a page of docs/api"
    for package in PACKAGES:
        for name in exported_names(package):
            value = getattr(importlib.import_module(f"kerasnets.{package}"), name)
            assert id(value) in objects, f"add '::: kerasnets.{package}.{name}' to docs/api"


def test_the_reference_shows_functions_and_classes_not_modules_of_the_same_name():
    package = griffe.load("kerasnets", search_paths=[ROOT], allow_inspection=False)
    for path in DOCS.glob("api/*.md"):
        for name in re.findall(r"^::: kerasnets\.([\w.]+)$", path.read_text("utf-8"), re.MULTILINE):
            shown = package[name].final_target if package[name].is_alias else package[name]
            assert shown.kind in (griffe.Kind.FUNCTION, griffe.Kind.CLASS), name
            assert shown.docstring, name


def resolve(name):
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def exported_names(package):
    """The names that a package imports as ``from … import name as name``."""
    tree = ast.parse((ROOT / "kerasnets" / package / "__init__.py").read_text("utf-8"))
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return [alias.name for node in imports for alias in node.names if alias.asname == alias.name]


def script_constant(script, name, folder="tables"):
    """A string that a script assigns to a name, without importing the script."""
    for node in ast.parse((ROOT / "scripts" / folder / script).read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.literal_eval(node.value)
    raise LookupError(name)


@pytest.mark.parametrize(
    ("page", "template"),
    [
        ("own-nets.md", script_constant("reference_nets.py", "PAGE")),
        ("mortality-results.md", script_constant("mortality.py", "INTRODUCTION")),
        ("recipes.md", script_constant("recipes.py", "PAGE")),
        ("export-variants.md", script_constant("export_variants.py", "INTRODUCTION")),
        ("export-runtimes.md", script_constant("runtimes.py", "INTRODUCTION")),
        ("tampering.md", script_constant("tampering.py", "INTRODUCTION", "reliability")),
        ("seizure-results.md", seizure._PAGE),
        ("digits.md", digits._PAGE + digits._CAVEAT),
    ],
)
def test_a_generated_page_has_the_text_of_its_generator(page, template):
    text = (DOCS / page).read_text("utf-8")
    # The copies of pages from a run folder differ in these two links.
    text = text.replace("(images/digits.png)", "(digits.png)")
    text = text.replace("[reproduce.md](reproduce.md)", "reproduce.md in the documents")
    position = 0
    for literal, *_ in string.Formatter().parse(template):
        position = text.find(literal, position)
        assert position >= 0, literal
        position += len(literal)


def test_figures_are_drawn_from_recorded_results(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts" / "benchmarks")
    speed = runpy.run_path(str(ROOT / "scripts" / "benchmarks" / "speed_figure.py"))
    results = json.loads((DOCS / "speed.json").read_text("utf-8"))
    (axes,) = speed["speed_figure"](results).axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert sorted(names) == sorted(result["net"] for result in results["training"])
    assert (np.diff(axes.lines[0].get_xdata()) >= 0).all()  # sorted by the ratio to PyTorch
    digits_script = runpy.run_path(str(ROOT / "scripts" / "tables" / "digits_figure.py"))
    page = (DOCS / "digits.md").read_text("utf-8")
    for net in digits_script["read_results"](page):
        assert f"| `{net.net}` | {net.parameters:,} | {net.flops:,} | {net.epochs} | " in page
        assert f" | {net.stated:.2f} ({net.source}) | " in page
        assert f"| {net.mean:.2f} | {', '.join(f'{value:.2f}' for value in net.accuracies)}" in page


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_the_outputs_of_a_notebook_are_those_of_one_execution_without_errors(path):
    notebook = json.loads(path.read_text("utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert outputs
    assert {output["output_type"] for output in outputs} <= {
        "stream", "display_data", "execute_result"
    }  # fmt: skip
    assert "stderr" not in {output.get("name") for output in outputs}
    assert path.stat().st_size < 400_000


def test_the_compose_file_of_the_guide_starts_commands_and_extras_that_exist():
    text = (ROOT / "scripts" / "scale" / "compose.yaml").read_text("utf-8")
    assert f"```yaml\n{text}```" in (DOCS / "scale.md").read_text("utf-8")
    services = yaml.safe_load(text)["services"]
    for needed in ("database", "worker", "dashboard", "ray-head", "ray-node", "study"):
        assert needed in services
    commands = [service.get("command", "") for service in services.values()]
    assert sum(parse_command(command) for command in commands) == 2
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for extras in re.findall(r"/kerasnets\[(.*?)\]", text):
        assert set(extras.split(",")) <= project["optional-dependencies"].keys()


@pytest.mark.parametrize("name", ["scale-folds.md", "scale-training.md", "search.md"])
def test_the_commands_of_a_guide_can_be_parsed(name):
    blocks = re.findall(r"```sh\n(.*?)```", (DOCS / name).read_text("utf-8"), re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    assert sum(map(parse_command, lines)) >= 2


def parse_command(line):
    """Whether a line is a command of kerasnets. Its arguments must be valid."""
    words = shlex.split(line, comments=True)
    if words[:1] != ["kerasnets"]:
        return False
    cli._make_parser(words[1:2]).parse_args(words[1:])
    return True


def test_the_citation_is_that_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert citation["cff-version"] == "1.2.0"
    assert str(citation["version"]) == project["version"] == kn.__version__
    assert citation["license"] == project["license"]
    assert citation["authors"] == project["authors"]


@pytest.mark.usefixtures("no_figures", "verify_in_this_process")
def test_the_examples_of_your_own_model_and_data_run_in_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = (DOCS / "your-own.md").read_text("utf-8")
    namespace: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(block, "your-own.md", "exec"), namespace)  # noqa: S102  the document is ours
    assert "regression" in capsys.readouterr().out
    assert namespace["run"].metrics["test"]["r2"] > 0.5
    namespace["table"].to_csv("patients.csv", index=False)
    (block,) = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    for line in block.splitlines():
        assert main(shlex.split(line)[1:]) == 0, line
    assert len(Path("predictions.csv").read_text("utf-8").splitlines()) == 1 + 600


def test_the_example_of_the_command_line_runs(capsys):
    (block,) = re.findall(
        r"```python\n(.*?)```", (DOCS / "command-line.md").read_text("utf-8"), re.DOTALL
    )
    namespace: dict[str, object] = {}
    exec(compile(block, "command-line.md", "exec"), namespace)  # noqa: S102  the document is ours
    assert "ReferenceNet('seizure-spectral-small' on 'seizure'" in capsys.readouterr().out
    assert namespace["probabilities"].sum() == pytest.approx(1)
