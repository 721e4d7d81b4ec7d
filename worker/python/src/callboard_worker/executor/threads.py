"""The threads on which sync tools run.

The standard library's pool won't do: it waits for its threads when the process ends, and a tool that nobody can stop
would hold that up for ever. These threads are daemons, and one that is given up costs nobody else its place.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

IDLE_SECONDS = 30.0
"""How long a thread without work stays (chosen, not measured)."""

Work = Callable[[], None]


class Threads:
    """As many threads as there is work at once; whoever hands over work bounds it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[SimpleQueue[Work | None]] = []
        self._made = 0

    def run(self, work: Work) -> None:
        """Runs something on a thread that has nothing else to do."""
        with self._lock:
            inbox = self._idle.pop() if self._idle else None
        if inbox is not None:
            inbox.put(work)
            return
        self._made += 1
        name = f"callboard-tool-{self._made}"
        threading.Thread(target=self._serve, args=(work,), name=name, daemon=True).start()

    def _serve(self, work: Work | None) -> None:
        inbox: SimpleQueue[Work | None] = SimpleQueue()
        while work is not None:
            work()
            with self._lock:
                self._idle.append(inbox)
            work = self._next(inbox)

    def _next(self, inbox: SimpleQueue[Work | None]) -> Work | None:
        try:
            return inbox.get(timeout=IDLE_SECONDS)
        except Empty:
            with self._lock:
                if inbox in self._idle:
                    self._idle.remove(inbox)
                    return None
        # Somebody took it off the list in this very moment, and hands it work.
        return inbox.get()
