"""Tools: XML ids of our groups, where Python names them.

Used where a field or a method is limited to a group.
"""

USER_GROUP = "waba_campaign.waba_group_user"
