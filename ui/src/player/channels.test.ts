import { describe, expect, it } from "vitest";
import { askedOf, oneOfEach } from "./channels";

interface Track {
  name: string;
  active: boolean;
  channelsCount: number | null;
}

const track = (name: string, channelsCount: number | null, active = false): Track => ({ name, channelsCount, active });
const shown = (tracks: Track[], most: number): (number | null)[] =>
  oneOfEach(tracks, (one) => one.name, most).map((one) => one.channelsCount);

describe("sounds that a menu shows", () => {
  const both = [track("fr", 2), track("en", 2), track("fr", 6), track("de", null)];

  it.each([
    [2, [2, 2, null]],
    [6, [6, 2, null]],
    [1, [2, 2, null]],
  ])("are one of each language on a device of %d channels", (most, channels) => {
    expect(shown(both, most)).toEqual(channels);
  });

  it("keep the one that plays", () => {
    expect(shown([track("fr", 2, true), track("fr", 6)], 6)).toEqual([2]);
    expect(shown([track("fr", 6, true), track("fr", 2)], 2)).toEqual([6]);
  });
});

describe("the channels of a device", () => {
  const saying = (maxChannelCount: number): typeof AudioContext =>
    class {
      destination = { maxChannelCount };
      close = (): Promise<void> => Promise.resolve();
    } as unknown as typeof AudioContext;

  it("are what its output says, and two at the least", () => {
    expect(askedOf(saying(8))).toBe(8);
    expect(askedOf(saying(0))).toBe(2);
    expect(askedOf(undefined)).toBe(2);
  });

  it("are two where it refuses to say", () => {
    const refusing = class {
      constructor() {
        throw new Error("too many");
      }
    } as unknown as typeof AudioContext;
    expect(askedOf(refusing)).toBe(2);
  });
});
