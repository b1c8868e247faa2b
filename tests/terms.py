"""The translatable terms of the addon, as Odoo's own export reads them."""

import io
import os
from pathlib import Path
from unittest.mock import patch

import odoo.addons
import polib
from odoo.tools import translate

from .common import ROOT

I18N = ROOT / "i18n"
TEMPLATE = I18N / "waba_campaign.pot"
LANGUAGES = ("es", "fr", "pt_BR")
# A checkout has its own link to itself in .dev, which the export would follow for ever; a bridge is
# an addon with terms of its own.
PRUNED = {".dev", ".git", "bridges", "node_modules", "tests"}
walk = os.walk


def export(env):
    """Return the terms of the installed addon as a polib.POFile without translations."""
    path = Path(next(path for path in odoo.addons.__path__ if _is_ours(path))).as_posix()
    buffer = io.BytesIO()
    with (
        patch.object(translate.os, "walk", _walk),
        patch.object(odoo.addons, "__path__", [path]),
    ):
        translate.trans_export(None, ["waba_campaign"], buffer, "po", env)
    return polib.pofile(buffer.getvalue().decode())


def _is_ours(path):
    return (Path(path) / "waba_campaign").exists()


def _walk(top, **options):
    if not _is_ours(top):
        return
    for root, folders, files in walk(f"{top}/waba_campaign", **options):
        folders[:] = sorted(set(folders) - PRUNED)
        yield root, folders, sorted(files)


def merge(terms, language):
    """Return the language's translations of `terms`; what is new is untranslated."""
    path = I18N / f"{language}.po"
    old = {entry.msgid: entry.msgstr for entry in polib.pofile(str(path))} if path.exists() else {}
    merged = polib.POFile(wrapwidth=terms.wrapwidth)
    merged.metadata = {**terms.metadata, "Language": language}
    for entry in terms:
        merged.append(
            polib.POEntry(
                msgid=entry.msgid,
                msgstr=old.get(entry.msgid, ""),
                comment=entry.comment,
                occurrences=entry.occurrences,
            )
        )
    return merged
