{
    "name": "Benchmark helpers of waba_campaign",
    "summary": "The empty route that the webhook's rate is compared with",
    "version": "19.0.1.0.0",
    "author": "The waba_campaign maintainers",
    "category": "Hidden",
    "license": "LGPL-3",
    "depends": ["web"],
    "installable": True,
}
