import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { encodeEvent, type CmcdEvent } from "./cmcd";

const shared = process.env["MATINEE_SHARED"] ?? resolve(import.meta.dirname, "../../../../shared");
const at = (path: string) => resolve(shared, "data", path);
const read = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));
const vectors = at("standards/cmcd/cmcd_vectors.json");
const batches = at("vectors/cmcd_v2_events.json");

describe("the line of an event", () => {
  const table: [string, CmcdEvent, string][] = [
    ["keys ascend and v is added", { e: "t", ts: 1, sid: "s", pt: 3 }, 'e=t,pt=3,sid="s",ts=1,v=2'],
    ["states are words", { e: "ps", ts: 1, sta: "r" }, "e=ps,sta=r,ts=1,v=2"],
    ["lists of numbers", { e: "bc", ts: 1, br: [2999.6] }, "br=(3000),e=bc,ts=1,v=2"],
    ["lists of strings", { e: "e", ts: 1, ec: ["network", "1001"] }, 'e=e,ec=("network" "1001"),ts=1,v=2'],
    ["quotes and backslashes", { e: "t", ts: 1, cid: 'a"b\\c' }, 'cid="a\\"b\\\\c",e=t,ts=1,v=2'],
    ["letters beyond ASCII", { e: "t", ts: 1, cid: "été" }, 'cid="?t?",e=t,ts=1,v=2'],
    ["what is false is not said", { e: "t", ts: 1, bs: false }, "e=t,ts=1,v=2"],
    ["unless the event is about it", { e: "b", ts: 1, bg: false }, "bg=?0,e=b,ts=1,v=2"],
    ["what is unknown is not said", { e: "t", ts: 1, bl: [], mtp: undefined, pt: Number.NaN }, "e=t,ts=1,v=2"],
    ["hundreds", { e: "t", ts: 1, bl: [5049], mtp: [10049] }, "bl=(5000),e=t,mtp=(10000),ts=1,v=2"],
    ["a response's keys stay with responses", { e: "ps", ts: 1, sta: "p", rc: 200 }, "e=ps,sta=p,ts=1,v=2"],
  ];
  it.each(table)("%s", (_, event, line) => expect(encodeEvent(event)).toBe(line));
});

// The Common Media Library's own pairs, where this checkout lies beside the shared data.
describe.runIf(existsSync(vectors))("the published vectors", () => {
  it("encodes the event that uses every key", () => {
    const known = read(vectors) as { CMCD_INPUT: CmcdEvent; CMCD_STRING_EVENT: string; CMCD_STRING_RESPONSE: string };
    expect(encodeEvent(known.CMCD_INPUT)).toBe(known.CMCD_STRING_EVENT);
    expect(encodeEvent({ ...known.CMCD_INPUT, e: "rr" })).toBe(known.CMCD_STRING_RESPONSE.replace("e=t", "e=rr"));
  });
});

describe.runIf(existsSync(batches))("the published event reports", () => {
  // A suite that does not run is still collected: nothing may be read here that may be missing.
  const rows = () => (read(batches) as { batches: { body: string; valid: boolean; why: string }[] }).batches;
  const wanted = new Map([
    ["pr", { e: "pr", pr: 1.5, ts: 1700000000123 }],
    ["c", { e: "c", cid: "content-123", ts: 1700000000123 }],
    ["b", { e: "b", bg: true, ts: 1700000000123 }],
    ["b with bg false", { e: "b", bg: false, ts: 1700000000123 }],
    ["bc", { e: "bc", br: [3000], ts: 1700000000123 }],
    ["custom", { e: "ce", cen: "foo", ts: 1700000000123 }],
    ["error", { e: "e", ec: ["ERR-001"], ts: 1700000000123 }],
    ["custom key", { e: "t", "com.example-key": "hello", ts: 1700000000123 }],
  ] satisfies [string, CmcdEvent][]);
  it.each([...wanted])("writes what the table calls valid: %s", (why, event) => {
    const row = rows().find((entry) => entry.why === why && entry.valid);
    expect(row).toBeDefined();
    expect(encodeEvent(event as CmcdEvent)).toBe([...new Set(row?.body.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/))].sort().join(","));
  });
});
