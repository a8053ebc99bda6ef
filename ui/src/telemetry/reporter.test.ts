import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Reporter, TIME_EVENT_MS } from "./reporter";

let clock = 0;
let bodies: string[] = [];
let beacons: string[] = [];
let up = true;

function reporter(): Reporter {
  return new Reporter({
    url: "https://web.example/cmcd/t",
    sessionId: "s1",
    contentId: "c1",
    now: () => clock,
    snapshot: () => ({ positionMs: 4200, bufferMs: 8040, bitrate: 2_350_400, throughput: null, format: "dash" }),
    transport: {
      post: (_, body) => {
        bodies.push(body);
        return Promise.resolve(up);
      },
      beacon: (_, body) => {
        beacons.push(body);
        return true;
      },
    },
  });
}
const settle = () => vi.advanceTimersByTimeAsync(0);
const said = () => bodies.flatMap((body) => body.split("\n")).map((line) => line.replace(/,?(bl|br|cid|pt|sf|sid|st|v)=(\([^)]*\)|"[^"]*"|[^,]*)/g, "").replace(/^,/, ""));

beforeEach(() => {
  vi.useFakeTimers();
  [clock, bodies, beacons, up] = [1000, [], [], true];
});
afterEach(() => vi.useRealTimers());

describe("Reporter", () => {
  it("tells a start with its delay from OK, and carries who and where", async () => {
    const report = reporter();
    report.begin();
    await settle();
    clock = 1083;
    report.playing();
    await settle();
    expect(bodies[0]).toBe('bl=(8000),br=(2350),cid="c1",e=ps,pt=4200,sf=d,sid="s1",sn=0,st=v,sta=s,ts=1000,v=2');
    expect(said()[1]).toBe("e=ps,msd=83,sn=1,sta=p,ts=1083");
  });

  it("says nothing of what happens before OK", async () => {
    const report = reporter();
    report.rebuffering(true);
    report.playing();
    report.quality();
    report.quit();
    await vi.advanceTimersByTimeAsync(2 * TIME_EVENT_MS);
    expect(bodies).toEqual([]);
  });

  it("gives each rebuffer's length with the event that ends it", async () => {
    const report = reporter();
    report.begin();
    report.playing();
    clock = 2000;
    report.rebuffering(true);
    report.rebuffering(true);
    clock = 3250;
    report.rebuffering(false);
    await settle();
    expect(said().slice(2)).toEqual(["e=ps,sn=2,sta=r,ts=2000", "bs,bsd=(1250),e=ps,sn=3,sta=p,ts=3250"]);
  });

  it("reports the time every 30 s while it plays, not while it is paused, never after the end", async () => {
    const report = reporter();
    report.begin();
    report.playing();
    await vi.advanceTimersByTimeAsync(TIME_EVENT_MS);
    report.paused();
    await vi.advanceTimersByTimeAsync(10 * TIME_EVENT_MS);
    report.playing();
    report.ended();
    report.quit();
    await vi.advanceTimersByTimeAsync(10 * TIME_EVENT_MS);
    expect(said().map((line) => /e=(\w+)/.exec(line)?.[1] + ":" + /sta=(\w)/.exec(line)?.[1])).toEqual(
      ["ps:s", "ps:p", "t:p", "ps:a", "ps:p", "ps:e"],
    );
  });

  it("sends a failure with its codes, then the fatal state, in one request", async () => {
    const report = reporter();
    report.begin();
    await settle();
    report.failed(["network", "1001"]);
    report.failed(["network", "1001"]);
    await settle();
    expect(bodies).toHaveLength(2);
    expect(said().slice(1)).toEqual(['e=e,ec=("network" "1001"),sn=1,sta=s,ts=1000', "e=ps,sn=2,sta=f,ts=1000"]);
  });

  it("keeps what was not delivered, in order, and sends it with the next", async () => {
    const report = reporter();
    up = false;
    report.begin();
    await settle();
    report.playing();
    await settle();
    up = true;
    bodies = [];
    report.paused();
    await settle();
    expect(said().map((line) => /sn=(\d)/.exec(line)?.[1])).toEqual(["0", "1", "2"]);
  });

  it("hands what waits to the beacon when the page goes", async () => {
    const report = reporter();
    up = false;
    report.begin();
    await settle();
    report.quit();
    report.leave();
    expect(beacons.join("\n").split("\n").map((line) => /sta=(\w)/.exec(line)?.[1])).toEqual(["s", "q"]);
  });
});
