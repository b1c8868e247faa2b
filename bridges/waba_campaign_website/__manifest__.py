{
    "name": "WhatsApp Campaigns: Website Block",
    "version": "19.0.1.0.0",
    "category": "Website/Website",
    "summary": "The opt-in form of WhatsApp Campaigns as a block of the website builder",
    "author": "The waba_campaign maintainers",
    "website": "https://github.com/waba-campaign/waba_campaign",
    "license": "LGPL-3",
    "depends": ["website", "waba_campaign"],
    "data": ["views/optin_block.xml"],
    "assets": {
        "web.assets_frontend": ["waba_campaign_website/static/src/optin_block/optin_block.js"],
        "website.website_builder_assets": ["waba_campaign_website/static/src/builder/**/*"],
        "website.assets_inside_builder_iframe": [
            "waba_campaign_website/static/src/optin_block/optin_block.edit.js",
        ],
        "web.assets_tests": ["waba_campaign_website/static/tests/tours/**/*"],
    },
    "auto_install": True,
}
