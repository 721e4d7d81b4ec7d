import assert from "node:assert/strict";
import test from "node:test";

import { reader } from "../../../coordinator/src/service/page/sse.js";

const STREAM = ': alive\n\nid: 1\nevent: call_opened\ndata: {"a":1}\n\nid: 2\r\nevent: x\r\ndata: one\r\ndata:two\r\n\r\ndata: é😀\n\n: alive\n\n';
const EVENTS = [
  { id: "1", event: "call_opened", data: '{"a":1}' },
  { id: "2", event: "x", data: "one\ntwo" },
  { id: null, event: "message", data: "é😀" },
];

test("events are read however the stream is cut", () => {
  for (let size = 1; size <= STREAM.length; size += 1) {
    const sse = reader();
    const events = [];
    for (let at = 0; at < STREAM.length; at += size) events.push(...sse.take(STREAM.slice(at, at + size)));
    assert.deepEqual(events, EVENTS, `in pieces of ${size}`);
  }
});

test("an event that broke off is none", () => {
  assert.deepEqual(reader().take("id: 3\nevent: x\ndata: half"), []);
  assert.deepEqual(reader().take("event: nothing\n\n"), []);
});
