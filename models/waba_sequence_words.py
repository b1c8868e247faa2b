"""What ends a follow-up, and how a lead came into one, as readable text."""

TRIGGERS = [
    ("manual", "By hand"),
    ("stage", "A lead enters a stage"),
    ("stage_days", "A lead stays in a stage"),
    ("created", "A lead is created"),
    ("tag", "A lead gets a tag"),
    ("campaign", "A campaign's message was not answered"),
    ("quotation", "A quotation was sent"),
]
# Looked for by the job; the others happen while a lead is written.
TIME_TRIGGERS = ("stage_days", "campaign", "quotation")

# The first are those of policy.followup.STOPS, the rest end it where it stands.
STOP_REASONS = [
    ("gone", "The lead was deleted or merged into another"),
    ("replied", "The person answered"),
    ("opted_out", "The person asked not to receive messages"),
    ("won", "The lead was won"),
    ("lost", "The lead was lost or archived"),
    ("stage_left", "The lead left the stage"),
    ("own_message", "A colleague wrote to the person on WhatsApp"),
    ("own_contact", "A colleague wrote an e-mail or called"),
    ("unmet", "The lead no longer meets the conditions"),
    ("person", "Stopped by a colleague"),
    ("not_sent", "A message could not be sent"),
    ("red", "Promotions of the number are held"),
    ("late", "The moment for the next step has passed"),
    ("closed", "The follow-up was closed"),
    ("erased", "The person's data were erased"),
    ("error", "A step failed again and again"),
]
# What a follow-up can be told to heed, and the field that tells it.
SWITCHES = {
    "replied": "stop_on_reply",
    "opted_out": "stop_on_opt_out",
    "won": "stop_on_won",
    "lost": "stop_on_lost",
    "stage_left": "stop_on_stage_left",
    "own_message": "stop_on_own_message",
    "own_contact": "stop_on_own_contact",
}
