from odoo import fields, models
from odoo.tools import SQL, format_date

from .waba_message import LINKED_MODELS
from .waba_recipient import recipients_with_numbers


class WabaMessage(models.Model):
    """Messages follow the record they were made from when it is merged into another."""

    _inherit = "waba.message"

    merged_res_id = fields.Integer(
        "Record before a merge",
        readonly=True,
        aggregator=None,
        help="A campaign has one message per record it was launched to, whatever these became.",
    )

    def _apply_record_merge(self, model, sources, target):
        """The records `sources` become `target`.

        :param model: name of their model
        :param sources: ids
        :param target: id
        """
        for name in LINKED_MODELS:
            self.env[name].flush_model()
        self.env.cr.execute(
            SQL(
                """UPDATE waba_message
                      SET merged_res_id = COALESCE(NULLIF(merged_res_id, 0), res_id), res_id = %s
                    WHERE res_model = %s AND res_id = ANY(%s) RETURNING id""",
                target,
                model,
                list(sources),
            )
        )
        moved = [id_ for (id_,) in self.env.cr.fetchall()]
        self.env["waba.renumbered"]._apply_record_merge(model, sources, target)
        self.env.cr.execute(
            SQL(
                """UPDATE waba_conversation SET res_id = %s
                    WHERE res_model = %s AND res_id = ANY(%s)""",
                target,
                model,
                list(sources),
            )
        )
        for name in LINKED_MODELS:
            self.env[name].invalidate_model(["res_id"])
        self.browse(moved)._exclude_merged()

    def _exclude_merged(self):
        """Nobody gets a campaign twice because two of its records turn out to be one person."""
        for campaign in self.campaign_id:
            moved = self.filtered(lambda row, campaign=campaign: row.campaign_id == campaign)
            rows = self.search(
                [
                    ("campaign_id", "=", campaign.id),
                    ("direction", "=", "out"),
                    ("res_model", "=", moved[0].res_model),
                    ("res_id", "=", moved[0].res_id),
                    ("state", "not in", ("skipped", "cancelled", "failed")),
                ]
            )
            # What left, may have left or is leaving stays; of those that wait, the record's own.
            waiting = rows.filtered(lambda row: row.state == "queued")
            kept = waiting[:0] if rows - waiting else waiting.sorted(
                lambda row: (bool(row.merged_res_id), row.id)
            )[:1]  # fmt: skip
            for row in waiting - kept:
                row._exclude_message("duplicate")


class WabaRecipient(models.Model):
    _inherit = "waba.recipient"

    def _apply_record_merge(self, records):
        """These leads or contacts turn out to be one person: the stricter word goes for all."""
        numbers = {self.env["waba.recipient"]._number_of(record) for record in records} - {""}
        people = self.search(recipients_with_numbers(numbers))
        if records._name == "res.partner":
            people |= self.search([("partner_id", "in", records.ids)])
        for purpose in ("marketing", "utility"):
            out = people.filtered(
                lambda person, purpose=purpose: person._has_standing_opt_out(purpose)
            )
            if not out:
                continue
            word = out._same_person().consent_ids.filtered(
                lambda entry, purpose=purpose: (entry.purpose, entry.action) == (purpose, "opt_out")
            )[:1]
            unknown = numbers.difference(people._number_forms())
            if unknown:
                new = self._find_or_create_by_number(out.portfolio_id[:1], sorted(unknown))
                people |= self.union(*new.values())
            (people - out)._set_consent(purpose, "opt_out", "merge", self._merge_evidence(word))

    def _merge_evidence(self, word):
        """Whose opt-out this was. Without their number: this entry outlives its erasure."""
        if not word:
            return self.env._("Merged with somebody who had opted out.")
        return self.env._(
            "Merged with somebody who had opted out on %s.", format_date(self.env, word.at)
        )


class CrmLead(models.Model):
    _inherit = "crm.lead"

    def _merge_dependences(self, opportunities):
        """Also our messages, and what the people of these leads want."""
        result = super()._merge_dependences(opportunities)
        env = self.env(su=True)
        env["waba.recipient"]._apply_record_merge((self + opportunities).with_env(env))
        env["waba.message"]._apply_record_merge("crm.lead", opportunities.ids, self.id)
        return result
