"""Domains that people write, kept as text."""

import re
from ast import literal_eval

from odoo import SUPERUSER_ID, api, models, tools
from odoo.exceptions import AccessError, MissingError, ValidationError
from odoo.fields import Domain

# Types of fields that hold nothing a message can show, or lead nowhere known beforehand.
UNREADABLE_TYPES = ("binary", "json", "properties", "properties_definition", "reference",
            "many2one_reference")  # fmt: skip

# Models that say nothing about a person: users and their rights, Odoo's own works, colleagues'
# notes, and all of ours, accounts with their keys among them.
TECHNICAL_MODELS = re.compile(
    r"(res\.(users|groups|config)|ir|base|base_import|bus|mail|discuss|fetchmail|iap|report|auth\w*|waba"
    r"|payment)(\.|$)"
)

# Names that keys go by, ours (webhook_key, app_secret…) and those of other modules, whose fields
# often have no groups: a quotation's access_token opens it for whoever has it.
SECRET_NAMES = re.compile(
    r"(^|_)(tokens?|secrets?|passwords?|passwd|pwd|api_?keys?|private_key|webhook_key|credentials?"
    r"|otp|totp)(_|$)"
)


def parse_domain(text, model):
    """The Domain, checked against the fields of `model`; of everything where nothing is written.

    :raise ValueError: it cannot be read, or names what the model does not have
    """
    try:
        domain = Domain(literal_eval(text or "[]"))
        domain.validate(model)
    except (SyntaxError, TypeError) as error:
        raise ValueError(str(error)) from error
    return domain


class WabaFieldPath(models.AbstractModel):
    """A dotted path of fields that a person wrote, such as `partner_id.city`: one reader for all.

    Whatever shows a path's value (campaigns, follow-ups, actions, conversations, automatic replies,
    previews) asks `_follow`; whatever keeps a path asks `_check`. Both judge it by `_path_refusal`,
    because rights change after a path was written, and a line that was never saved was never
    checked. A path is read with the rights of one named user, never with all rights.
    """

    _name = "waba.field.path"
    _description = "Path of Fields That a Message Shows"

    # ------------------------------------------------------------------
    # Reading
    # ------------------------------------------------------------------

    @api.model
    def _with_reader(self, record, reader, company):
        """`record` as one user reads it within one company, for `_follow`.

        :param reader: res.users; empty when nobody is left whose rights could be used, and then
            paths show nothing
        """
        if not _is_real_user(reader):
            return record.browse()
        return record.with_user(reader).with_context(allowed_company_ids=company.ids)

    @api.model
    def _resolve_path(self, record, path, is_found=False):
        """Where a path leads from `record`, as far as the user of its environment may read.

        Every step is checked: Odoo's cache holds what others read before, and tells it to anybody.

        :param is_found: `record` comes out of a search with these very rights: asking again costs
            a hundred thousand people a reading each
        :return: (record, field, value) at its end, or None where there is nothing to show. Of a
            relational field the value is the records that may be read
        """
        user = record.env.user
        if not record or not _is_real_user(user):
            return None
        record = record.with_user(user)
        if self.with_env(record.env)._path_refusal(record._name, path):
            return None
        try:
            return self._walk_path(
                record if is_found else _filter_readable(record), _path_names(path)
            )
        except (AccessError, MissingError):
            return None

    @api.model
    def _walk_path(self, record, names):
        while record:
            name, *names = names
            field = record._fields[name]
            if field.related and not field.store:
                # Odoo reads these with all rights: step by step they are read with the reader's.
                name, *rest = field.related.split(".")
                names, field = [*rest, *names], record._fields[name]
            value = record[name]
            if field.relational:
                value = _filter_readable(value)
            if not names:
                if field.relational:
                    value.mapped("display_name")
                return record, field, value
            # A slice would forget what its neighbours are, which are read together.
            record = value if len(value) < 2 else value[:1]
        return None

    # ------------------------------------------------------------------
    # Writing
    # ------------------------------------------------------------------

    @api.model
    def _check_path(self, path, model_names):
        """Refuse a path that leads from none of these models to something the user may show.

        :raise ValidationError: naming the step, why, and what to do
        """
        refusals = [self._path_refusal(name, path) for name in model_names]
        if refusals and all(refusals):
            # Of several models that the path could be meant for, the one it leads further in.
            raise ValidationError(self._refusal_sentence(path, *max(refusals, key=_refusal_depth)))

    @api.model
    @tools.ormcache("self.env.uid", "model_name", "path")
    def _path_refusal(self, model_name, path):
        """(reason key, name, model name) of the step that may not be taken, or None.

        Decided by fields and models alone, for the user of the environment: rules about single
        records are asked where the records are (`_walk_path`).
        """
        names, model = _path_names(path), self._model_as_user(model_name)
        if not names:
            return "unknown", path or "", model_name
        if TECHNICAL_MODELS.match(model_name):
            return "technical", names[0], model_name
        while names:
            name, *names = names
            field = model._fields.get(name)
            if field is None:
                return "unknown", name, model._name
            if field.groups or SECRET_NAMES.search(name):
                return "secret", name, model._name
            # What it is read from, with all rights by default, is what it shows.
            source = field.related and ".".join([field.related, *names])
            if source and self._path_refusal(model._name, source):
                return "secret", name, model._name
            if names and not field.relational:
                return "no_link", name, model._name
            if field.relational:
                here, model = model._name, self._model_as_user(field.comodel_name)
                if TECHNICAL_MODELS.match(model._name):
                    return "technical", name, here
                if not model.has_access("read"):
                    return "no_access", name, here
            elif field.type in UNREADABLE_TYPES:
                return "no_words", name, model._name
        return None

    @api.model
    def _model_as_user(self, model_name):
        """Without all rights, whoever asks; OdooBot alone, who loads data, has no others."""
        return self.env[model_name].with_user(self.env.uid)

    def _refusal_sentence(self, path, reason, name, model_name):
        words = {
            "path": path,
            "name": name,
            "model": self.env[model_name]._description,
        }
        return {
            "unknown": self.env._(
                "%(path)s cannot be read: %(model)s has no field %(name)s.", **words
            ),
            "no_link": self.env._(
                "%(path)s cannot be read: %(name)s of %(model)s leads to no other record.", **words
            ),
            "no_words": self.env._(
                "%(path)s cannot be shown in a message: it holds no text. Choose another field.",
                **words,
            ),
            "secret": self.env._(
                "%(path)s cannot be shown in a message: %(name)s of %(model)s is not for everyone. "
                "Choose another field.",
                **words,
            ),
            "technical": self.env._(
                "%(path)s cannot be shown in a message: %(name)s of %(model)s leads to users, "
                "settings or internal notes. Choose another field; for the salesperson's name "
                "choose Salesperson.",
                **words,
            ),
            "no_access": self.env._(
                "%(path)s cannot be read: you may not read what %(name)s of %(model)s leads to. "
                "Choose another field.",
                **words,
            ),
        }[reason]


def _path_names(path):
    return [name for name in (part.strip() for part in (path or "").split(".")) if name]


def _filter_readable(records):
    return records._origin._filtered_access("read")


def _is_real_user(user):
    """Whether these are rights that somebody was given: OdooBot has all of them."""
    return bool(user) and user.id != SUPERUSER_ID and user.sudo().active


def _refusal_depth(refusal):
    """Refusals that say more about a path than that its first field is another model's."""
    return refusal[0] != "unknown"
