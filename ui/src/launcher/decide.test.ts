import { describe, expect, it } from "vitest";
import { beginning, choose, isGivenUp, type Memory, NOTHING, type Release, remembered, retryAfterMs, stood, untold } from "./decide";

const release = (version: string): Release => ({ version, entry: `/ui/${version}/m.js`, integrity: "sha384-x", styles: [] });
const [one, two] = [release("one"), release("two")];
const begun = (times: number, of: Release, memory: Memory): Memory => (times === 0 ? memory : begun(times - 1, of, beginning(memory, of)));

describe("which release starts", () => {
  const withOne = stood(NOTHING, one);
  it.each([
    ["a new box", NOTHING, "two"],
    ["a release that never ran here", withOne, "two"],
    ["one that failed once", begun(1, two, withOne), "two"],
    ["one that failed twice: back to the last good one", begun(2, two, withOne), "one"],
    ["one that failed often, with nothing to go back to", begun(5, two, NOTHING), "two"],
    ["neither stands any more", begun(2, one, begun(2, two, withOne)), "two"],
    ["the last good one is the assigned one", begun(2, two, stood(NOTHING, two)), "two"],
    ["it stood at last", stood(begun(2, two, withOne), two), "two"],
    ["two starts that told nothing", untold(untold(begun(2, two, withOne), two), two), "two"],
  ])("%s", (_, memory, version) => expect(choose(two, memory).version).toBe(version));

  it("is tried again when it changed, or when the service says so", () => {
    const memory = begun(2, two, withOne);
    const [three, again] = [release("three"), { ...two, attempt: 1 }];
    expect(choose(three, memory).version).toBe("three");
    expect(choose(again, memory)).toEqual(again);
    expect(choose(again, begun(2, again, memory)).version).toBe("one");
    expect(choose({ ...two, attempt: 0 }, memory).version).toBe("one");
  });

  it.each([
    ["the first failure", 1, false],
    ["the second: it is given up", 2, true],
    ["tried on, with nothing to go back to", 3, false],
  ])("is told of: %s", (_, times, told) => expect(isGivenUp(two, begun(times, two, withOne))).toBe(told));

  it("a start that stood wipes only its own failures", () => {
    const memory = stood(begun(2, two, begun(1, one, NOTHING)), one);
    expect(memory.failures).toEqual([["two", 2]]);
    expect(memory.good).toEqual(one);
  });

  it("remembers a bounded number of failing releases", () => {
    const memory = Array.from({ length: 30 }, (_, n) => release(`r${n}`)).reduce<Memory>(beginning, NOTHING);
    expect(memory.failures).toHaveLength(8);
    expect(memory.failures.at(-1)).toEqual(["r29", 1]);
  });
});

describe("the memory", () => {
  it.each([
    ["nothing", null],
    ["no JSON", "{"],
    ["another shape", '{"token":7,"good":{"entry":1},"failures":"x"}'],
    ["a word", '"x"'],
  ])("reads %s as empty", (_, text) => expect(remembered(text)).toEqual(NOTHING));
  it("survives being written", () => {
    const memory = stood(begun(1, two, { ...NOTHING, token: "mtb_x" }), one);
    expect(remembered(JSON.stringify(memory))).toEqual(memory);
  });
});

it("waits longer with each try, half a minute at most, and never the same everywhere", () => {
  expect([0, 1, 2, 3, 4, 5, 50].map((attempt) => retryAfterMs(attempt, 1))).toEqual([1000, 2000, 4000, 8000, 15000, 30000, 30000]);
  expect(retryAfterMs(3, 0)).toBe(4000);
});
