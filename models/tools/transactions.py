"""Tools: `commit_step`, a short committed transaction, retried on a concurrency error.

Called by all jobs.

Odoo's cursors are REPEATABLE READ: if a webhook has changed a row since our snapshot, our whole
transaction fails. Odoo retries requests but not scheduled jobs, so jobs use this. A step must be
safe to repeat: no API request is sent inside it.
"""

import logging
import random
import sys
import threading
import time

from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

_logger = logging.getLogger(__name__)

MAX_TRIES = 8

_local = threading.local()


class _ExpectedRetries(logging.Filter):
    """Drops from the log the failed statements that will be retried.

    The cursor logs every failed statement as an error; here a concurrency error is normal, and
    `commit_step` logs it in one line. That of the last try is kept.
    """

    def filter(self, record):
        return not (
            getattr(_local, "will_retry", False)
            and isinstance(sys.exc_info()[1], PG_CONCURRENCY_EXCEPTIONS_TO_RETRY)
        )


logging.getLogger("odoo.sql_db").addFilter(_ExpectedRetries())


def commit_step(env, step, processed=0):
    """Run `step()` and commit; on a concurrency error roll back and run it again.

    :param step: callable without arguments; reads everything again in each try
    :param processed: rows to report to the scheduler's progress
    :return: what `step` returned
    :raise: the last concurrency error after MAX_TRIES; any other error immediately, rolled back
    """
    for attempt in range(1, MAX_TRIES + 1):
        _local.will_retry = attempt < MAX_TRIES
        try:
            result = step()
            env["ir.cron"]._commit_progress(processed)
            return result
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY as error:
            env.cr.rollback()
            env.invalidate_all()
            if attempt == MAX_TRIES:
                raise
            _logger.info("%s: tried again (%s of %s)", type(error).__name__, attempt, MAX_TRIES)
            time.sleep(random.uniform(0, 0.01 * 2**attempt))
        except Exception:
            env.cr.rollback()
            env.invalidate_all()
            raise
        finally:
            _local.will_retry = False
    raise AssertionError("unreachable")
