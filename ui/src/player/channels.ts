/**
 * Stereo or surround: the device decides, not the viewer. A package holds the same sound in both, under one name, and a menu
 * shows it once.
 */

const STEREO = 2;

let known: number | null = null;

/** How many channels this device plays: what it says of its output, two where it says nothing. Asked once. */
export function channelsHere(): number {
  known ??= askedOf(globalThis.AudioContext);
  return known;
}

export function askedOf(Context: typeof AudioContext | undefined): number {
  if (!Context) return STEREO;
  try {
    const context = new Context();
    const channels = context.destination.maxChannelCount;
    void context.close().catch(() => undefined);
    return Math.max(STEREO, channels);
  } catch {
    return STEREO; // a browser may refuse one more context
  }
}

interface Sound {
  active: boolean;
  channelsCount: number | null;
}

/** One track for each choice of a viewer: the one that plays, else the fullest that a device of `most` channels plays. */
export function oneOfEach<Track extends Sound>(tracks: Track[], id: (track: Track) => string, most: number): Track[] {
  const rank = (track: Track): number => {
    const channels = track.channelsCount ?? STEREO;
    if (track.active) return Number.POSITIVE_INFINITY;
    return channels <= most ? channels : -channels;
  };
  const best = new Map<string, Track>();
  for (const track of tracks) {
    const rival = best.get(id(track));
    if (!rival || rank(track) > rank(rival)) best.set(id(track), track);
  }
  return [...best.values()];
}
