"""Keys of the context: none outlives what it was meant for, and none is taken for granted.

Odoo's client hands the context of a button and of its action on to whatever is opened from there,
except keys by which actions configure their own screen. The others would reach buttons that know
nothing of them. After a reload, or in a duplicate, the records behind an action are gone.
"""

import ast
import re

from lxml import etree

from ..architecture import ROOT
from ..pure import PureCase

# CTX_KEY_REGEX of web/static/src/webclient/actions/action_service.js: not handed on.
OF_ONE_SCREEN = re.compile(
    r"^(?:(?:default_|search_default_|show_).+|.+_view_ref|group_by|active_id|active_ids|orderedBy)$"
)
# Odoo's, harmless on any screen.
KNOWN = {"module", "bin_size", "dialog_size", "active_test", "pivot_measures", "active_model"}
FOLDERS = ("models", "wizard", "report", "controllers")


def python_trees():
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text())


def dict_keys(node):
    """Constant keys of the dicts that an expression consists of."""
    return {
        key.value
        for one in ast.walk(node)
        if isinstance(one, ast.Dict)
        for key in one.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }


def is_context(node):
    return (isinstance(node, ast.Attribute) and node.attr == "context") or (
        isinstance(node, ast.Name) and node.id == "context"
    )


class TestContextKeys(PureCase):
    def test_keys_of_buttons_and_actions_stay_on_their_screen(self):
        handed_on = set()
        for folder in ("views", "wizard", "data", "report"):
            for path in sorted((ROOT / folder).rglob("*.xml")):
                for node in etree.parse(path).iter(etree.Element):
                    text = node.get("context") or (
                        node.text if node.get("name") == "context" else ""
                    )
                    if text and text.strip().startswith("{"):
                        keys = dict_keys(ast.parse(text.strip(), mode="eval"))
                        handed_on |= {(path.name, key) for key in self._not_of_one_screen(keys)}
        self.assertEqual(handed_on, set())

    def test_keys_of_actions_in_python_stay_on_their_screen(self):
        handed_on = set()
        for path, tree in python_trees():
            for node in ast.walk(tree):
                if not isinstance(node, ast.Dict):
                    continue
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value == "context":
                        keys = self._not_of_one_screen(dict_keys(value))
                        handed_on |= {(str(path), key) for key in keys}
        self.assertEqual(handed_on, set())

    def _not_of_one_screen(self, keys):
        return {key for key in keys - KNOWN if not OF_ONE_SCREEN.match(key)}

    def test_no_key_is_taken_for_granted(self):
        """`context[key]` only where the same function asks whether the key is there."""
        bare = []
        for path, tree in python_trees():
            for function in ast.walk(tree):
                if isinstance(function, ast.FunctionDef):
                    bare += [f"{path}:{line}" for line in self._bare_reads(function)]
        self.assertEqual(bare, [])

    def _bare_reads(self, function):
        asked, read = set(), []
        for node in ast.walk(function):
            if isinstance(node, ast.Compare) and is_context(node.comparators[-1]):
                asked.add(ast.unparse(node.left))
            elif (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "get"
                and is_context(node.func.value)
            ):
                asked.add(ast.unparse(node.args[0]))
            elif (
                isinstance(node, ast.Subscript)
                and is_context(node.value)
                and isinstance(node.ctx, ast.Load)
            ):
                read.append((ast.unparse(node.slice), node.lineno))
        return [line for key, line in read if key not in asked]

    def test_what_the_rules_forbid_is_found(self):
        code = "def f(self):\n    return LABELS[self.env.context['active_model']]"
        self.assertEqual(self._bare_reads(ast.parse(code).body[0]), [2])
        code = "def f(self):\n    c = 'a' in self.env.context and self.env.context['a']"
        self.assertEqual(self._bare_reads(ast.parse(code).body[0]), [])
        self.assertEqual(self._not_of_one_screen({"show_x", "waba_filter"}), {"waba_filter"})
