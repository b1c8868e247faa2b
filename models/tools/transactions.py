"""Short committed transactions, tried again when PostgreSQL refuses one.

Odoo's cursors are REPEATABLE READ: a row that a webhook changed since our snapshot makes our
write fail as a whole. Requests are repeated by Odoo; scheduled jobs are not, so ours repeat
themselves here. What is repeated must be safe to repeat: no request leaves inside `step`.
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
    """Keeps out of the log, as the errors they are not, statements that will be run again.

    The cursor logs every statement that breaks; here a concurrency error is an everyday event, told
    in one line by `commit_step` itself. The last try's is logged.
    """

    def filter(self, record):
        return not (
            getattr(_local, "will_retry", False)
            and isinstance(sys.exc_info()[1], PG_CONCURRENCY_EXCEPTIONS_TO_RETRY)
        )


logging.getLogger("odoo.sql_db").addFilter(_ExpectedRetries())


def commit_step(env, step, processed=0):
    """Run `step()` and commit; on a concurrency error roll back and run it again.

    :param step: callable without arguments; reads everything afresh each time
    :param processed: rows to report to the scheduler's progress
    :return: what `step` returned
    :raise: the last concurrency error after MAX_TRIES; any other error at once, rolled back
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
