import { describe, expect, it } from "vitest";
import { type Memory, NOTHING, type Release } from "./decide";
import { launch, type LaunchPorts } from "./launch";

const release = (version: string): Release => ({ version, entry: `/ui/${version}/m.js`, integrity: "sha384-x", styles: [] });
const connected: Memory = { ...NOTHING, token: "mtb_x" };

type Answer = { status: number; body: unknown } | "away";
interface World {
  answers?: Partial<Record<string, Answer[]>>;
  /** What becomes of a start: it stands, it cannot be loaded, or it never says anything. */
  starts?: ("stands" | "breaks" | "hangs")[];
  memory?: Memory;
  key?: boolean;
}

/** Lives through one start, or several where the launcher starts itself anew. Time passes at once. */
async function live({ answers = {}, starts = ["stands"], memory = connected, key = true }: World) {
  const log: string[] = [];
  const queue = { "GET /api/v1/box/release": [{ status: 200, body: release("two") }], "GET /api/v1/box/nonce": [{ status: 200, body: { nonce: "n1" } }], ...answers } as Record<string, Answer[]>;
  let again = true;
  const ports: LaunchPorts = {
    memory,
    save: (next) => void (ports.memory = next),
    ask: (method, path, body) => {
      const what = `${method} ${path}`;
      log.push(body ? `${what} ${JSON.stringify(body)}` : what);
      const known = queue[what] ?? [{ status: 204, body: null }];
      const answer = known.length > 1 ? known.shift() : known[0];
      return answer === "away" || answer === undefined ? Promise.reject(new Error("away")) : Promise.resolve(answer);
    },
    key: () => Promise.resolve(key ? { jwk: { kty: "EC", crv: "P-256", x: "X", y: "Y" }, thumbprint: () => Promise.resolve("T"), sign: (text) => Promise.resolve(`signed(${text.replace(/\n/g, "|")})`) } : null),
    show: (notice) => void log.push(`show ${notice}`),
    run: (chosen, stoodUp) => {
      log.push(`run ${chosen.version}`);
      const outcome = starts.shift() ?? "stands";
      if (outcome === "stands") {
        stoodUp();
        return Promise.resolve();
      }
      return outcome === "breaks" ? Promise.reject(new Error("load")) : new Promise(() => undefined);
    },
    reload: () => {
      log.push("reload");
      again = true;
    },
    sleep: () => new Promise((resolve) => setTimeout(resolve)),
    random: () => 1,
  };
  for (let start = 0; again && start < 6; start += 1) {
    again = false;
    await launch(ports);
  }
  return { log, memory: ports.memory };
}

describe("launch", () => {
  it("says how to connect a box without a token, and asks nobody", async () => {
    const { log } = await live({ memory: NOTHING });
    expect(log).toEqual(["show starting", "show unconnected"]);
  });

  it("starts the assigned release, then registers the key and confirms", async () => {
    const { log, memory } = await live({});
    expect(log).toEqual([
      "show starting",
      "GET /api/v1/box/release",
      "run two",
      'POST /api/v1/box/key {"jwk":{"kty":"EC","crv":"P-256","x":"X","y":"Y"},"proof":"signed(matinee-key|T)"}',
      "GET /api/v1/box/nonce",
      'POST /api/v1/box/confirm {"version":"two","nonce":"n1","signature":"signed(matinee-confirm|n1|two)"}',
    ]);
    expect(memory.good?.version).toBe("two");
    expect(memory.failures).toEqual([]);
  });

  it("goes on without a key where the browser has none", async () => {
    const { log, memory } = await live({ key: false });
    expect(log).toEqual(["show starting", "GET /api/v1/box/release", "run two"]);
    expect(memory.good?.version).toBe("two");
  });

  it("waits for a server that is away", async () => {
    const { log } = await live({ answers: { "GET /api/v1/box/release": ["away", { status: 503, body: null }, { status: 200, body: release("two") }] }, key: false });
    expect(log).toEqual(["show starting", "GET /api/v1/box/release", "GET /api/v1/box/release", "show away", "GET /api/v1/box/release", "run two"]);
  });

  it("forgets a token that the service refuses", async () => {
    const { log, memory } = await live({ answers: { "GET /api/v1/box/release": [{ status: 401, body: null }] } });
    expect(log.at(-1)).toBe("show refused");
    expect(memory.token).toBeNull();
  });

  it("goes back to the last good release after two starts that broke, and does not confirm it", async () => {
    const { log, memory } = await live({ starts: ["breaks", "breaks", "stands"], memory: { ...connected, good: release("one") } });
    expect(log.filter((line) => line.startsWith("run") || line === "reload")).toEqual(["run two", "reload", "run two", "reload", "run one"]);
    expect(log.some((line) => line.includes("confirm"))).toBe(false);
    expect(memory.good?.version).toBe("one");
  });

  it("tells the service, signed, that the release did not stand, and starts the last good one meanwhile", async () => {
    const { log } = await live({ starts: ["breaks", "breaks", "stands"], memory: { ...connected, good: release("one") } });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(log.filter((line) => line.includes("start-failed"))).toEqual([
      'POST /api/v1/box/start-failed {"version":"two","nonce":"n1","signature":"signed(matinee-start-failed|n1|two)"}',
    ]);
    expect(log.indexOf("run one")).toBeGreaterThan(0);
  });

  it("tells once of a release that has nothing to go back to, and tries it on", async () => {
    const { log } = await live({ starts: ["breaks", "breaks", "breaks", "stands"] });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(log.filter((line) => line.startsWith("run"))).toEqual(["run two", "run two", "run two", "run two"]);
    expect(log.filter((line) => line.includes("POST /api/v1/box/start-failed"))).toHaveLength(1);
    expect(log.filter((line) => line.includes("POST /api/v1/box/confirm"))).toHaveLength(1);
  });

  it("confirms last, though the failure before took several tries to tell", async () => {
    const answers = { "POST /api/v1/box/start-failed": [{ status: 503, body: null }, { status: 503, body: null }, { status: 200, body: null }] };
    const { log } = await live({ answers, memory: { ...connected, failures: [["two", 2]] } });
    await new Promise((resolve) => setTimeout(resolve, 20));
    const said = log.flatMap((line) => /POST .*(start-failed|confirm) /.exec(line)?.[1] ?? []);
    expect(said).toEqual(["start-failed", "start-failed", "start-failed", "confirm"]);
  });

  it("counts a release that says nothing as broken", async () => {
    const { log } = await live({ starts: ["hangs", "hangs", "stands"], memory: { ...connected, good: release("one") } });
    expect(log.filter((line) => line.startsWith("run"))).toEqual(["run two", "run two", "run one"]);
  });

  it("does not blame a release for a server that went away during its start", async () => {
    const { memory, log } = await live({
      starts: ["hangs", "stands"],
      answers: { "GET /api/v1/box/release": [{ status: 200, body: release("two") }, "away", "away", { status: 200, body: release("two") }] },
      memory: { ...connected, good: release("one") },
    });
    expect(log.filter((line) => line.startsWith("run"))).toEqual(["run two", "run two"]);
    expect(memory.good?.version).toBe("two");
  });

  it("tries a confirmation again when the server is away, and not when it refuses", async () => {
    const away = await live({ answers: { "POST /api/v1/box/confirm": [{ status: 503, body: null }, { status: 200, body: {} }] } });
    expect(away.log.filter((line) => line.includes("confirm"))).toHaveLength(2);
    const refused = await live({ answers: { "POST /api/v1/box/confirm": [{ status: 409, body: {} }] } });
    expect(refused.log.filter((line) => line.includes("confirm"))).toHaveLength(1);
  });
});
