"""Writes the terms and merges the translations; run by dev/translations in Odoo's shell."""

from odoo.addons.waba_campaign.tests import terms

found = terms.export(env)  # noqa: F821 (the shell's)
found.save(str(terms.TEMPLATE))
print(f"{len(found)} terms")
for language in terms.LANGUAGES:
    merged = terms.merge(found, language)
    merged.save(str(terms.I18N / f"{language}.po"))
    print(f"{language}: {len(merged.untranslated_entries())} untranslated")
