// What the router needs to know of the player's screen, and nothing more.

import type { Id, UiLanguage } from "../../api/types";
import type { Plays } from "../../player/plays";

export interface PlayerScreenProps {
  readonly titleId: Id;
  /** Made once by the app with `createPlays`. */
  readonly plays: Plays;
  readonly language: UiLanguage;
  /** From the start, whatever the resume position is. */
  readonly fromStart?: boolean;
  /** Back at the last level, the end of a film, or a failure that the viewer leaves: the router shows the title's page. */
  onClose(): void;
  /** The next episode, taken by the viewer or by the countdown: the router replaces this play by that one. */
  onNext(titleId: Id): void;
}
