// Which tile of which sheet shows a moment. Sheets are tiled JPEGs, made at ingest, numbered from 1 as their files are.

import type { DurationMs, Thumbnails } from "../api/types";

export interface TilePlace {
  /** Which moment's tile, counted from 0 over the whole film. */
  readonly index: number;
  readonly url: string;
  /** Left and top of the tile on its sheet, in the sheet's own pixels. */
  readonly x: number;
  readonly y: number;
}

/** The tile nearest below a moment; the last one beyond the end. */
export function tileIndex(of: Thumbnails, positionMs: DurationMs): number {
  return Math.max(0, Math.min(Math.floor(positionMs / of.interval_ms), of.count - 1));
}

export function tileMoment(of: Thumbnails, index: number): DurationMs {
  return index * of.interval_ms;
}

export function sheetOf(of: Thumbnails, index: number): number {
  return Math.floor(index / (of.columns * of.rows)) + 1;
}

export function sheetUrl(of: Thumbnails, sheet: number): string {
  return of.url_template.replace("{n}", String(sheet));
}

export function tileAt(of: Thumbnails, index: number): TilePlace {
  const onSheet = index % (of.columns * of.rows);
  return {
    index,
    url: sheetUrl(of, sheetOf(of, index)),
    x: (onSheet % of.columns) * of.tile_width,
    y: Math.floor(onSheet / of.columns) * of.tile_height,
  };
}

/** The sheets to fetch for a moment, nearest first: its own, the one after it, the one before. */
export function sheetsAround(of: Thumbnails, positionMs: DurationMs): string[] {
  const sheet = sheetOf(of, tileIndex(of, positionMs));
  const last = sheetOf(of, of.count - 1);
  return [sheet, sheet + 1, sheet - 1].filter((n) => n >= 1 && n <= last).map((n) => sheetUrl(of, n));
}

/**
 * The strip under a seek: so many tiles on either side of the moment, a fixed step apart. Moments before the start or after the
 * end are null, so that the middle one stays in the middle.
 */
export function strip(of: Thumbnails, positionMs: DurationMs, durationMs: DurationMs, eachSide: number, stepMs: DurationMs): (TilePlace | null)[] {
  return Array.from({ length: 2 * eachSide + 1 }, (_, n) => {
    const moment = positionMs + (n - eachSide) * stepMs;
    return moment < 0 || moment > durationMs ? null : tileAt(of, tileIndex(of, moment));
  });
}
