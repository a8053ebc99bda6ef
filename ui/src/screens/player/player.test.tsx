import { render } from "solid-js/web";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Action, Press } from "../../base/actions";
import { isDirection } from "../../base/actions";
import { ApiError } from "../../api/errors";
import type { HeartbeatAnswer, Playback, RunningStream, Tile } from "../../api/types";
import { wordsFor } from "../../base/i18n";
import { createFocus, type Focus, FocusProvider } from "../../focus/solid";
import { fakePlayback, FakePort } from "../../player/fake_port";
import { COUNTDOWN_MS } from "../../player/offers";
import { createPlays } from "../../player/plays";
import { PlayerFailure } from "../../player/port";
import { SHOWN_MS } from "./overlay";
import PlayerScreen from "./player";

const NEXT: Tile = { ...fakePlayback("e2", "s").title, kind: "episode", name: "Two", series: { id: "se", name: "Series", season: 1, episode: 2 } };

let focus: Focus;
let ports: FakePort[] = [];
let failures: (PlayerFailure | null)[] = [];
let log: string[] = [];
let unmount: () => void = () => undefined;

/** What the next plays are refused with, null where one begins; then they begin. */
let refusals: (Error | null)[] = [];
/** What the PIN gives each time that it is asked; null where the viewer gives up. */
let pins: (string | null)[] = [];
/** What each heartbeat is answered; without, nobody answers. */
let heard: Partial<HeartbeatAnswer> | Error | null = null;

async function watch(more: Partial<Playback> = {}, seat: "tv" | "web" = "tv"): Promise<FakePort> {
  const plays = createPlays({
    profileId: () => "p1",
    createPlayer: () => {
      const port = new FakePort(failures.shift() ?? null);
      ports.push(port);
      return Promise.resolve(port);
    },
    reports: { post: () => Promise.resolve(true), beacon: () => true },
    client: {
      playback: (titleId) => {
        const refusal = refusals.shift();
        return refusal ? Promise.reject(refusal) : Promise.resolve(fakePlayback(titleId, "s1", more));
      },
      heartbeat: () => {
        const answer = heard;
        if (answer === null || answer instanceof Error) return Promise.reject(answer ?? new Error("away"));
        const { manifests } = fakePlayback("a", "s1");
        return Promise.resolve({ manifests, token: "t", token_expires_at: "", position_ms: 0, stop: null, ...answer });
      },
      endPlayback: () => Promise.resolve(),
      stopPlayback: (session, options) => {
        log.push(`stop ${session}${options?.unlock ? ` by ${options.unlock}` : ""}`);
        if (session === "parents" && !options?.unlock) {
          return Promise.reject(new ApiError(403, { type: "", title: "", status: 403, code: "pin_needed" }));
        }
        return session === "gone" ? Promise.reject(new Error("away")) : Promise.resolve();
      },
    },
  });
  const root = document.body.appendChild(document.createElement("div"));
  unmount = render(() => {
    focus = createFocus(false);
    return (
      <FocusProvider focus={focus}>
        <PlayerScreen
          titleId="a"
          plays={plays}
          words={wordsFor("en")}
          seat={seat}
          onClose={() => log.push("close")}
          askPin={() => Promise.resolve(pins.shift() ?? null)}
          onSignIn={() => log.push("sign in")}
          onNext={(id) => log.push(`next ${id}`)}
          onPreferences={(preferences) => log.push(JSON.stringify(preferences))}
        />
      </FocusProvider>
    );
  }, root);
  await vi.advanceTimersByTimeAsync(0);
  return ports[0] as FakePort;
}

/** What the app's own listener does with a press. */
function press(action: Action, { repeat = false, heldMs = 0, phase = "down" as Press["phase"] } = {}): void {
  const layer = focus.index.topLayer();
  if (layer?.onKey?.({ action, phase, repeat, heldMs }) || phase === "up") return;
  if (isDirection(action)) focus.index.move(action);
  else if (action === "ok" && !repeat) focus.index.press();
  else if (action === "back" && !repeat) layer?.onBack?.();
}

const tap = (...actions: Action[]): void => actions.forEach((action) => (press(action), press(action, { phase: "up" })));
const owner = (): string => {
  const { layer, zone, index } = focus.owner();
  return zone === null ? layer : `${layer}/${zone}/${index}`;
};
const shown = (): boolean => document.querySelector(".player-shown") !== null;
/** Time passes for the timers and for the film. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 250) {
    await vi.advanceTimersByTimeAsync(Math.min(250, left));
    ports.at(-1)?.pass(Math.min(250, left));
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  [ports, failures, log] = [[], [], []];
  [refusals, pins, heard] = [[], [], null];
});
afterEach(() => {
  unmount();
  document.body.replaceChildren();
  vi.useRealTimers();
});

describe("the player by remote", () => {
  it("begins bare, at the resume position, with the film owning the focus", async () => {
    const port = await watch();
    expect([owner(), shown(), port.state, port.positionMs]).toEqual(["player", false, "playing", 20_000]);
    expect(document.querySelector(".player-stage video")).toBe(port.element);
  });

  it("pauses by OK, keeps the controls while it is paused, and lets them go four seconds after it plays", async () => {
    const port = await watch();
    tap("ok");
    expect([port.state, owner(), shown()]).toEqual(["paused", "player/seek/0", true]);
    await pass(10 * SHOWN_MS);
    expect(shown()).toBe(true);
    tap("ok");
    await pass(SHOWN_MS - 250);
    expect(shown()).toBe(true);
    await pass(500);
    expect([port.state, owner(), shown()]).toEqual(["playing", "player", false]);
  });

  it("seeks at once by left and right, from anywhere the film is bare", async () => {
    const port = await watch();
    tap("right");
    expect([port.positionMs, owner()]).toEqual([30_000, "player/seek/0"]);
    expect(document.querySelectorAll(".play-strip-place")).toHaveLength(7);
    await pass(3_000);
    tap("left");
    expect(port.positionMs).toBe(23_000);
  });

  it("closes one level with each Back, and leaves at the last", async () => {
    await watch();
    tap("down", "ok");
    expect(owner()).toBe("player-tracks/text/0");
    tap("back");
    expect([owner(), shown()]).toEqual(["player/buttons/0", true]);
    tap("back");
    expect([shown(), log]).toEqual([false, []]);
    tap("back");
    expect(log).toEqual(["close"]);
  });

  it("shows what is watched by Up, and closes it by Up, Down, OK or Back", async () => {
    await watch();
    for (const action of ["up", "down", "ok", "back"] as const) {
      tap("up");
      expect(owner()).toBe("player-info/close/0");
      tap(action);
      expect(owner().startsWith("player-info")).toBe(false);
      await pass(2 * SHOWN_MS);
    }
  });

  it("chooses audio and subtitles, at once and for every title", async () => {
    const port = await watch();
    tap("down", "ok", "down", "ok");
    expect(port.text.filter((track) => track.active).map((track) => track.language)).toEqual(["fr"]);
    tap("left", "down", "ok");
    expect(port.audio.filter((track) => track.active).map((track) => track.language)).toEqual(["en"]);
    expect(log).toEqual(['{"subtitle_language":"fr"}', '{"audio_language":"en"}']);
    expect(document.querySelectorAll('.play-choice[aria-checked="true"]')).toHaveLength(2);
  });

  it("answers the media keys from everywhere", async () => {
    const port = await watch();
    tap("pause");
    expect(port.state).toBe("paused");
    tap("play");
    expect(port.state).toBe("playing");
    tap("down", "playPause");
    expect(port.state).toBe("paused");
    tap("playPause", "forward");
    expect([port.state, port.positionMs]).toEqual(["playing", 30_000]);
    tap("stop");
    expect(log).toEqual(["close"]);
  });
});

describe("offers", () => {
  const INTRO: Partial<Playback> = { resume_ms: 0, markers: [{ kind: "intro", start_ms: 5_000, end_ms: 25_000 }] };

  it("skip the intro by OK, without a way to it", async () => {
    const port = await watch(INTRO);
    await pass(6_000);
    expect(owner()).toBe("player/offer/0");
    tap("ok");
    expect(port.positionMs).toBe(25_000);
    expect(owner()).not.toContain("offer");
  });

  it("never take the focus from somebody who seeks", async () => {
    const port = await watch(INTRO);
    tap("right");
    expect(port.positionMs).toBe(10_000);
    await pass(250);
    expect(owner()).toBe("player/seek/0");
    await pass(2_000);
    expect(owner()).toBe("player/seek/0");
    // Once the controls are gone, the offer is what is left.
    await pass(2_500);
    expect(owner()).toBe("player/offer/0");
  });

  it("are sent away by Back, for this play", async () => {
    const port = await watch(INTRO);
    await pass(6_000);
    tap("back");
    await pass(1_000);
    expect([owner(), log, port.state]).toEqual(["player", [], "playing"]);
  });

  it("count down to the next episode while the film runs, not while it is paused", async () => {
    await watch({ resume_ms: 55_000, next: NEXT });
    await pass(500);
    expect(owner()).toBe("player/offer/0");
    tap("pause");
    await pass(3 * COUNTDOWN_MS);
    expect(log).toEqual([]);
    tap("play");
    await pass(COUNTDOWN_MS + 500);
    expect(log).toEqual(["next e2"]);
  });

  it("let the credits run, and offer the next episode again at the very end", async () => {
    const port = await watch({ resume_ms: 55_000, next: NEXT });
    await pass(500);
    tap("right", "ok");
    await pass(2_000);
    expect(owner()).toBe("player");
    await pass(4_000);
    expect([port.state, owner()]).toEqual(["ended", "player/offer/0"]);
    tap("ok");
    expect(log).toEqual(["next e2"]);
  });

  it("go back to the title at the end of a film", async () => {
    await watch({ resume_ms: 58_000 });
    await pass(3_000);
    expect(log).toEqual(["close"]);
  });
});

describe("failures", () => {
  it("are worded, and tried again at the place where the film stopped", async () => {
    const port = await watch();
    await pass(5_000);
    port.events.emit("error", new PlayerFailure("network", "1002"));
    expect(owner()).toBe("player-trouble/ways/0");
    expect(document.querySelector("[role=alert]")?.textContent).toContain("The film does not get through");
    tap("ok");
    await pass(250);
    expect([ports.length, ports[0]?.disposed, ports[1]?.state, owner()]).toEqual([2, true, "playing", "player"]);
  });

  it("of the first start lead back to the title", async () => {
    failures = [new PlayerFailure("unsupported", "6001")];
    await watch();
    expect(owner()).toBe("player-trouble/ways/0");
    tap("right", "ok");
    expect(log).toEqual(["close"]);
  });
});

it("keeps exactly one owner of the focus on any walk of keys, and always leads out by Back", async () => {
  // A linear congruential generator (Numerical Recipes' constants): the same walk on every machine.
  let seed = 20141002;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const KEYS: Action[] = ["left", "right", "up", "down", "ok", "back", "left", "right", "up", "down", "ok", "playPause", "forward", "subtitles", "pause", "play"];
  await watch({ resume_ms: 0, next: NEXT, markers: [{ kind: "intro", start_ms: 2_000, end_ms: 12_000 }] });
  for (let step = 0; step < 600; step += 1) {
    const action = KEYS[random(KEYS.length)] as Action;
    press(action);
    for (let repeats = random(4); repeats > 1; repeats -= 1) press(action, { repeat: true, heldMs: repeats * 200 });
    press(action, { phase: "up" });
    if (random(3) === 0) await pass(random(6) * 500);
    const owned = document.querySelectorAll("[data-focused], [data-anchor]");
    expect(owned.length, `step ${step}, ${action}, ${owner()}`).toBe(1);
    expect(owned[0]?.closest("[inert]"), `step ${step}, ${action}: ${owner()} is covered`).toBeNull();
  }
  const before = log.filter((line) => line === "close").length;
  for (let level = 0; level < 5; level += 1) tap("back");
  expect(log.filter((line) => line === "close").length).toBeGreaterThan(before);
}, 60_000);

const LIVING_ROOM: RunningStream = {
  session_id: "tv",
  screen: { kind: "box", label: "Living room" },
  title: fakePlayback("film", "s").title,
  since: "2014-10-02T20:14:00Z",
};
const PHONE: RunningStream = { session_id: "phone", screen: { kind: "web", label: "" }, title: null, since: "2014-10-02T20:20:00Z" };

function tooMany(...streams: RunningStream[]): ApiError {
  return new ApiError(409, { type: "", title: "", status: 409, code: "too_many_streams", limit: streams.length, streams });
}

const rows = (): string[] => [...document.querySelectorAll(".play-stream")].map((row) => row.textContent ?? "");

describe("a screen that was signed out", () => {
  const REFUSED = new ApiError(401, { type: "", title: "", status: 401, code: "not_signed_in" });

  it("stops the film, says why, and leads to where one signs in", async () => {
    const port = await watch();
    heard = REFUSED;
    await pass(10_500);
    expect(port.state).toBe("paused");
    expect(document.querySelector("[role=alert]")?.textContent).toContain("This screen was signed out");
    expect([...document.querySelectorAll(".play-pill")].map((one) => one.textContent)).toEqual(["Sign in"]);
    tap("ok");
    tap("back");
    expect(log).toEqual(["sign in", "sign in"]);
  });

  it("is told so where no film begins any more", async () => {
    refusals = [REFUSED];
    await watch();
    expect(document.querySelector("[role=alert]")?.textContent).toContain("not signed in");
    tap("ok");
    expect(log).toEqual(["sign in"]);
  });
});

describe("a home that watches on as many screens as it may", () => {
  it("names each of the others, and by OK stops one and plays here", async () => {
    refusals = [tooMany(LIVING_ROOM, PHONE)];
    await watch();
    expect(document.querySelector("h1")?.textContent).toBe("Already watching elsewhere");
    expect(rows()[0]).toContain("Living room");
    expect(rows()[0]).toContain(LIVING_ROOM.title?.name);
    expect(rows()[1]).toContain("A browser or a phone");
    expect(rows()[1]).toContain("Another film");
    expect(owner()).toBe("player-streams/streams/0");
    tap("down", "ok");
    await pass(500);
    expect(log).toEqual(["stop phone"]);
    expect([rows(), ports.at(-1)?.state, owner()]).toEqual([[], "playing", "player"]);
  });

  it("says so where it could not be stopped, and stays", async () => {
    refusals = [tooMany({ ...LIVING_ROOM, session_id: "gone" })];
    await watch();
    tap("ok");
    await pass(500);
    expect(document.querySelector(".play-streams-failed")?.textContent).toContain("could not be stopped");
    expect(rows()).toHaveLength(1);
    tap("back");
    expect(log).toEqual(["stop gone", "close"]);
  });

  it("asks a child's screen for the PIN before a parent's film is stopped, and lets it be where none is given", async () => {
    const parents = { ...LIVING_ROOM, session_id: "parents" };
    refusals = [tooMany(parents)];
    pins = [null, "the right one"];
    await watch();
    tap("ok");
    await pass(500);
    expect([log, rows().length]).toEqual([["stop parents"], 1]);
    expect(document.querySelector(".play-streams-failed")).toBeNull();
    tap("ok");
    await pass(500);
    expect(log).toEqual(["stop parents", "stop parents", "stop parents by the right one"]);
    expect([rows(), ports.at(-1)?.state]).toEqual([[], "playing"]);
  });

  it("tries again by its button, and is told anew who watches", async () => {
    refusals = [tooMany(LIVING_ROOM), tooMany(PHONE)];
    await watch();
    tap("down", "ok");
    await pass(500);
    expect(rows()).toHaveLength(1);
    expect(rows()[0]).toContain("A browser or a phone");
  });

  it("asks anew where a film that was prepared finds no place, and names the others then", async () => {
    heard = { stop: "streams" };
    refusals = [null, tooMany(LIVING_ROOM)];
    await watch();
    await pass(500);
    expect(rows()[0]).toContain("Living room");
  });

  it("tells the one that was stopped why, and goes on by Try again", async () => {
    heard = { stop: "other_screen" };
    await watch();
    await pass(500);
    expect(document.querySelector(".play-trouble")?.textContent).toContain("from another screen");
    heard = { stop: null };
    tap("ok");
    await pass(500);
    expect([document.querySelector(".play-trouble"), ports.at(-1)?.state]).toEqual([null, "playing"]);
  });
});
