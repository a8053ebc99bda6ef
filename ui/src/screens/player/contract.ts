// What the router needs to know of the player's screen, and nothing more.

import type { Id, Preferences, Tile } from "../../api/types";
import type { Words } from "../../base/i18n";
import type { Plays } from "../../player/plays";

export interface PlayerScreenProps {
  readonly titleId: Id;
  /** Made once by the app with `createPlays`. */
  readonly plays: Plays;
  readonly words: Words;
  /** "tv": a remote alone. "web": pointer, finger or keyboard, and a window that may fill the screen. */
  readonly seat: "tv" | "web";
  /** What is known of the title already, to show while it loads. */
  readonly tile?: Tile | undefined;
  /** From the start, whatever the resume position is. */
  readonly fromStart?: boolean | undefined;
  /** Back at the last level, the end of a film, or a failure that the viewer leaves: the router shows the title's page. */
  onClose(): void;
  /** The home has no plan for this title: the router shows the title's page, which says whom to ask. */
  onNeedsPlan?(): void;
  /** Asks for the household's PIN: what it gave, null where the viewer gave up. */
  askPin?(): Promise<string | null>;
  /** This screen was signed out while it was open: the router leads to where one signs in. */
  onSignIn?(): void;
  /** The next episode, taken by the viewer or by the countdown: the router replaces this play by that one. */
  onNext(titleId: Id): void;
  /** The viewer chose another language: kept for every title. */
  onPreferences?(preferences: Preferences): void;
}
