// The subtitles of a moment. Whoever plays hands over cues as it reads them; this keeps them, says which ones show, and when
// to look again, so that a line comes and goes on time without asking sixty times a second.

import type { DurationMs } from "../api/types";
import type { Subtitle, SubtitleRun } from "./port";

export interface Cue {
  readonly startMs: DurationMs;
  readonly endMs: DurationMs;
  readonly subtitle: Subtitle;
}

export class CueStore {
  private cues: Cue[] = [];

  /** Cues that are there already (a segment read again after a seek) are not added twice. */
  append(cues: readonly Cue[]): void {
    const known = new Set(this.cues.map(identity));
    this.cues = [...this.cues, ...cues.filter((cue) => cue.endMs > cue.startMs && !known.has(identity(cue)))].sort(
      (a, b) => a.startMs - b.startMs || a.endMs - b.endMs,
    );
  }

  /** Forget the cues that touch a stretch of the film. */
  remove(startMs: DurationMs, endMs: DurationMs): void {
    this.cues = this.cues.filter((cue) => cue.startMs >= endMs || cue.endMs <= startMs);
  }

  at(positionMs: DurationMs): Subtitle[] {
    return this.cues.filter((cue) => cue.startMs <= positionMs && positionMs < cue.endMs).map((cue) => cue.subtitle);
  }

  /** The next moment at which `at` answers something else; null when there is none. */
  nextChange(positionMs: DurationMs): DurationMs | null {
    let next = Number.POSITIVE_INFINITY;
    for (const { startMs, endMs } of this.cues) {
      if (startMs > positionMs) next = Math.min(next, startMs);
      if (endMs > positionMs) next = Math.min(next, endMs);
    }
    return Number.isFinite(next) ? next : null;
  }
}

function identity(cue: Cue): string {
  return `${cue.startMs} ${cue.endMs} ${cue.subtitle.lines.map((line) => line.map((run) => run.text).join("")).join("\n")}`;
}

/** The parts of a parsed cue that we show; Shaka's cues have this shape, and so may another parser's. */
export interface ParsedCue {
  readonly startTime: number;
  readonly endTime: number;
  readonly payload: string;
  readonly nestedCues: readonly ParsedCue[];
  readonly lineBreak: boolean;
  readonly fontStyle: string;
  readonly fontWeight: number | string;
  readonly textDecoration: readonly string[];
  readonly textAlign: string;
  readonly displayAlign: string;
  readonly line: number | null;
  /** 0: `line` counts lines, from the bottom when negative; 1: it is a percentage. */
  readonly lineInterpretation: number;
  readonly isContainer?: boolean;
}

type Style = Omit<SubtitleRun, "text">;
const PLAIN: Style = { italic: false, bold: false, underline: false };
/** Above this share of the height, a cue was put at the top on purpose. */
const TOP_PERCENT = 40;
const TOP_LINES = 5;

/** A parsed cue and all that is nested in it, as what we show. Null: it says nothing. */
export function readCue(cue: ParsedCue): Cue | null {
  const lines: SubtitleRun[][] = [[]];
  collect(cue, PLAIN, lines);
  const said = lines.map((line) => line.filter((run) => run.text !== "")).filter((line) => line.some((run) => run.text.trim() !== ""));
  if (said.length === 0) return null;
  return {
    startMs: Math.round(cue.startTime * 1000),
    endMs: Math.round(cue.endTime * 1000),
    subtitle: { lines: said, region: region(cue), align: align(cue.textAlign) },
  };
}

function collect(cue: ParsedCue, outer: Style, lines: SubtitleRun[][]): void {
  const style: Style = {
    italic: outer.italic || cue.fontStyle === "italic" || cue.fontStyle === "oblique",
    bold: outer.bold || Number(cue.fontWeight) >= 600 || cue.fontWeight === "bold",
    underline: outer.underline || cue.textDecoration.includes("underline"),
  };
  if (cue.lineBreak) lines.push([]);
  cue.payload.split("\n").forEach((text, at) => {
    if (at > 0) lines.push([]);
    if (text !== "") lines[lines.length - 1]?.push({ text, ...style });
  });
  for (const nested of cue.nestedCues) collect(nested, style, lines);
}

function region({ line, lineInterpretation, displayAlign }: ParsedCue): Subtitle["region"] {
  if (displayAlign === "before" && line === null) return "top";
  if (line === null) return "bottom";
  if (lineInterpretation === 1) return line < TOP_PERCENT ? "top" : "bottom";
  return line >= 0 && line < TOP_LINES ? "top" : "bottom";
}

function align(textAlign: string): Subtitle["align"] {
  if (textAlign === "left" || textAlign === "start") return "start";
  return textAlign === "right" || textAlign === "end" ? "end" : "center";
}

/**
 * Shaka's parser drops a space that stands alone between two tags ("<i>one</i> <b>two</b>"): said as an entity, it stays.
 * Takes and returns the text of a WebVTT file.
 */
export function keepSpaces(webVtt: string): string {
  return webVtt.replace(/(<\/[^>]*>)[ \t]+(?=<)/g, "$1&nbsp;");
}
