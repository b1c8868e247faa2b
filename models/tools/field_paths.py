"""Tools: paths of fields and domains that users write: which are allowed, and their values.

Called by models that store a path, and when a message or preview is filled.
"""

import re
from ast import literal_eval

from odoo import SUPERUSER_ID, api, models, tools
from odoo.exceptions import AccessError, MissingError, ValidationError
from odoo.fields import Domain

# Types of fields without a text to show, or whose target is not known beforehand.
UNREADABLE_TYPES = ("binary", "json", "properties", "properties_definition", "reference",
            "many2one_reference")  # fmt: skip

# Models that contain nothing to show to a recipient: users and their rights, Odoo's internals,
# internal notes, and all of ours, including accounts with their keys.
TECHNICAL_MODELS = re.compile(
    r"(res\.(users|groups|config)|ir|base|base_import|bus|mail|discuss|fetchmail|iap|report|auth\w*|waba"
    r"|payment)(\.|$)"
)

# Names of fields with keys, ours (webhook_key, app_secret…) and those of other modules, which
# often set no groups: a quotation's access_token opens it for anyone.
SECRET_NAMES = re.compile(
    r"(^|_)(tokens?|secrets?|passwords?|passwd|pwd|api_?keys?|private_key|webhook_key|credentials?"
    r"|otp|totp)(_|$)"
)


def parse_domain(text, model):
    """The Domain in `text`, checked against the fields of `model`; an empty text matches all.

    :raise ValueError: it cannot be parsed, or names a field that the model does not have
    """
    try:
        domain = Domain(literal_eval(text or "[]"))
        domain.validate(model)
    except (SyntaxError, TypeError) as error:
        raise ValueError(str(error)) from error
    return domain


class WabaFieldPath(models.AbstractModel):
    """A dotted path of fields that a user wrote, such as `partner_id.city`.

    Code that shows a value (campaigns, follow-ups, actions, conversations, automatic replies,
    previews) calls `_resolve_path`; code that stores a path calls `_check_path`. Both apply
    `_path_refusal`, because rights change after a path was written, and a line that was never
    saved was never checked. A path is read with the rights of one named user, never as superuser.
    """

    _name = "waba.field.path"
    _description = "Path of Fields That a Message Shows"

    # === Reading ===

    @api.model
    def _with_reader(self, record, reader, company):
        """`record` with the rights of one user within one company, for `_resolve_path`.

        :param reader: res.users; if empty or no longer active, paths show nothing
        :return: the record, or an empty recordset
        """
        if not _is_real_user(reader):
            return record.browse()
        return record.with_user(reader).with_context(allowed_company_ids=company.ids)

    @api.model
    def _resolve_path(self, record, path, is_found=False):
        """Where a path leads from `record`, with the rights of the user of its environment.

        Every step is checked: Odoo's cache also returns values that another user has read.

        :param is_found: whether `record` was found by a search with these rights, which saves the
            check of the record itself: one query per recipient of a campaign
        :return: (record, field, value) at its end, or None if there is nothing to show. The value
            of a relational field contains only readable records
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
                # Odoo reads these as superuser; step by step they are read with the user's rights.
                name, *rest = field.related.split(".")
                names, field = [*rest, *names], record._fields[name]
            value = record[name]
            if field.relational:
                value = _filter_readable(value)
            if not names:
                if field.relational:
                    value.mapped("display_name")
                return record, field, value
            # A slice would lose the prefetch of its neighbours.
            record = value if len(value) < 2 else value[:1]
        return None

    # === Checks ===

    @api.model
    def _check_path(self, path, model_names):
        """Refuse a path that leads from none of these models to a value the user may show.

        :raise ValidationError: names the step, the reason and what to do
        """
        refusals = [self._path_refusal(name, path) for name in model_names]
        if refusals and all(refusals):
            # The path is probably meant for the model in which it leads furthest.
            raise ValidationError(self._refusal_sentence(path, *max(refusals, key=_refusal_depth)))

    @api.model
    @tools.ormcache("self.env.uid", "model_name", "path")
    def _path_refusal(self, model_name, path):
        """(reason key, field name, model name) of the first step that is not allowed, or None.

        Depends on fields and models alone, for the user of the environment; record rules are
        checked in `_walk_path`.
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
            # A related field shows its source, which Odoo reads as superuser by default.
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
        """The model without `sudo()`; only for OdooBot, which loads data, that changes nothing."""
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
    """Whether the user's rights were granted to a person; OdooBot has all rights."""
    return bool(user) and user.id != SUPERUSER_ID and user.sudo().active


def _refusal_depth(refusal):
    """Sort key: any refusal is more specific than an unknown first field."""
    return refusal[0] != "unknown"
