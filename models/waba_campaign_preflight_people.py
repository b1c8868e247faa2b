from collections import Counter

from odoo import models

from ..policy import preflight


class WabaCampaign(models.Model):
    """The lines about the people who would get the message: consent, countries, history."""

    _inherit = "waba.campaign"

    def _preflight_consent(self, report):
        audience = report.audience
        if not audience:
            return []
        without = audience.left_out.get("no_opt_in", [])
        unknown = audience.record_ids(lambda _one, history: not history.opted_in)
        verdict = preflight.assess_consent(
            self.category, len(audience.receiving), len(unknown), len(without)
        )
        ids = {"unknown": unknown, "left_out": without, "none": without}.get(verdict.case, [])
        return [
            self._preflight_check(
                "consent",
                verdict,
                record_ids=ids,
                count=len(ids),
                receiving=len(audience.receiving),
                chosen=audience.counted,
            )
        ]

    def _preflight_countries(self, report):
        audience = report.audience
        if not audience:
            return []
        unserved = audience.left_out.get("country", [])
        anyway = [
            one.record_id
            for one in audience.receiving
            if one.country_code == "US" and self.category == "marketing"
        ]
        verdict = preflight.assess_countries(audience.counted, len(unserved), len(anyway))
        ids = unserved or anyway
        return [
            self._preflight_check(
                "countries",
                verdict,
                record_ids=ids,
                count=len(ids),
                chosen=audience.counted,
                countries=self._country_names(self._number_countries(unserved)),
                mend="settings" if verdict.case == "sent_anyway" else "",
            )
        ]

    def _number_countries(self, record_ids):
        """Country codes of these records' numbers, the most frequent first."""
        records = self.sudo()._audience_records().browse(record_ids)
        found = Counter(self._record_country_code(record) for record in records)
        return [code for code, _count in found.most_common() if code]

    def _country_names(self, codes, at_most=3):
        """'Cuba, Iran…', in the reader's language."""
        countries = self.env["res.country"].search([("code", "in", codes[:at_most])])
        names = {country.code: country.name for country in countries}
        text = ", ".join(names.get(code, code) for code in codes[:at_most])
        return f"{text}…" if len(codes) > at_most else text

    def _preflight_new_contacts(self, report):
        audience = report.audience
        if not audience:
            return []
        new = audience.record_ids(lambda _one, history: not history.written_at)
        cold = audience.record_ids(
            lambda _one, history: not (history.written_at or history.opted_in)
        )
        receiving = len(audience.receiving)
        verdict = preflight.assess_new_contacts(self.category, receiving, len(new), len(cold))
        ids = cold if verdict.case == "cold" else new
        return [
            self._preflight_check(
                "new_contacts", verdict, record_ids=ids, count=len(ids), receiving=receiving
            )
        ]

    def _preflight_inactive(self, report):
        audience = report.audience
        if not audience:
            return []
        silent = audience.record_ids(lambda _one, history: audience.is_silent(history))
        receiving = len(audience.receiving)
        return [
            self._preflight_check(
                "inactive",
                preflight.assess_inactive(receiving, len(silent)),
                record_ids=silent,
                count=len(silent),
                receiving=receiving,
                days=preflight.INACTIVITY_PERIOD.days,
            )
        ]

    def _preflight_frequency(self, report):
        audience = report.audience
        if not audience:
            return []
        people, company = audience.left_out.get("frequency", []), self.sudo().company_id
        return [
            self._preflight_check(
                "frequency",
                preflight.assess_frequency(len(people)),
                record_ids=people,
                count=len(people),
                chosen=audience.counted,
                most=company.waba_frequency_count,
                days=company.waba_frequency_days,
                mend="settings",
            )
        ]

    def _preflight_renumbered(self, report):
        audience = report.audience
        if not audience:
            return []
        people = audience.left_out.get("renumbered", [])
        return [
            self._preflight_check(
                "renumbered",
                preflight.assess_renumbered(len(people)),
                record_ids=people,
                count=len(people),
                chosen=audience.counted,
            )
        ]

    def _preflight_hours(self, report):
        audience = report.audience
        if not audience:
            return []
        waiting = [one for one in audience.receiving if one.not_before]
        last = max((one.not_before for one in waiting), default=None)
        return [
            self._preflight_check(
                "hours",
                preflight.assess_quiet_hours(len(waiting)),
                record_ids=[one.record_id for one in waiting],
                count=len(waiting),
                receiving=len(audience.receiving),
                when=self._format_datetime(last) if last else "",
            )
        ]
