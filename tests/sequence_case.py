"""Builders for follow-ups."""

from datetime import timedelta

from odoo import fields

from .common import WabaCase

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class SequenceCase(WabaCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stages = cls.env["crm.stage"].create(
            [{"name": name, "sequence": 50 + n} for n, name in enumerate(("Offer", "Thinking"))]
        )
        cls.stage, cls.other_stage = cls.stages
        cls.won_stage = cls.env["crm.stage"].search([("is_won", "=", True)], limit=1)
        cls.tags = cls.env["crm.tag"].create([{"name": "Sofa"}, {"name": "Table"}])
        cls.source = cls.env["utm.source"].create({"name": "Fair"})

    @classmethod
    def _sequence(cls, *steps, activate=True, **values):
        """A follow-up with these steps, which runs.

        :param steps: dicts of values; by default a message two days later, at any hour
        """
        sequence = cls.env["waba.sequence"].create(
            {
                "name": "Offers",
                "trigger": "stage",
                "stage_ids": [(6, 0, cls.stage.ids)],
                "sender_id": cls.sender.id,
                "user_id": cls.manager.id,
                "step_ids": [
                    (0, 0, cls._step(sequence=number, **step))
                    for number, step in enumerate(steps or ({},))
                ],
                **values,
            }
        )
        for line in sequence.step_ids.variable_ids:
            if not line._is_complete():
                line.text = "prueba"
        if activate:
            sequence._activate()
        return sequence

    @classmethod
    def _step(cls, **values):
        return {
            "kind": "template",
            "template_id": cls.utility_template.id,
            "wait_amount": 2,
            "wait_unit": "days",
            "in_working_hours": False,
            **values,
        }

    @classmethod
    def _opportunity(cls, number="+34 611 000 001", **values):
        return cls._lead(number, type="opportunity", user_id=cls.salesperson.id, **values)

    def _enrollments(self, lead, sequence=None):
        domain = [("lead_id", "=", lead.id)]
        if sequence:
            domain.append(("sequence_id", "=", sequence.id))
        return self.env["waba.sequence.enrollment"].search(domain, order="id")

    def _enrolled(self, sequence, lead=None):
        """A lead that just came in."""
        lead = lead or self._opportunity()
        sequence._enroll_manually(lead)
        return self._enrollments(lead, sequence)

    def _run(self):
        self._run_cron(self.env.ref("waba_campaign.ir_cron_run_followups"))

    def _make_due(self, enrollments):
        """As if its wait were over: everything of it happened that much earlier."""
        for one in enrollments:
            one.flush_recordset()
            shift = max((one.next_at or fields.Datetime.now()) - fields.Datetime.now(), 0 * HOUR)
            shift += timedelta(minutes=1)
            for name in ("next_at", "due_at", "waiting_since", "entered_at"):
                if one[name]:
                    one[name] -= shift
            self.env["waba.conversation"].search([]).write({"pair_free_at": False})
            for message in one.message_ids:
                for name in ("accepted_at", "sent_at", "delivered_at", "read_at"):
                    if message[name]:
                        message[name] -= shift

    def _run_due(self, enrollments):
        self._make_due(enrollments)
        self._run()

    def _messages(self, enrollment):
        return enrollment.message_ids.sorted("id")
