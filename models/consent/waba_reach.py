"""Consent: which recipients and conversations a salesperson can look up.

Called by record rules (security/waba_reach_security.xml) through the field `is_in_reach`.

A recipient is known by number, not by record, and a portfolio has all of them. The rules of
recipients, conversations, consent and evidence therefore use Odoo's own rules for leads and
contacts: changing these changes what is visible here.

Rules are evaluated with all rights, hence `sudo(False)`. The ids in reach are collected from the
records (a few thousand, found by index) instead of testing a million recipients row by row.
"""

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

PERSON_MODELS = ("crm.lead", "res.partner")


def _readable_ids_sql(records, column="id"):
    """Subselect of a column of the records that the current user may read, or None."""
    if not records.has_access("read"):
        return None
    query = records._search(Domain.TRUE, active_test=False)
    if query.is_empty():
        return None
    return query.subselect(records._field_to_sql(records._table, column, query))


def _ids_in_reach_sql(rows, column, *conditions, ids):
    """SELECT of a column of the model of `rows` under these conditions: ids in reach.

    :param rows: an empty recordset, for its model
    :param ids: limit the result to these ids, None for all
    """
    sql = rows._field_to_sql("reach", column)
    among = [SQL("%s = ANY(%s)", sql, list(ids))] if ids is not None else []
    where = SQL(" AND ").join([*conditions, *among])
    return SQL("SELECT %s FROM %s AS reach WHERE %s", sql, SQL.identifier(rows._table), where)


def _record_rows_sql(rows, column, *conditions, ids):
    """[SELECT] of rows whose res_model and res_id are a readable lead or contact."""
    res_model, res_id = (rows._field_to_sql("reach", name) for name in ("res_model", "res_id"))
    return [
        _ids_in_reach_sql(
            rows,
            column,
            SQL("%s = %s AND %s IN %s", res_model, name, res_id, readable),
            *conditions,
            ids=ids,
        )
        for name in PERSON_MODELS
        if (readable := _readable_ids_sql(rows.env[name]))
    ]


class WabaReachMixin(models.AbstractModel):
    """Rows that a salesperson sees if they can read the records behind them."""

    _name = "waba.reach.mixin"
    _description = "WhatsApp record visible with its lead or contact"

    is_in_reach = fields.Boolean(
        "Behind my records", compute="_compute_is_in_reach", search="_search_is_in_reach"
    )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_is_in_reach(self):
        ids = self._origin.ids
        found = self.env.execute_query(self.sudo(False)._reach_sql(ids)) if ids else []
        in_reach = {id_ for (id_,) in found}
        for row in self:
            row.is_in_reach = row._origin.id in in_reach

    def _search_is_in_reach(self, operator, value):
        if operator != "in":
            return NotImplemented
        reader = self.sudo(False)
        return Domain.custom(
            to_sql=lambda _model, alias, _query: SQL(
                "%s IN (%s)", SQL.identifier(alias, "id"), reader._reach_sql()
            )
        )

    def _reach_sql(self, ids=None):
        """SELECT of the ids in reach of this environment's user.

        :param ids: limit the result to these ids, None for all
        """
        return SQL(" UNION ALL ").join(self._reach_parts(ids))

    def _reach_parts(self, ids):
        """[SELECT], one for each way to a row; never empty."""
        raise NotImplementedError


class WabaRecipient(models.Model):
    _name = "waba.recipient"
    _inherit = ["waba.recipient", "waba.reach.mixin"]

    def _reach_parts(self, ids):
        messages, conversations = self.env["waba.message"], self.env["waba.conversation"]
        ways = [
            (messages, "campaign_id", self._own_campaigns()),
            (conversations, "id", _readable_ids_sql(conversations)),
        ]
        parts = [
            _ids_in_reach_sql(
                rows, "recipient_id", SQL("%s IN %s", SQL.identifier("reach", by), of), ids=ids
            )
            for rows, by, of in ways
            if of
        ]
        parts += _record_rows_sql(messages, "recipient_id", ids=ids)
        if contacts := _readable_ids_sql(self.env["res.partner"]):
            linked = SQL("%s IN %s", self._field_to_sql("reach", "partner_id"), contacts)
            parts.append(_ids_in_reach_sql(self, "id", linked, ids=ids))
        # A person without a number, by the readable leads linked to them.
        if leads := _readable_ids_sql(self.env["crm.lead"], "waba_recipient_id"):
            linked = SQL("%s IN %s", self._field_to_sql("reach", "id"), leads)
            parts.append(_ids_in_reach_sql(self, "id", linked, ids=ids))
        for name in PERSON_MODELS:
            if numbers := _readable_ids_sql(self.env[name], "phone_sanitized"):
                parts += [
                    _ids_in_reach_sql(
                        self,
                        "id",
                        SQL("%s IN %s", self._field_to_sql("reach", by), numbers),
                        ids=ids,
                    )
                    for by in ("number", "wa_number")
                ]
        return parts or [SQL("SELECT NULL::int WHERE FALSE")]

    def _own_campaigns(self):
        """Subselect of the ids of the user's campaigns, or None without access to campaigns."""
        campaigns = self.env["waba.campaign"]
        if not campaigns.has_access("read"):
            return None
        own = Domain("user_id", "=", self.env.uid)
        return campaigns._search(own, active_test=False).subselect()


class WabaConversation(models.Model):
    """As Odoo's rule for leads: the user's own, and unassigned ones of no other user's lead.

    A campaign creates a conversation for every recipient, without a salesperson: it is in reach
    once the recipient has answered, or through a record that the user may read.
    """

    _name = "waba.conversation"
    _inherit = ["waba.conversation", "waba.reach.mixin"]

    def _reach_parts(self, ids):
        responsible, res_id, answered_at = (
            self._field_to_sql("reach", name)
            for name in ("responsible_id", "res_id", "last_inbound_at")
        )
        mine = SQL("%s = %s", responsible, self.env.uid)
        unassigned = SQL("%s IS NULL", responsible)
        stranger = SQL("COALESCE(%s, 0) = 0 AND %s IS NOT NULL", res_id, answered_at)
        return [
            _ids_in_reach_sql(self, "id", mine, ids=ids),
            _ids_in_reach_sql(self, "id", unassigned, stranger, ids=ids),
            *_record_rows_sql(self, "id", unassigned, ids=ids),
        ]
