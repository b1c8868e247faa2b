"""Prints the table of access rights, by the functions that tests/project/test_security.py uses.

Run by dev/rights-table in Odoo's shell.
"""

from odoo.addons.waba_campaign.tests import rights
from odoo.tests import new_test_user


def rule_domains(model, user, is_global):
    """Return the domains of the global rules, or of the rules of a user's groups."""
    rules = model.env["ir.rule"].sudo().search([("model_id.model", "=", model._name)])
    if is_global:
        found = rules.filtered(lambda rule: not rule.groups)
    else:
        found = rules.filtered(lambda rule: rule.groups & user.all_group_ids)
        if any(rule.domain_force.replace(" ", "") == "[(1,'=',1)]" for rule in found):
            return "all"
    return "; ".join(found.mapped("domain_force")).replace("|", r"\|") or "all"


def print_table(env):
    people = {
        role: new_test_user(env, f"rights_{role}", groups=groups)
        for role, groups in rights.GROUPS.items()
    }
    print("| Model | Role | May | Of rows, by role | Of rows, for everybody | Fields it writes |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in sorted(set(rights.models_of_ours(env))):
        for role, user in people.items():
            model = env[name].with_user(user)
            if may := rights.operations(model):
                written = rights.writable(model)
                fields = " ".join(field for field in model._fields if field in written)
                mine, companies = (
                    rule_domains(model, user, is_global) for is_global in (False, True)
                )
                print(f"| {name} | {role} | {may} | `{mine}` | `{companies}` | {fields or '–'} |")


print_table(env)  # noqa: F821 - the shell's
env.cr.rollback()  # noqa: F821
