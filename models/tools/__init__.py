"""Tools: helpers without records: hooks, transactions, phone numbers, rights on fields."""

from . import system_fields
from . import field_paths
from . import figures
from . import form_values
from . import ir_http
