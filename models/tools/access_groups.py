"""XML ids of our groups, where Python names them."""

USER_GROUP = "waba_campaign.waba_group_user"
