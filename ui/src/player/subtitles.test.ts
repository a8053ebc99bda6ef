import { describe, expect, it } from "vitest";
import { CueStore, keepSpaces, readCue, type Cue, type ParsedCue } from "./subtitles";

const parsed = (more: Partial<ParsedCue>): ParsedCue => ({
  startTime: 1,
  endTime: 2.5,
  payload: "",
  nestedCues: [],
  lineBreak: false,
  fontStyle: "normal",
  fontWeight: 400,
  textDecoration: [],
  textAlign: "center",
  displayAlign: "after",
  line: null,
  lineInterpretation: 0,
  ...more,
});
const cue = (startMs: number, endMs: number, text: string): Cue => ({
  startMs,
  endMs,
  subtitle: { lines: [[{ text, italic: false, bold: false, underline: false }]], region: "bottom", align: "center" },
});
const texts = (store: CueStore, at: number) => store.at(at).map((one) => one.lines[0]?.[0]?.text);

describe("a parsed cue", () => {
  it("keeps lines and the styles of their parts", () => {
    const read = readCue(
      parsed({
        nestedCues: [
          parsed({ payload: "- Qui est là ?" }),
          parsed({ lineBreak: true }),
          parsed({ payload: "- ", fontStyle: "italic" }),
          parsed({ fontStyle: "italic", nestedCues: [parsed({ payload: "Personne.", fontWeight: 700 })] }),
        ],
      }),
    );
    expect(read?.startMs).toBe(1000);
    expect(read?.endMs).toBe(2500);
    expect(read?.subtitle.lines).toEqual([
      [{ text: "- Qui est là ?", italic: false, bold: false, underline: false }],
      [
        { text: "- ", italic: true, bold: false, underline: false },
        { text: "Personne.", italic: true, bold: true, underline: false },
      ],
    ]);
  });

  it("reads lines out of one payload, and nothing out of blanks", () => {
    expect(readCue(parsed({ payload: "one\n\ntwo" }))?.subtitle.lines.map((line) => line[0]?.text)).toEqual(["one", "two"]);
    expect(readCue(parsed({ payload: " \n " }))).toBeNull();
  });

  it.each([
    ["no line said", {}, "bottom"],
    ["10 % from the top", { line: 10, lineInterpretation: 1 }, "top"],
    ["85 % from the top", { line: 85, lineInterpretation: 1 }, "bottom"],
    ["the first line", { line: 0 }, "top"],
    ["the last line", { line: -1 }, "bottom"],
  ] as const)("stands where its author put it: %s", (_, more, region) =>
    expect(readCue(parsed({ payload: "x", ...more }))?.subtitle.region).toBe(region),
  );
});

describe("a WebVTT file", () => {
  it("keeps the space between two styled words, and nothing else changes", () => {
    const timing = "00:01.000 --> 00:02.000 line:10%";
    expect(keepSpaces(`${timing}\n<i>Un dragon ?</i> <b>Vraiment ?</b>\n- a <i>b</i> c`)).toBe(
      `${timing}\n<i>Un dragon ?</i>&nbsp;<b>Vraiment ?</b>\n- a <i>b</i> c`,
    );
  });
});

describe("CueStore", () => {
  it("shows a cue from its start up to its end, and says when to look again", () => {
    const store = new CueStore();
    store.append([cue(3000, 5000, "b"), cue(1000, 4000, "a")]);
    expect([999, 1000, 3000, 3999, 4000, 5000].map((at) => texts(store, at))).toEqual([[], ["a"], ["a", "b"], ["a", "b"], ["b"], []]);
    expect([0, 1000, 3000, 4000, 5000].map((at) => store.nextChange(at))).toEqual([1000, 3000, 4000, 5000, null]);
  });

  it("shows a line once when its segment is read twice", () => {
    const store = new CueStore();
    store.append([cue(0, 1000, "a")]);
    store.append([cue(0, 1000, "a"), cue(0, 1000, "other speaker")]);
    expect(texts(store, 500)).toEqual(["a", "other speaker"]);
  });

  it("forgets what it is told to, and nothing else", () => {
    const store = new CueStore();
    store.append([cue(0, 1000, "a"), cue(1000, 2000, "b"), cue(2000, 3000, "c")]);
    store.remove(1000, 2000);
    expect([500, 1500, 2500].map((at) => texts(store, at))).toEqual([["a"], [], ["c"]]);
  });
});
