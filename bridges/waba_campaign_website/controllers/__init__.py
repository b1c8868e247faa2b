from . import optin_block
