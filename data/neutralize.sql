-- A copied database must never write to real customers: no keys, no address, no job, no open queue.
UPDATE waba_account
   SET access_token = NULL, app_secret = NULL, verify_token = NULL, webhook_key = NULL,
       base_url = 'https://neutralized.invalid', state = 'draft', resume_at = NULL;
UPDATE waba_sender
   SET state = 'locked', resume_at = NULL, pause_cause = NULL,
       pause_reason = 'This is a neutralized copy of another database: nothing is sent from it.';
UPDATE waba_campaign
   SET state = 'cancelled' WHERE state IN ('scheduled', 'preparing', 'running', 'paused');
UPDATE waba_sequence SET state = 'paused' WHERE state = 'active';
UPDATE waba_sequence_enrollment SET is_paused = TRUE WHERE state = 'running';
UPDATE waba_message
   SET state = 'cancelled' WHERE state = 'queued';
-- The original sends these; whether it did, the copy cannot know.
UPDATE waba_message
   SET state = 'uncertain', reserved_until = NULL WHERE state = 'reserved';
UPDATE ir_cron
   SET active = false
 WHERE id IN (SELECT cron_id FROM waba_sender)
    OR id IN (SELECT res_id FROM ir_model_data WHERE model = 'ir.cron' AND module = 'waba_campaign');
