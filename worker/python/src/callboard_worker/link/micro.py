"""The worker as a NATS micro service: what it answers to ``$SRV.PING``, ``INFO`` and ``STATS``, so that coordinators
and the stock ``nats`` tools find it.

The client library's own service can't be used: its metadata is fixed when it starts, and it counts only what it answers
itself. The service's id is the instance.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ..proto import subject
from ..proto.ids import hyphenated
from ..proto.message import Announce
from ..proto.subject import METADATA_ANNOUNCE, METADATA_TENANT, QUEUE_GROUP, SERVICE_NAME
from ..version import __version__

DESCRIPTION = "executes the tool calls of LLM agents"


@dataclass
class Counts:
    """What the link counts, for ``STATS``."""

    requests: int = 0
    unreadable: int = 0
    answers: int = 0
    unsent: int = 0


class Micro:
    """What the service says of itself."""

    def __init__(self, tenant: str, announce: Announce) -> None:
        self._tenant = tenant
        self._announce = announce
        self._started = datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
        self.counts = Counts()
        self.calls: dict[str, int] = {}

    def answer(self, question: str, reply: str) -> bytes | None:
        """The answer to a question on one of the service's subjects, if it may be given there: an inbox of the stock
        tools, or a reply subject of this tenant. Whoever asks chooses the subject, and must not make a worker publish
        elsewhere.
        """
        if not reply.startswith("_INBOX") and subject.read_reply(self._tenant, reply) is None:
            return None
        verb = subject.service_verb(question)
        if verb == "PING":
            answer = self._identity("ping_response")
        elif verb == "INFO":
            answer = self._info()
        elif verb == "STATS":
            answer = self._identity("stats_response")
            del answer["metadata"]
            answer |= {"started": self._started, "endpoints": self._stats()}
        else:
            return None
        return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()

    def _identity(self, kind: str) -> dict[str, Any]:
        return {
            "type": f"io.nats.micro.v1.{kind}",
            "name": SERVICE_NAME,
            "id": self._announce.instance.hex(),
            "version": __version__,
            "metadata": {METADATA_TENANT: self._tenant},
        }

    def _info(self) -> dict[str, Any]:
        info = self._identity("info_response")
        info["description"] = DESCRIPTION
        info["metadata"][METADATA_ANNOUNCE] = announce_json(self._announce)
        info["endpoints"] = [{**endpoint, "metadata": {}} for endpoint in self._endpoints()]
        return info

    def _endpoints(self) -> list[dict[str, Any]]:
        """The instance's own subjects, then the queue group of each tool."""
        announce = self._announce
        own = subject.worker_all(self._tenant, announce.pool, announce.instance)
        endpoints = [{"name": "instance", "subject": own, "queue_group": ""}]
        for tool in announce.tools:
            # A service's names know no escape.
            name = subject.tool_token(tool.name).replace("=", "_")
            on = subject.call(self._tenant, tool.name)
            endpoints.append({"name": name, "subject": on, "queue_group": QUEUE_GROUP})
        return endpoints

    def _stats(self) -> list[dict[str, Any]]:
        counts = self.counts
        own = {"num_requests": counts.requests, "num_errors": counts.unreadable + counts.unsent}
        data = {"answers": counts.answers, "unreadable": counts.unreadable, "unsent": counts.unsent}
        zero = {"last_error": "", "processing_time": 0, "average_processing_time": 0}
        instance, *tools = self._endpoints()
        stats = [{**instance, **own, **zero, "data": data}]
        for tool, endpoint in zip(self._announce.tools, tools, strict=True):
            stats.append({**endpoint, "num_requests": self.calls.get(tool.name, 0), "num_errors": 0, **zero})
        return stats


def announce_json(announce: Announce) -> str:
    """An announcement as the JSON text of the service's metadata."""
    fields: dict[str, Any] = {
        "instance": hyphenated(announce.instance),
        "worker": announce.worker,
        "pool": announce.pool,
        "version": announce.version,
        "slots": announce.slots,
        "catalogue": announce.catalogue,
        "payload_bytes_max": announce.payload_bytes_max,
    }
    if announce.labels:
        fields["labels"] = list(announce.labels)
    fields["tools"] = [{"name": tool.name, "digest": tool.digest.hex()} for tool in announce.tools]
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
