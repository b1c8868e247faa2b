"""The structure of the code in figures, read from its syntax trees; no Odoo needed.

`tests/project/test_architecture.py` holds the figures to their limits, `dev/architecture` prints
them and draws the picture of docs/architecture.md.
"""

import ast
import statistics
from collections import defaultdict
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Packages of models/, lower ones first: each calls itself and those before it.
PACKAGES = (
    "tools", "base", "consent", "dispatch", "conversation", "webhook", "optin", "integration",
    "campaign", "sequence", "analytics", "reputation", "ads", "crm", "privacy",
)  # fmt: skip
# Where code that runs in production lies.
PRODUCT = ("cloud_api", "policy", "models", "controllers", "wizard", "report")
# Odoo documents its own hooks; ours override them under the same name.
ODOO_HOOKS = frozenset(
    (
        "copy_data", "create", "default_get", "execute_import", "filter", "formatted_read_group",
        "init", "onchange", "unlink", "write",
    )
)  # fmt: skip


class Module:
    """One file: its path below the addon, its package of models/ (or ""), its tree."""

    def __init__(self, root, path):
        self.path = path.relative_to(root)
        self.package = self.path.parts[1] if self.path.parts[0] == "models" else ""
        self.text = path.read_text(encoding="utf-8")
        self.tree = ast.parse(self.text)

    @cached_property
    def lines_of_code(self):
        """Number of its lines without blank ones, comments and docstrings."""
        documented = {
            line
            for node in ast.walk(self.tree)
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
            and ast.get_docstring(node, clean=False) is not None
            for line in range(node.body[0].lineno, node.body[0].end_lineno + 1)
        }
        return sum(
            number not in documented and not line.strip().startswith("#") and bool(line.strip())
            for number, line in enumerate(self.text.splitlines(), 1)
        )

    @cached_property
    def models(self):
        """[(model name, class node)] of the models that this file declares or extends."""
        return [
            (name, node)
            for node in self.tree.body
            if isinstance(node, ast.ClassDef) and (name := _model_name(node))
        ]

    @cached_property
    def functions(self):
        return [node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef)]

    @cached_property
    def private_calls(self):
        """[(name, line)] of `x._name(...)`, without `super()._name(...)`."""
        return [
            (node.func.attr, node.lineno)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr.startswith("_")
            and not node.func.attr.startswith("__")
            and not _is_super(node.func.value)
        ]

    def imports(self, modules):
        """Paths of `modules` that this one imports, wherever in it."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = self.path.parts[: -node.level]
                module = Path(*base, *(node.module or "").split("."))
                for path in (module, *(module / alias.name for alias in node.names)):
                    if (file := path.with_suffix(".py")) in modules:
                        yield file


def _model_name(node):
    named = {
        statement.targets[0].id: ast.literal_eval(statement.value)
        for statement in node.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and statement.targets[0].id in ("_name", "_inherit")
    }
    inherited = named.get("_inherit") or ""
    return named.get("_name") or (inherited if isinstance(inherited, str) else inherited[0])


def _is_super(node):
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "super"


class Structure:
    """The product's modules and what is measured of them."""

    def __init__(self, root=ROOT):
        self.modules = {
            module.path: module
            for folder in PRODUCT
            for path in sorted((root / folder).rglob("*.py"))
            if path.name != "__init__.py"
            for module in [Module(root, path)]
        }
        self.of_models = [module for module in self.modules.values() if module.package]

    def overrides(self):
        """Methods of one model that several files write: `super()` into our own addon."""
        files = defaultdict(list)
        for module in self.modules.values():
            for model, node in module.models:
                for statement in node.body:
                    if isinstance(statement, ast.FunctionDef):
                        files[model, statement.name].append(str(module.path))
        return [
            f"{model}.{name}: {', '.join(paths)}"
            for (model, name), paths in sorted(files.items())
            if len(paths) > 1
        ]

    def upward_calls(self):
        """Calls of private methods that only higher packages of models/ define."""
        ranks = {package: rank for rank, package in enumerate(PACKAGES)}
        owners = defaultdict(set)
        for module in self.of_models:
            for function in module.functions:
                owners[function.name].add(ranks[module.package])
        return [
            f"{module.path}:{line}: {name}"
            for module in self.of_models
            for name, line in module.private_calls
            if owners.get(name) and min(owners[name]) > ranks[module.package]
        ]

    def upward_imports(self):
        return [
            f"{module.path} imports {path}"
            for module in self.of_models
            for path in module.imports(self.modules)
            if path.parts[0] == "models"
            and PACKAGES.index(path.parts[1]) > PACKAGES.index(module.package)
        ]

    def package_calls(self):
        """{(package, called package): number of calls of private methods only defined there}."""
        owners, counts = defaultdict(set), defaultdict(int)
        for module in self.of_models:
            for function in module.functions:
                owners[function.name].add(module.package)
        for module in self.of_models:
            for name, _line in module.private_calls:
                if len(owners.get(name, ())) == 1:
                    counts[(module.package, *owners[name])] += 1
        return {pair: count for pair, count in counts.items() if pair[0] != pair[1]}

    def import_circles(self):
        """Modules that import each other, directly or through others, as sorted lists."""
        graph = {path: set(module.imports(self.modules)) for path, module in self.modules.items()}
        reached = {path: _reachable(graph, path) for path in graph}
        circles = {
            tuple(sorted(str(other) for other in reached[path] if path in reached[other]))
            for path in graph
            if path in reached[path]
        }
        return sorted(circles)

    def files_per_folder(self):
        counts = defaultdict(int)
        for module in self.of_models:
            counts[str(module.path.parent)] += 1
        return dict(counts)

    def files_per_model(self):
        """{model: number of files of models/ that declare or extend it}."""
        files = defaultdict(set)
        for module in self.of_models:
            for model, _node in module.models:
                files[model].add(module.path)
        return {model: len(paths) for model, paths in files.items()}

    def undocumented_modules(self):
        return [str(m.path) for m in self.of_models if not ast.get_docstring(m.tree)]

    def public_functions(self):
        """[(path, name, has a docstring)] of what may be called from elsewhere."""
        return [
            (str(module.path), function.name, bool(ast.get_docstring(function)))
            for module in self.modules.values()
            for function in module.functions
            if not function.name.startswith("_") and function.name not in ODOO_HOOKS
        ]

    def function_lengths(self):
        """[(lines, path, name)], longest last."""
        return sorted(
            (function.end_lineno - function.lineno + 1, str(module.path), function.name)
            for module in self.modules.values()
            for function in module.functions
        )

    def figures(self):
        """What docs/architecture.md and the test name, as {title: number}."""
        per_model = self.files_per_model()
        lengths = [length for length, _path, _name in self.function_lengths()]
        public = [documented for _path, _name, documented in self.public_functions()]
        return {
            "overrides inside the addon": len(self.overrides()),
            "calls of a higher package": len(self.upward_calls()),
            "imports of a higher package": len(self.upward_imports()),
            "import circles": len(self.import_circles()),
            "files in models/": len(self.of_models),
            "files in the fullest folder of models/": max(self.files_per_folder().values()),
            "files of waba.campaign": per_model["waba.campaign"],
            "files of waba.message": per_model["waba.message"],
            "files of waba.sender": per_model["waba.sender"],
            "modules of models/ without a docstring": len(self.undocumented_modules()),
            "public functions with a docstring, %": 100 * sum(public) // len(public),
            "median lines of a function": statistics.median(lengths),
            "longest function, lines": lengths[-1],
            "lines of code in the product": sum(m.lines_of_code for m in self.modules.values()),
        }


def _reachable(graph, start):
    seen, waiting = set(), list(graph[start])
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting += graph[path]
    return seen
