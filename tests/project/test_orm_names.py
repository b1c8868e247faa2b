"""No method of ours takes the name of one of Odoo's and answers to other arguments."""

import inspect

from odoo.tests import tagged

from ..common import WabaCase

OURS = "odoo.addons.waba_campaign"


def shadows(env):
    """(model, method, our parameters, Odoo's) where an override cannot be called as Odoo calls it.

    Names of parameters may differ as long as none is given by name alone.
    """
    for name, model in env.registry.models.items():
        for index, parent in enumerate(model.__mro__):
            if not parent.__module__.startswith(OURS):
                continue
            for method, ours in vars(parent).items():
                theirs = _next_of(model.__mro__[index + 1 :], method)
                if inspect.isfunction(ours) and theirs and not _takes_all(ours, theirs):
                    yield name, method, inspect.signature(ours), inspect.signature(theirs)


def _next_of(parents, method):
    """The function of this name that Odoo has below ours, or None."""
    for parent in parents:
        function = vars(parent).get(method)
        if not parent.__module__.startswith(OURS) and inspect.isfunction(function):
            return function
    return None


def _takes_all(ours, theirs):
    mine, wanted = (list(inspect.signature(f).parameters.values()) for f in (ours, theirs))
    if any(p.kind is p.VAR_KEYWORD for p in mine):
        return True
    by_name = {p.name for p in wanted if p.kind is p.KEYWORD_ONLY}
    return len(mine) >= len(wanted) and by_name <= {p.name for p in mine}


@tagged("post_install", "-at_install")
class TestOrmNames(WabaCase):
    def test_every_override_can_be_called_as_odoo_calls_it(self):
        self.assertEqual(list(shadows(self.env)), [])

    def test_every_model_can_be_exported(self):
        """A list's Export button, for each model that has one."""
        self._launch(self._leads(1))
        for name, model in self.env.registry.models.items():
            if name.startswith("waba.") and not model._abstract:
                records = self.env[name].search([], limit=2)
                with self.subTest(name):
                    rows = records.export_data(["display_name"])["datas"]
                    self.assertEqual(len(rows), len(records))
