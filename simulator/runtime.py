"""One running simulator: the world, its parts, and how it is reset."""

import asyncio
from dataclasses import asdict

from .account_events import AccountEvents
from .conversions import Conversions
from .delivery import Delivery
from .faults import Faults
from .growth import Growth
from .heartbeat import Heartbeat
from .ledger import Ledger
from .marketing import Auction, Marketing
from .nodes import Nodes
from .people import Behaviour, People
from .seed import build_world
from .sending import Sender
from .template_analytics import TemplateAnalytics
from .templates import Templates
from .timeline import Timeline
from .uploads import Uploads

FLUSH_POLL = 0.005


class Simulator:
    """Holds the parts. Create it inside a running event loop.

    ``settings`` are the DeliverySettings of the command line, ``log`` a RequestLog.
    """

    def __init__(self, seed, settings, log):
        self.seed = seed
        self._settings = asdict(settings)
        self.log = log
        self.heartbeat = Heartbeat()
        self.world = build_world(seed)
        self.faults = Faults()
        self.timeline = Timeline()
        self.calendar = Timeline()
        self.delivery = Delivery(self.world, settings)
        self.ledger = Ledger()
        self.events = AccountEvents(self.world, self.delivery)
        self.growth = Growth(self.world, self.events)
        self.people = People(self.world, self.timeline, self.delivery, self.ledger, self.growth)
        self.conversions = Conversions(self.world, self.people)
        self.nodes = Nodes(self.world, self.delivery)
        self.marketing = Marketing(self.world)
        self.sender = Sender(self.world, self.people, self.marketing)
        self.uploads = Uploads(self.world)
        self.templates = Templates(self.world, self.nodes, self.uploads, self.calendar,
                                   self.delivery, log)
        self.analytics = TemplateAnalytics(self.world)

    def reset(self, seed=None, with_settings=False):
        """Back to the seed world (or a new one): log, faults, queue and people forgotten.

        The parts keep their reference to the world, so its contents are replaced in place.
        Webhook settings stay, unless they are to be those of the start as well.
        """
        if with_settings:
            self.delivery.settings.update(self._settings)
        fresh = build_world(seed or self.seed)
        self.timeline.clear()
        self.calendar.clear()
        self.delivery.clear()
        self.faults.clear()
        self.log.clear()
        self.ledger.clear()
        self.growth.clear()
        self.people.behaviour = Behaviour()
        self.marketing.auction = Auction()
        self.world.__dict__.update(fresh.__dict__)

    @property
    def pending(self):
        """Events to come and webhooks not settled (the calendar of hours to come excepted)."""
        return len(self.timeline) + self.delivery.pending

    async def flush(self, timeout, hurry):
        """Wait until nothing is pending, or for ``timeout`` seconds; True when nothing is left.

        ``hurry`` skips the waiting that is only simulated: delays and retry intervals.
        """
        loop = asyncio.get_running_loop()
        end = float("inf") if timeout is None else loop.time() + timeout
        while self.pending:
            if hurry:
                self.timeline.hurry()
                self.delivery.hurry()
            if loop.time() >= end:
                return False
            await asyncio.sleep(FLUSH_POLL)
        return True

    async def close(self):
        await self.heartbeat.stop()
        await self.delivery.close()
        self.timeline.clear()
        self.calendar.clear()
        self.log.close()
