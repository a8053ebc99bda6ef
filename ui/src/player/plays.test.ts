import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../api/errors";
import type { HeartbeatAnswer } from "../api/types";
import { fakePlayback, FakePort } from "./fake_port";
import { createPlays, type Plays } from "./plays";
import { PlayerFailure } from "./port";
import { REST_MS } from "./predict";

let sent: string[] = [];
let screens: FakePort[] = [];
let failures: (PlayerFailure | null)[] = [];
let refusal: Error | null = null;
let stop: string | null = null;
let serverUp = true;
let signedIn = true;
let plays: Plays;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  [sent, screens, failures, refusal, stop, serverUp, signedIn] = [[], [], [], null, null, true, true];
  plays = createPlays({
    profileId: () => "p1",
    createPlayer: () => {
      const screen = new FakePort(failures.shift() ?? null);
      screens.push(screen);
      return Promise.resolve(screen);
    },
    reports: {
      post: (_, body) => {
        for (const line of body.split("\n")) {
          const said = (key: string) => new RegExp(`(?:^|,)${key}=([^,]*)`).exec(line)?.[1];
          sent.push(`report ${said("e")}:${said("sta")}${said("msd") ? ` msd=${said("msd")}` : ""}${said("ec") ? ` ${said("ec")}` : ""}`);
        }
        return Promise.resolve(true);
      },
      beacon: () => true,
    },
    client: {
      playback: (titleId, profileId, options) => {
        sent.push(`playback ${titleId} ${profileId}${options?.prepares ? " prepared" : ""}`);
        return refusal ? Promise.reject(refusal) : Promise.resolve(fakePlayback(titleId, `session-${titleId}`));
      },
      heartbeat: (session, beat) => {
        sent.push(`beat ${session} ${beat.sequence} ${beat.state} ${beat.position_ms}`);
        const answer: HeartbeatAnswer = { manifests: { hls: "", dash: `https://edge/s/T${beat.sequence + 1}/p/m.mpd` }, token: "t", token_expires_at: "", position_ms: 0, stop };
        if (!signedIn) return Promise.reject(new ApiError(401, { type: "", title: "", status: 401, code: "not_signed_in" }));
        return serverUp ? Promise.resolve(answer) : Promise.reject(new Error("away"));
      },
      stopPlayback: (session) => {
        sent.push(`stop ${session}`);
        return Promise.resolve();
      },
      endPlayback: (session, sequence, position) => {
        sent.push(`end ${session} ${sequence} ${position}`);
        return Promise.resolve();
      },
    },
  });
});
afterEach(() => vi.useRealTimers());
const settle = () => vi.advanceTimersByTimeAsync(0);

describe("a play", () => {
  it("is asked for on OK, begins at the resume position, and ends with its last position", async () => {
    const play = await plays.open("a");
    await play.start(false);
    await settle();
    screens[0]!.positionMs = 31_000;
    await play.end();
    await settle();
    expect(sent).toEqual(["playback a p1", "report ps:s", "report ps:p msd=0", "beat session-a 0 playing 20000", "end session-a 1 31000", "report ps:q"]);
    expect(screens[0]!.disposed).toBe(true);
  });

  it("begins anew where the viewer asks for it", async () => {
    const play = await plays.open("a");
    await play.start(true);
    expect(screens[0]!.positionMs).toBe(0);
    await play.end();
  });

  it("goes on when heartbeats fail, and takes fresh addresses when they come", async () => {
    serverUp = false;
    const play = await plays.open("a");
    await play.start(false);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(screens[0]!.state).toBe("playing");
    expect(screens[0]!.renewed).toEqual([]);
    serverUp = true;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(screens[0]!.renewed).toHaveLength(1);
    await play.end();
  });

  it("tells why the server ends it", async () => {
    stop = "stream_limit";
    const play = await plays.open("a");
    const reasons: string[] = [];
    play.onStop((reason) => reasons.push(reason));
    await play.start(false);
    await settle();
    expect(reasons[0]).toBe("stream_limit");
    await play.end();
  });

  it("stops where its screen was signed out elsewhere, says so also to who asks later, and tells the server nothing more", async () => {
    const play = await plays.open("a");
    const reasons: string[] = [];
    play.onStop((reason) => reasons.push(reason));
    await play.start(false);
    await settle();
    signedIn = false;
    await vi.advanceTimersByTimeAsync(10_000);
    expect([screens[0]!.state, reasons]).toEqual(["paused", ["signed_out"]]);
    play.onStop((reason) => reasons.push(`late ${reason}`));
    expect(reasons).toEqual(["signed_out", "late signed_out"]);
    const before = sent.length;
    await vi.advanceTimersByTimeAsync(30_000);
    await play.end();
    await settle();
    expect(sent.slice(before).filter((line) => !line.startsWith("report"))).toEqual([]);
  });

  it("asks for a fresh token at once when an edge refuses the old one", async () => {
    const play = await plays.open("a");
    await play.start(false);
    await vi.advanceTimersByTimeAsync(1_000);
    const before = sent.filter((line) => line.startsWith("beat")).length;
    screens[0]!.events.emit("stale", null);
    expect(sent.filter((line) => line.startsWith("beat"))).toHaveLength(before + 1);
    await play.end();
  });

  it("reports a film that cannot be loaded, once, and ends", async () => {
    failures = [new PlayerFailure("media", "3016")];
    await expect(plays.open("a")).rejects.toMatchObject({ code: "media" });
    await settle();
    expect(sent.filter((line) => line.startsWith("report"))).toEqual(["report ps:s", 'report e:s ("media" "3016")', "report ps:f"]);
    expect(screens[0]!.disposed).toBe(true);
  });

  it("passes the server's refusal on, and leaves no player behind", async () => {
    refusal = new ApiError(409, { type: "", title: "", status: 409, code: "stream_limit" });
    await expect(plays.open("a")).rejects.toBe(refusal);
    expect(screens.every((screen) => screen.disposed)).toBe(true);
    expect(sent).toEqual(["playback a p1"]);
  });
});

describe("a predicted start", () => {
  it("sends nothing before OK, and counts its delay from OK", async () => {
    plays.predictor.hint("a");
    await vi.advanceTimersByTimeAsync(REST_MS + 9_000);
    expect(sent).toEqual(["playback a p1 prepared"]);
    expect(screens[0]!.state).toBe("ready");
    const play = await plays.open("a");
    vi.setSystemTime(Date.now() + 83);
    await play.start(false);
    await settle();
    expect(sent).toContain("report ps:p msd=83");
    expect(screens).toHaveLength(1);
    await play.end();
  });

  it("goes by the token that its first heartbeat brings, in thumbnails and reports too", async () => {
    plays.predictor.hint("a");
    await vi.advanceTimersByTimeAsync(REST_MS);
    const play = await plays.open("a");
    const { thumbnails } = fakePlayback("a", "s");
    const before = play.playback.thumbnails?.url_template;
    expect(before).toBe(thumbnails?.url_template);
    await play.start(false);
    await settle();
    expect(play.playback.events.url).toBe("https://web.example/cmcd/t");
    expect(play.playback.thumbnails?.url_template).toContain("https://edge/s/T1/");
    expect(play.playback.thumbnails?.url_template).not.toBe(before);
    await play.end();
  });

  it("leaves no trace when it is thrown away", async () => {
    plays.predictor.hint("a");
    await vi.advanceTimersByTimeAsync(REST_MS);
    plays.predictor.cancel();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent).toEqual(["playback a p1 prepared"]);
    expect(screens[0]!.disposed).toBe(true);
  });

  it("asks again on OK when the prediction failed", async () => {
    failures = [new PlayerFailure("network", "1002")];
    plays.predictor.hint("a");
    await vi.advanceTimersByTimeAsync(REST_MS);
    const play = await plays.open("a");
    expect(play.port.state).toBe("ready");
    expect(sent.filter((line) => line.startsWith("report"))).not.toContain('report e:s ("network" "1002")');
    await play.end();
  });

  it("begins over whatever is on the screen, before the player's screen has come, and is handed to it", async () => {
    expect(plays.begin("a")).toBe(false);
    plays.predictor.hint("a");
    await vi.advanceTimersByTimeAsync(REST_MS);
    expect(plays.begin("a")).toBe(true);
    expect([screens[0]!.state, screens[0]!.element.parentElement]).toEqual(["playing", document.body]);
    const play = await plays.open("a");
    await play.start(false);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(play.port).toBe(screens[0]);
    expect(sent.filter((line) => line.startsWith("report"))).toEqual(["report ps:s", "report ps:p msd=0"]);
    await play.end();
  });

  it("that began and that no screen took is ended", async () => {
    plays.predictor.hint("a");
    await vi.advanceTimersByTimeAsync(REST_MS);
    plays.begin("a");
    await vi.advanceTimersByTimeAsync(6_000);
    expect(screens[0]!.disposed).toBe(true);
    expect(sent.at(-1)).toBe("report ps:q");
  });
});
