import { rpc } from "@web/core/network/rpc";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";

/**
 * The printed report as a page where the server cannot make a PDF, with what to do; Odoo's own
 * message is about the installation of the server.
 */
async function openReportAsPage(action, options, env) {
    if (
        action.report_name !== "waba_campaign.reputation_report" ||
        action.report_type !== "qweb-pdf" ||
        ["ok", "upgrade"].includes(await rpc("/report/check_wkhtmltopdf"))
    ) {
        return false;
    }
    env.services.notification.add(
        _t("No PDF: wkhtmltopdf is missing on the server. Use Print to save this page as PDF."),
        { type: "warning" }
    );
    await env.services.action.doAction({ ...action, report_type: "qweb-html" }, options);
    return true;
}

registry.category("ir.actions.report handlers").add("waba_reputation_report", openReportAsPage);
