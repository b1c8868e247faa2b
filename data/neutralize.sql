-- A copied database must never write to real customers: no keys, no address, no job, no open queue.
UPDATE waba_account
   SET access_token = NULL, app_secret = NULL, verify_token = NULL, webhook_key = NULL,
       base_url = 'https://neutralized.invalid', state = 'draft', resume_at = NULL,
       health_status = NULL;
UPDATE waba_sender
   SET state = 'locked', resume_at = NULL, pause_cause = NULL, health_status = NULL,
       pause_reason = 'This is a neutralized copy of another database: nothing is sent from it.';
UPDATE waba_campaign
   SET state = 'cancelled' WHERE state IN ('scheduled', 'preparing', 'running', 'paused');
UPDATE waba_recurring SET state = 'paused', next_at = NULL WHERE state = 'running';
UPDATE waba_sequence SET state = 'paused' WHERE state = 'active';
UPDATE waba_sequence_enrollment SET is_paused = TRUE WHERE state = 'running';
UPDATE waba_message
   SET state = 'cancelled' WHERE state = 'queued';
UPDATE waba_fallback
   SET state = 'skipped' WHERE state = 'queued';
-- The original sends these; the copy cannot know whether it did.
UPDATE waba_message
   SET state = 'uncertain', reserved_until = NULL WHERE state = 'reserved';
-- The original reports to Meta what its leads became.
UPDATE waba_account SET conversions_on = FALSE;
UPDATE waba_conversion
   SET state = 'cancelled', cancel_cause = 'copy', reason = 'Not sent: this is a neutralized copy.'
 WHERE state = 'queued';
-- Raw webhook bodies: evidence for the original, useless in a copy.
UPDATE waba_webhook_event
   SET body = '{}', summary = NULL, error = NULL, waiting_items = NULL,
       state = CASE WHEN state IN ('new', 'waiting') THEN 'ignored' ELSE state END;
UPDATE waba_reputation_event SET raw = NULL WHERE raw IS NOT NULL;
-- Exports of a person's data, which are temporary anyway.
UPDATE waba_privacy SET file = NULL WHERE file IS NOT NULL;
-- Lists of people that were uploaded, temporary too. A dialog cannot be without its file.
UPDATE waba_audience_import SET file = '', rejected = NULL;
-- Other systems hear of the original only, and a copy must not sign in its name.
UPDATE waba_outgoing_webhook
   SET active = false, state = 'paused', secret = NULL, url = NULL;
UPDATE waba_outgoing_event
   SET body = NULL, error = NULL, next_attempt_at = NULL,
       state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END;
-- Everything that sends messages without a user's request.
UPDATE waba_auto_reply SET active = false;
UPDATE res_company SET waba_create_lead = false WHERE waba_create_lead;
DO $$
BEGIN
    IF to_regclass('base_automation') IS NOT NULL THEN
        UPDATE base_automation SET active = false
         WHERE id IN (SELECT base_automation_id FROM ir_act_server WHERE state = 'waba_template');
    END IF;
END $$;
UPDATE ir_cron
   SET active = false
 WHERE id IN (SELECT cron_id FROM waba_sender)
    OR ir_actions_server_id IN (SELECT id FROM ir_act_server WHERE state = 'waba_template')
    OR id IN (SELECT res_id FROM ir_model_data WHERE model = 'ir.cron' AND module = 'waba_campaign');
