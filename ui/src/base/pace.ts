// How fast this box is, told by its own keys. A slow one is spared the motion: each thing that slides or grows is a layer of
// its own for as long as it moves, and on a slow box the next key waits for it.

/** From a key to its paint; a viewer who holds an arrow gets a new step each 100 ms. */
export const SLOW_MS = 40;
const KEYS = 7;

export class Pace {
  private readonly last: number[] = [];
  private told = false;

  constructor(private readonly slow: () => void) {}

  /** How long one key took to its paint. The middle of the last few decides, once: a box that was busy for a moment is not slow. */
  note(ms: number): void {
    if (this.told) return;
    this.last.push(ms);
    if (this.last.length > KEYS) this.last.shift();
    const middle = [...this.last].sort((a, b) => a - b)[KEYS >> 1];
    if (this.last.length < KEYS || middle === undefined || middle <= SLOW_MS) return;
    this.told = true;
    this.slow();
  }
}
