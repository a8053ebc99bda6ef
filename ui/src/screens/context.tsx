// What every screen is given: who watches, on what, in which language, and the ways to the server and to other screens.

import { type Accessor, createContext, type JSX, useContext } from "solid-js";
import type { Client } from "../api/client";
import type { Announced, Home, Id, Me, Preferences, Profile, Source, Status, Title } from "../api/types";
import type { Language, Words } from "../base/i18n";
import type { Opened } from "../boxes/opener";
import type { Connection } from "./connection";
import type { Live } from "./live";
import type { Nav } from "./nav";

export type KeyboardLayout = "azerty" | "alphabet";

export interface Seat {
  /** "tv": a remote, ten feet away. "web": pointer, finger or keyboard. */
  readonly kind: "tv" | "web";
  /** A phone's width: posters instead of wide pictures, the menu at the bottom. */
  readonly compact: Accessor<boolean>;
  readonly release: string;
  readonly client: Client;
  readonly connection: Connection;
  readonly nav: Nav;
  readonly me: Accessor<Me>;
  readonly profile: Accessor<Profile>;
  readonly words: Accessor<Words>;
  readonly home: Live<Home>;
  readonly status: Accessor<Status | undefined>;
  /** Services that this screen does not have and may be told of. */
  readonly announced: Accessor<readonly Announced[]>;
  /** Title pages by their key, so that going back shows them at once. */
  readonly titles: Map<string, Title>;
  readonly layout: Accessor<KeyboardLayout>;
  setLayout(layout: KeyboardLayout): void;
  setLanguage(language: Language): void;
  /** Opens a profile here, after the PIN where that is asked: whether it was opened. */
  chooseProfile(id: Id): Promise<boolean>;
  /** Asks for the PIN, to open a profile or, with null, to change profiles and the PIN: what it gives, null where it was given up. */
  askPin(profile: Profile | null): Promise<string | null>;
  /** Asks for a new PIN, twice, and sets it. */
  newPin(): Promise<boolean>;
  /** What the PIN gave for a profile; "" where nothing was asked. */
  unlockOf(id: Id): string;
  refreshMe(): void;
  /** Changes the profile here at once, and on the server as soon as it can be reached. */
  setPreferences(preferences: Preferences): void;
  /** Signs this screen out; null where it did not sign in by itself. */
  readonly signOut: Accessor<(() => void) | null>;
  /** The viewer seems about to play this; null: not any more. */
  expectPlay(titleId: Id | null): void;
  /** Whether plans are needed is asked again: Home, and what it tells, with every page that is opened from now on. */
  checkPlans(): void;
  /** Leads to a partner's title, by one of its ways or the first: whether this device has a way there. */
  openElsewhere(titleId: Id, source: Source, way: number | null): Promise<Opened>;
}

const SeatContext = createContext<Seat>();

export function SeatProvider(props: { seat: Seat; children: JSX.Element }): JSX.Element {
  return <SeatContext.Provider value={props.seat}>{props.children}</SeatContext.Provider>;
}

export function useSeat(): Seat {
  const seat = useContext(SeatContext);
  if (!seat) throw new Error("screens: used outside of SeatProvider");
  return seat;
}
