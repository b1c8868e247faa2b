from . import test_first_journey
from . import test_tours
from . import test_dispatch
from . import test_settle
from . import test_failures
