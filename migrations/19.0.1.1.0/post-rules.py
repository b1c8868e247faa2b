"""Record rules are not written again by an upgrade; what changed in one is written here.

New rules are created by the upgrade itself. Whoever changed a rule on purpose keeps it: only what
stands as it was shipped is replaced.
"""

from odoo import SUPERUSER_ID, api

# {external id: (domain as shipped before, domain now)}
CHANGED = {
    "waba_conversation_rule_user": (
        "['|', ('responsible_id', '=', user.id), ('responsible_id', '=', False)]",
        "[('is_in_reach', '=', True)]",
    ),
}


def migrate(cr, version):
    env = api.Environment(cr, SUPERUSER_ID, {})
    for name, (before, now) in CHANGED.items():
        rule = env.ref(f"waba_campaign.{name}", raise_if_not_found=False)
        if rule and rule.domain_force.strip() == before:
            rule.domain_force = now
