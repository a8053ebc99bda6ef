import { describe, expect, it } from "vitest";
import type { Action, Press } from "../../base/actions";
import { intentOf, type Place } from "./keys";

const down = (action: Action, repeat = false): Press => ({ action, phase: "down", repeat, heldMs: 0 });
const said = (action: Action, place: Place, bar = place !== "film", offer = false, repeat = false) => {
  const intent = intentOf(down(action, repeat), place, bar, offer);
  return intent === null ? "focus" : intent.kind === "seek" ? `seek ${intent.direction}` : intent.kind;
};

describe("what a key means", () => {
  const table: [Action, Record<Place, string>][] = [
    ["left", { film: "seek -1", seek: "seek -1", buttons: "focus", skip: "seek -1", next: "focus" }],
    ["right", { film: "seek 1", seek: "seek 1", buttons: "focus", skip: "seek 1", next: "focus" }],
    ["ok", { film: "toggle", seek: "toggle", buttons: "focus", skip: "focus", next: "focus" }],
    ["up", { film: "info", seek: "info", buttons: "focus", skip: "info", next: "info" }],
    ["down", { film: "options", seek: "focus", buttons: "focus", skip: "focus", next: "focus" }],
    ["back", { film: "focus", seek: "focus", buttons: "focus", skip: "focus", next: "focus" }],
    ["play", { film: "play", seek: "play", buttons: "play", skip: "play", next: "play" }],
    ["pause", { film: "pause", seek: "pause", buttons: "pause", skip: "pause", next: "pause" }],
    ["playPause", { film: "toggle", seek: "toggle", buttons: "toggle", skip: "toggle", next: "toggle" }],
    ["stop", { film: "leave", seek: "leave", buttons: "leave", skip: "leave", next: "leave" }],
    ["forward", { film: "seek 1", seek: "seek 1", buttons: "seek 1", skip: "seek 1", next: "seek 1" }],
    ["rewind", { film: "seek -1", seek: "seek -1", buttons: "seek -1", skip: "seek -1", next: "seek -1" }],
    ["subtitles", { film: "tracks", seek: "tracks", buttons: "tracks", skip: "tracks", next: "tracks" }],
    ["red", { film: "focus", seek: "focus", buttons: "focus", skip: "focus", next: "focus" }],
  ];
  it.each(table)("%s", (action, places) => {
    for (const [place, intent] of Object.entries(places)) expect(`${place}: ${said(action, place as Place)}`).toBe(`${place}: ${intent}`);
  });

  it("reaches an offer above the seek bar with up", () => expect(said("up", "seek", true, true)).toBe("focus"));
  it("shows the options under an offer when the bar is hidden", () => {
    expect(said("down", "skip", false)).toBe("options");
    expect(said("down", "next", false)).toBe("options");
  });
  it("acts once for a held OK, and goes on for a held arrow", () => {
    expect(said("ok", "film", false, false, true)).toBe("nothing");
    expect(said("ok", "skip", false, false, true)).toBe("nothing");
    expect(said("playPause", "buttons", true, false, true)).toBe("nothing");
    expect(said("right", "film", false, false, true)).toBe("seek 1");
  });
  it("ends a seek when the key comes up", () => {
    expect(intentOf({ action: "right", phase: "up", repeat: false, heldMs: 900 }, "seek", true, false)?.kind).toBe("release");
    expect(intentOf({ action: "forward", phase: "up", repeat: false, heldMs: 900 }, "buttons", true, false)?.kind).toBe("release");
    expect(intentOf({ action: "right", phase: "up", repeat: false, heldMs: 900 }, "buttons", true, false)).toBeNull();
  });
});
