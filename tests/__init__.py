from . import test_first_journey
from . import test_tours
