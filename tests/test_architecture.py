"""The shape of the whole: layers, names, one owner of the import names, generated files that are up to date."""

import ast
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from pipelines import template_metadata
from pipelines.registry import COMMANDS, PIPELINES

ROOT = Path(__file__).parents[1]
LAYERS = ("transforms/core", "transforms", "pipelines", "templates")  # each may import those before it, never after
FILES = sorted(path for top in ("transforms", "pipelines", "templates") for path in (ROOT / top).rglob("*.py"))
MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in FILES}
STANDARD = sys.stdlib_module_names - {"__main__"}


def layer_of(module):
    path = module.replace(".", "/") + "/"
    return next((number for number, layer in enumerate(LAYERS) if path.startswith(layer + "/")), None)


def imports_of(path):
    """Every module that a file imports at run time, inside functions too, as (module, line)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for statement in node.body
        for child in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = path.relative_to(ROOT).with_suffix("").parts[: -node.level] if node.level else ()
            base = ".".join([*package, *([node.module] if node.module else [])])
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield (whole if whole in MODULES else base), node.lineno


IMPORTS = {module: list(imports_of(path)) for module, path in MODULES.items()}


def test_there_is_something_to_look_at():
    assert {"pipelines.settings", "transforms.core.errors", "pipelines"} < set(MODULES)
    assert ("pipelines.settings_options", 0) in [(name, 0) for name, _ in IMPORTS["pipelines.settings_help"]]


def test_no_import_goes_upward():
    upward = [
        f"{module}:{line} imports {name}"
        for module, names in IMPORTS.items()
        for name, line in names
        if layer_of(name) is not None and layer_of(name) > layer_of(module)
    ]
    assert not upward


def test_nothing_below_transforms_core_knows_beam_and_nothing_shipped_knows_the_tests():
    wrong = [
        f"{module}:{line} imports {name}"
        for module, names in IMPORTS.items()
        for name, line in names
        if (name.split(".")[0] == "apache_beam" and layer_of(module) == 0)
        or name.split(".")[0] in {"tests", "benchmarks", "examples"}
    ]
    assert not wrong


def test_no_file_is_longer_than_300_lines():
    tops = ("pipelines", "transforms", "templates", "tests", "benchmarks")
    lengths = {path: len(path.read_bytes().splitlines()) for top in tops for path in (ROOT / top).rglob("*.py")}
    assert len(lengths) > len(FILES)
    assert not {str(path.relative_to(ROOT)): length for path, length in lengths.items() if length > 300}


def test_no_modules_import_each_other_in_a_circle():
    graph = {module: {name for name, _ in names if name in MODULES} - {module} for module, names in IMPORTS.items()}
    done, circles = set(), []

    def visit(module, trail):
        if module in trail:
            circles.append(" -> ".join([*trail[trail.index(module) :], module]))
        elif module not in done:
            for name in sorted(graph[module]):
                visit(name, [*trail, module])
            done.add(module)

    for module in graph:
        visit(module, [])
    assert not circles


def test_no_module_is_named_like_one_of_python_s_own():
    scripts = [path for top in ("benchmarks", "examples", "tests") for path in (ROOT / top).rglob("*.py")]
    named = [path for path in [*FILES, *scripts] if path.stem in STANDARD or path.parent.name in STANDARD]
    assert not [str(path.relative_to(ROOT)) for path in named]


def test_both_import_names_have_one_owner_in_the_environment():
    owners = metadata.packages_distributions()
    assert {name: set(owners.get(name, [])) for name in ("pipelines", "transforms")} == {
        "pipelines": {"hornbeam"},
        "transforms": {"hornbeam"},
    }


def test_the_distribution_ships_only_its_two_packages_and_all_of_them(tmp_path):
    source = tmp_path / "src"
    for top in ("pipelines", "transforms", "tests"):
        shutil.copytree(ROOT / top, source / top, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.py", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source / name)
    command = [sys.executable, "setup.py", "--quiet", "build", f"--build-lib={tmp_path / 'shipped'}"]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    names = {str(path.relative_to(tmp_path / "shipped")) for path in (tmp_path / "shipped").rglob("*.*")}
    assert {name.split("/")[0] for name in names} == {"pipelines", "transforms"}
    shippable = {"/".join(path.relative_to(ROOT).parts) for path in FILES if path.parts[len(ROOT.parts)] != "templates"}
    assert shippable <= names


@pytest.mark.parametrize("name", PIPELINES)
def test_the_template_s_metadata_is_what_the_settings_say(name):
    checked_in = template_metadata.template_path(name).read_text(encoding="utf-8")
    assert checked_in == template_metadata.metadata_text(name), "run `make templates` and check the result in"


def test_there_is_a_metadata_file_for_each_pipeline_and_for_nothing_else():
    assert {path.stem for path in (ROOT / "templates").glob("*.json")} == set(PIPELINES)


def test_the_readme_s_option_tables_are_what_the_settings_say():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme == template_metadata.readme_text(readme), "run `make templates` and check the result in"
    assert set(re.findall(r"<!-- options:(\w+) -->", readme)) == set(PIPELINES)


def test_every_registered_module_is_there():
    registered = {entry.module for entry in PIPELINES.values()}
    registered |= {module for command in COMMANDS.values() for module in command.modules.values()}
    assert registered <= set(MODULES)
