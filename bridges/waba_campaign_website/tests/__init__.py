from . import test_optin_block
