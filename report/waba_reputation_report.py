"""Report: a number's last 30 days as a printed document.

Rendered by the print action of waba.sender.
"""

from itertools import groupby

from odoo import api, fields, models

from ..models.tools.labels import selection_label

DAYS = 30


class ReputationReport(models.AbstractModel):
    """The figures are those of `waba.sender.reputation_dashboard_data`."""

    _name = "report.waba_campaign.reputation_report"
    _description = "WhatsApp Reputation Report"

    @api.model
    def _get_report_values(self, docids, data=None):
        """Return the values of the template, for each number.

        :return: {'docs': waba.sender, 'reports': {sender id: dict of `_report_values`}}
        :raise AccessError: if the user is not a manager or cannot read one of the numbers
        """
        senders = self.env["waba.sender"].browse(docids)
        senders.check_access("read")
        return {
            "doc_ids": senders.ids,
            "doc_model": senders._name,
            "docs": senders,
            "reports": {sender.id: self._report_values(sender) for sender in senders},
        }

    @api.model
    def _report_values(self, sender):
        """Return the dashboard's data about one number and the values that only the report has.

        Adds `card` and `days` (the number's own), `ratings` ([{'first', 'last': date, 'label'}] of
        Meta's, oldest first), `first` and `last` (dates), `as_of` (datetime of the figures).
        """
        senders = sender.with_context(active_test=False)
        data = senders.reputation_dashboard_data(sender_id=sender.id, days=DAYS)
        [card] = [card for card in data["cards"] if card["id"] == sender.id]
        [timeline] = [line for line in data["timelines"] if line["sender_id"] == sender.id]
        days = [{**day, "day": fields.Date.to_date(day["day"])} for day in timeline["days"]]
        return {
            **data,
            "card": card,
            "days": [self._describe_day(day) for day in days],
            "ratings": self._rating_periods(days),
            "first": days[0]["day"],
            "last": days[-1]["day"],
            "as_of": fields.Datetime.to_datetime(data["counted_at"] or data["as_of"]),
            "campaigns": timeline["campaigns"],
            "actions": [
                {**action, "at": fields.Datetime.to_datetime(action["at"])}
                for action in data["actions"]
            ],
        }

    @api.model
    def _describe_day(self, day):
        return {
            **day,
            "rating_label": self._rating_label(day["rating"]) if day["rating"] else "",
            "level_label": selection_label(self.env, "reputation_level", day["level"]),
        }

    @api.model
    def _rating_periods(self, days):
        """Merge consecutive days with the same rating of Meta's, excluding days without one."""
        periods = []
        rated = [day for day in days if day["rating"]]
        # Odoo's own groupby would merge days that are not consecutive.
        for rating, of_one in groupby(  # pylint: disable=W8155
            rated, key=lambda day: day["rating"]
        ):
            of_one = list(of_one)
            periods.append(
                {
                    "first": of_one[0]["day"],
                    "last": of_one[-1]["day"],
                    "key": rating,
                    "label": self._rating_label(rating),
                }
            )
        return periods

    @api.model
    def _rating_label(self, rating):
        return selection_label(self.env, "quality_rating", rating)
