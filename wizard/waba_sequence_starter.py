"""Follow-up: ready-made drafts and saved filters to start from.

Called by the list of follow-ups.
"""

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain

from ..models.tools.labels import form_action, has_orders

# Parts of names of templates that fit, in English, Spanish, Portuguese and French.
TEMPLATE_NAMES = {
    "quotation": ("quot", "proposal", "presupuest", "propuest", "cotiza", "orcament", "devis"),
    "fair": ("fair", "feria", "feira", "salon"),
    "reactivate": ("reactiv", "reativ", "winback", "win_back", "comeback"),
    "qualify": ("new_lead", "first_contact", "interest", "primer_contacto", "primeiro_contato"),
}
# Of records other than leads, which campaigns have no audience of.
RECORD_CARDS = {"invoice": ("invoice", "payment", "factura", "pago", "fatura", "facture")}
INACTIVE_DAYS = 90


class WabaSequenceStarter(models.TransientModel):
    """Dialog with one card per draft; `show_starter` in a button's context names the card.

    Names are in the user's language. What a company may not have (a stage, a tag, a template that
    fits) stays empty, and the follow-up names it before it can start.
    """

    _name = "waba.sequence.starter"
    _description = "Ready-made Follow-ups"
    _inherit = ["waba.system.fields.mixin"]

    has_invoices = fields.Boolean(compute="_compute_has_invoices")

    def _compute_has_invoices(self):
        for wizard in self:
            wizard.has_invoices = "account.move" in self.env

    def action_create(self):
        """Create the draft and open it."""
        self.env["waba.sequence"].check_access("create")
        key = self._chosen_card(TEMPLATE_NAMES | RECORD_CARDS)
        values, steps = getattr(self, f"_{key}_values")()
        sequence = self.env["waba.sequence"].create(
            {"name": self._card_name(key), "trigger": "manual", **values}
        )
        names = TEMPLATE_NAMES | RECORD_CARDS
        template = self._find_template(sequence.sender_id, names[key])
        if template and not sequence.sender_id:
            sequence.sender_id = template.account_id.sender_ids[:1]
        for step in steps:
            if step["kind"] == "template":
                step["template_id"] = template.id
        sequence.step_ids = [
            Command.create({"sequence": 10 * index, **step}) for index, step in enumerate(steps, 1)
        ]
        return form_action(sequence)

    def action_save_filter(self):
        """Save the card's leads as a filter, which campaigns offer as an audience."""
        self.env["waba.sequence"].check_access("create")
        key = self._chosen_card(TEMPLATE_NAMES)
        name, filters = self._card_name(key), self.env["ir.filters"]
        wanted = {"name": name, "model_id": "crm.lead", "domain": repr(self._filter_domain(key))}
        mine = [(field, "=", value) for field, value in wanted.items()]
        if not filters.search_count([*mine, ("user_ids", "in", self.env.uid)], limit=1):
            filters.create({**wanted, "user_ids": [Command.link(self.env.uid)]})
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._(
                    "Filter “%s” saved. Use it in the pipeline or as a campaign's audience.", name
                ),
            },
        }

    def _chosen_card(self, offered):
        key = self.env.context.get("show_starter")
        if key not in offered or (key == "invoice" and not self.has_invoices):
            raise UserError(self.env._("Choose a follow-up."))
        return key

    def _card_name(self, key):
        return {
            "quotation": self.env._("Quotation not answered"),
            "fair": self.env._("Trade fair visitor"),
            "reactivate": self.env._("Reactivate after %s days", INACTIVE_DAYS),
            "qualify": self.env._("Qualify new leads"),
            "invoice": self.env._("Overdue invoice"),
        }[key]

    # === Drafts ===

    def _quotation_values(self):
        if has_orders(self.env):
            values = {"trigger": "quotation"}
        else:
            values = {"trigger": "stage", "stage_ids": [Command.set(self._quotation_stage().ids)]}
        return values, [
            _message(2),
            self._call(3, self.env._("Call about the quotation")),
            _message(4),
        ]

    def _fair_values(self):
        return {"trigger": "tag", "tag_ids": [Command.set(self._fair_tag(create=True).ids)]}, [
            _message(1),
            self._call(3, self.env._("Call the trade fair visitor")),
        ]

    def _reactivate_values(self):
        stages = self.env["crm.stage"].search([("is_won", "=", False)])
        return {
            "trigger": "stage_days",
            "stage_ids": [Command.set(stages.ids)],
            "trigger_amount": INACTIVE_DAYS,
            "trigger_unit": "days",
            "reentry": "after",
            "reentry_days": 2 * INACTIVE_DAYS,
        }, [_message(0), self._call(5, self.env._("Call the inactive lead"))]

    def _qualify_values(self):
        """Who replies is called; who does not read gets a second message two days later."""
        branches = [
            {"kind": "answered", "goes_to": "call"},
            {"kind": "not_read", "goes_to": "again"},
        ]
        ask = {**_message(0), "key": "ask", "goes_to": "end", "decide_amount": 2}
        ask["branch_ids"] = [Command.create(branch) for branch in branches]
        return {"trigger": "created", "goal_kind": "won"}, [
            ask,
            {**self._call(0, self.env._("Call the interested lead")), "key": "call",
             "goes_to": "end"},
            {**_message(1), "key": "again"},
        ]  # fmt: skip

    def _invoice_values(self):
        """Three days after the due date, a call a week later, until it is paid."""
        domain = [
            ("move_type", "=", "out_invoice"), ("state", "=", "posted"),
            ("payment_state", "in", ("not_paid", "partial")),
        ]  # fmt: skip
        return {
            "res_model": "account.move",
            "trigger": "date",
            "date_field": "invoice_date_due",
            "date_side": "after",
            "trigger_amount": 3,
            "domain": repr(domain),
            "goal_kind": "domain",
            "goal_domain": repr([("payment_state", "in", ("paid", "in_payment"))]),
        }, [_message(0), self._call(7, self.env._("Call about the overdue invoice"))]

    def _call(self, days, summary):
        return {"kind": "activity", "wait_amount": days, "wait_unit": "days", "summary": summary}

    def _quotation_stage(self):
        stage = self.env.ref("crm.stage_lead3", raise_if_not_found=False)
        return stage or self.env["crm.stage"]

    def _fair_tag(self, create=False):
        """The company's tag for visitors of trade fairs; created only if the user may."""
        tags, name = self.env["crm.tag"], self.env._("Trade fair")
        found = tags.search([("name", "=ilike", name)], limit=1)
        if not found and create and tags.has_access("create"):
            found = tags.create({"name": name})
        return found

    def _find_template(self, sender, parts):
        """An approved template whose name fits, the user's language first; empty if none does.

        :param sender: of whose account, if a number is chosen
        """
        domain = Domain("status", "=", "approved") & Domain("unsupported", "=", False)
        domain &= Domain("company_id", "=", self.env.company.id)
        if sender:
            domain &= Domain("account_id", "=", sender.account_id.id)
        templates = self.env["waba.template"].search(domain, order="name, id")
        language = (self.env.user.lang or "").split("_")[0]
        fitting = templates.filtered(lambda one: any(part in one.name.lower() for part in parts))
        return fitting.sorted(lambda one: one.language.split("_")[0] != language)[:1]

    # === Filters ===

    def _filter_domain(self, key):
        if key == "qualify":
            return [("won_status", "=", "pending"), ("create_date", ">=", "today -7d")]
        if key == "fair":
            return [("tag_ids", "in", self._fair_tag(create=True).ids)]
        if key == "reactivate":
            since = f"today -{INACTIVE_DAYS}d"
            return [("won_status", "=", "pending"), ("date_last_stage_update", "<=", since)]
        if has_orders(self.env):
            return [("won_status", "=", "pending"), ("order_ids.state", "=", "sent")]
        return [("stage_id", "in", self._quotation_stage().ids)]


def _message(days):
    return {"kind": "template", "wait_amount": days, "wait_unit": "days"}
