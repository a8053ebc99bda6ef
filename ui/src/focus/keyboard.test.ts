import { beforeEach, describe, expect, it } from "vitest";
import type { Action, Press } from "../base/actions";
import { belongsToText, Keyboard, LONG_PRESS_MS, REPEAT_EVERY_MS } from "./keyboard";

const CODES: Record<number, Action> = { 13: "ok", 37: "left", 38: "up", 39: "right", 40: "down" };

function event(keyCode: number, timeStamp: number, more: Record<string, unknown> = {}): KeyboardEvent {
  const prevented = { count: 0 };
  return {
    key: "",
    keyCode,
    timeStamp,
    repeat: false,
    target: null,
    preventDefault: () => (prevented.count += 1),
    prevented,
    ...more,
  } as unknown as KeyboardEvent;
}

describe("the keyboard", () => {
  let presses: string[];
  let painted: (() => void)[];
  let timers: (() => void)[];
  let longs: number;
  let long: boolean;
  let keyboard: Keyboard;

  beforeEach(() => {
    presses = [];
    painted = [];
    timers = [];
    longs = 0;
    long = false;
    const name = (press: Press): string => `${press.action} ${press.phase}${press.repeat ? " again" : ""}`;
    keyboard = new Keyboard(
      { actionOf: (one) => CODES[one.keyCode] ?? null },
      {
        press: (press) => presses.push(name(press)) > 0,
        hasLongPress: () => long,
        longPress: () => (longs += 1),
        afterPaint: (callback) => painted.push(callback),
        setTimer: (callback, ms) => {
          expect(ms).toBe(LONG_PRESS_MS);
          return timers.push(callback);
        },
        clearTimer: (timer) => void (timers[timer - 1] = () => undefined),
      },
    );
  });

  it("acts when the key goes down", () => {
    keyboard.down(event(13, 0));
    expect(presses).toEqual(["ok down"]);
  });

  it("makes one move per paint and no more than ten a second while an arrow is held", () => {
    keyboard.down(event(39, 0));
    keyboard.down(event(39, REPEAT_EVERY_MS + 1, { repeat: true }));
    expect(presses).toEqual(["right down"]);
    painted.splice(0).forEach((done) => done());
    keyboard.down(event(39, REPEAT_EVERY_MS - 1, { repeat: true }));
    expect(presses).toEqual(["right down"]);
    keyboard.down(event(39, REPEAT_EVERY_MS + 2, { repeat: true }));
    expect(presses).toEqual(["right down", "right down again"]);
  });

  it("never drops a key that was pressed anew", () => {
    for (let at = 0; at < 5; at += 1) {
      keyboard.down(event(40, at));
      keyboard.up(event(40, at));
    }
    expect(presses.filter((press) => press === "down down")).toHaveLength(5);
  });

  it("knows a held key also where the browser does not say that it repeats", () => {
    keyboard.down(event(37, 0));
    keyboard.down(event(37, 10));
    expect(presses).toEqual(["left down"]);
  });

  it("presses at key-up, or long presses after half a second, where a long press is possible", () => {
    long = true;
    keyboard.down(event(13, 0));
    expect(presses).toEqual([]);
    keyboard.up(event(13, 120));
    expect(presses).toEqual(["ok down", "ok up"]);
    keyboard.down(event(13, 1000));
    timers[timers.length - 1]?.();
    keyboard.up(event(13, 1700));
    expect(longs).toBe(1);
    expect(presses).toEqual(["ok down", "ok up", "ok up"]);
  });

  it("leaves the browser its own shortcuts", () => {
    keyboard.down(event(37, 0, { altKey: true }));
    expect(presses).toEqual([]);
  });

  it.each([
    ["a letter is the field's", { key: "k" }, true],
    ["erasing is the field's", { key: "Backspace" }, true],
    ["up leaves it", { key: "ArrowUp" }, false],
    ["Escape leaves it", { key: "Escape" }, false],
    ["left at its start leaves it", { key: "ArrowLeft" }, false],
  ])("in a text field: %s", (_, keyOf, expected) => {
    const target = document.createElement("input");
    target.type = "search";
    expect(belongsToText({ keyCode: 0, ...keyOf, target } as unknown as KeyboardEvent)).toBe(expected);
  });
});
