from odoo import api, fields, models
from odoo.tools import SQL


class WabaRecipient(models.Model):
    """A person gets another user id or another number: who they are goes with them.

    Bodies come in any order, so what still comes under an id that is no longer theirs is theirs:
    each row keeps the ids it had. A number given up is given to somebody else one day, so its row
    stays, with its own no, and without everything that was about the person.
    """

    _inherit = "waba.recipient"

    former_uids = fields.Char(
        "Earlier WhatsApp user IDs",
        readonly=True,
        copy=False,
        help="Separated by blanks, one before and one behind.",
    )

    # Few people ever change; an id is looked for here only when it is nobody's.
    _former_uids_idx = models.Index("(portfolio_id) WHERE former_uids IS NOT NULL")

    @api.model
    def _find_by_former_uid(self, portfolio, user_uid):
        """Whose id this was before they got another one."""
        self.flush_model(["portfolio_id", "former_uids"])
        rows = self.env.execute_query(
            SQL(
                """SELECT id FROM waba_recipient
                    WHERE portfolio_id = %s AND former_uids IS NOT NULL
                      AND position(%s in former_uids) > 0
                 ORDER BY id LIMIT 1""",
                portfolio.id,
                f" {user_uid} ",
            )
        )
        return self.browse([id_ for (id_,) in rows])

    def _had_user_uid(self, user_uid):
        """Whether an id was this person's, and is no longer."""
        return user_uid in (self.former_uids or "").split()

    def _add_former_uids(self, *user_uids):
        """These ids were this person's, and are dead."""
        known = (self.former_uids or "").split()
        of_order = dict.fromkeys([*known, *user_uids])
        former = [uid for uid in of_order if uid and uid != self.user_uid]
        self.former_uids = f" {' '.join(former)} " if former else False

    @api.model
    def _apply_identity_change(self, portfolio, item):
        """A person changed number or user id; what is known of them goes with them.

        :param item: cloud_api.InboundMessage of kind 'system'
        :return: the person, as they are known from now on
        """
        person = self._find_or_create_person(
            portfolio, item.number, item.previous_user_uid or item.user_uid
        )
        user_uid = item.user_uid if item.user_uid != item.previous_user_uid else ""
        if item.new_number:
            return person._apply_new_number(portfolio, item, user_uid)
        return person._apply_new_user_uid(user_uid) if user_uid else person

    def _apply_new_user_uid(self, user_uid):
        """Another user id of this person; whoever wrote under it before is the same one.

        :return: the row that stays
        """
        known = self._find_by_user_uid(self.portfolio_id, user_uid)
        if known == self:
            return self
        # Of two rows the one with a number stays: it is what leads and campaigns know.
        stays, goes = (known, self) if known.number else (self, known)
        if stays.number and goes.number:
            stays._copy_opt_outs(
                goes, "whatsapp", self.env._("They had asked for it as %s.", goes.number)
            )
            stays._move_personal_data(goes)
        dead = [user_uid, self.user_uid]
        dead += f"{self.former_uids or ''} {goes.former_uids or ''}".split()
        # The change after this one may have come first.
        last_uid = known.user_uid or user_uid
        if goes and not goes.number:
            stays._merge_recipient(goes)
        elif goes:
            goes.write({"user_uid": False, "former_uids": False})
            goes.flush_recordset()
        stays.user_uid = last_uid
        stays._add_former_uids(*dead)
        return stays

    def _apply_new_number(self, portfolio, item, user_uid):
        """Another number of this person. Their row stays under the old one, with their no.

        :return: the row of the new number
        """
        dead = [item.previous_user_uid, self.user_uid, *(self.former_uids or "").split()]
        if self.user_uid == user_uid:
            dead.remove(self.user_uid)
        self.write({"user_uid": False, "former_uids": False})
        self.flush_recordset()
        successor = self._find_or_create_person(portfolio, item.new_number, user_uid)
        if successor == self:
            self._add_former_uids(*dead)
            return self
        successor._copy_opt_outs(
            self,
            "whatsapp",
            self.env._("They had asked for it with their number before, %s.", self.number),
            at=item.at,
        )
        successor._move_personal_data(self)
        successor._add_former_uids(*dead)
        return successor

    def _move_personal_data(self, other):
        """Past messages, conversations, contact and marks of another row of the same person.

        What still waits to be sent there stays there: it is written to that number.
        """
        other.message_ids.filtered(
            lambda message: message.state not in ("queued", "reserved", "uncertain")
        ).write({"recipient_id": self.id})
        self.env["waba.conversation"]._merge_conversations(other, self)
        self._merge_send_history(other)

    def _merge_send_history(self, other):
        """What is remembered of a person beside their words."""

        def later(name):
            return max(filter(None, [self[name], other[name]]), default=False)

        self.write(
            {
                "name": self.name or other.name,
                "partner_id": self.partner_id.id or other.partner_id.id,
                "is_blocked": self.is_blocked or other.is_blocked,
                **{
                    name: later(name)
                    for name in ("slot_at", "last_marketing_at", "marketing_held_until")
                },
            }
        )
