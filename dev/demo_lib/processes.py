"""The demo's own processes, started together and ended together."""

import contextlib
import os
import signal
import socket
import subprocess
import time

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
POLL_SECONDS = 0.25
# Odoo ends its jobs in progress first; after this many seconds it is killed. Below the grace that
# dev/lib.sh gives to the demo itself.
STOP_SECONDS = 12


class DemoError(Exception):
    """Something the demo needs did not happen; the text is for the person at the terminal."""


class Child:
    """A process in a session of its own; its output goes to `log_path`, overwritten.

    :param command: list of str
    """

    def __init__(self, name, command, log_path, cwd):
        self.name = name
        self.log_path = log_path
        log_path.parent.mkdir(parents=True, exist_ok=True)
        with open(log_path, "wb") as log:
            # A session of its own: a Ctrl-C reaches the demo alone, which then ends its children
            # in order. It gets a SIGTERM when the demo itself is killed.
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *command],
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def exit_status(self):
        """None while it runs."""
        return self._process.poll()

    def log_text(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def check_alive(self):
        """Raise DemoError, with the end of its log, when it has ended."""
        if self.exit_status is not None:
            raise DemoError(f"{self.name} ended unexpectedly:\n{self.log_tail()}")

    def log_tail(self):
        lines = self.log_text().splitlines()[-25:]
        return "\n".join([*lines, f"(whole log: {self.log_path})"])

    def request_stop(self):
        if self.exit_status is None:
            self._process.terminate()

    def end(self):
        """Wait for the end, then kill the rest of its process group."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class Children:
    """Starts processes and ends them all, in the reverse order, when the `with` block is left."""

    def __init__(self, cwd):
        self._cwd = cwd
        self._children = []

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        for child in reversed(self._children):
            child.request_stop()
        for child in reversed(self._children):
            child.end()

    def start(self, name, command, log_path):
        child = Child(name, command, log_path, self._cwd)
        self._children.append(child)
        return child

    def run(self, name, command, log_path):
        """Start, wait for the end; DemoError when it fails. Returns the Child."""
        child = self.start(name, command, log_path)
        while child.exit_status is None:
            time.sleep(POLL_SECONDS)
        if child.exit_status:
            raise DemoError(f"{name} failed:\n{child.log_tail()}")
        return child

    def wait_for(self, what, condition, seconds=600, tell=None):
        """Ask `condition()` until it is true; return its value.

        :param what: for the error: "… did not happen"
        :param tell: called each time, to show the progress
        :raise DemoError: after `seconds`, or as soon as a server has ended
        """

        def check():
            for child in self._children:
                if child.exit_status != 0:
                    child.check_alive()
            if tell:
                tell()

        return wait_for(what, condition, seconds, check)

    def watch(self):
        """Wait until a server ends unexpectedly, which is a DemoError; a signal interrupts."""
        self.wait_for("the end", lambda: False, seconds=float("inf"))


def wait_for(what, condition, seconds, check=None):
    """Ask `condition()` until it is true; return its value.

    :param check: called between two questions; raises when waiting is useless
    :raise DemoError: after `seconds`
    """
    end = time.monotonic() + seconds
    while not (value := condition()):
        if check:
            check()
        if time.monotonic() > end:
            raise DemoError(f"{what}: not within {seconds} seconds")
        time.sleep(POLL_SECONDS)
    return value


def free_port(preferred=0):
    """A free TCP port of 127.0.0.1, the preferred one when it is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", preferred))
        except OSError:
            return free_port()
        return probe.getsockname()[1]
