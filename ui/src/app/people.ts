// Who is shown on this screen, and what the household's PIN has opened here. An unlock is kept in memory alone: a screen that
// starts anew asks anew.

import { batch, createEffect, createSignal } from "solid-js";
import type { Client } from "../api/client";
import { ApiError, NetworkError } from "../api/errors";
import type { Id, Me, Profile } from "../api/types";
import type { Words } from "../base/i18n";
import type { MessageKey } from "../base/messages";
import type { Live } from "../screens/live";
import { type PinAsked, resetPad } from "../screens/parts/pin_pad";

export interface PeoplePorts {
  readonly me: Live<Me>;
  readonly client: Client;
  words(): Words;
  /** The profile that was chosen on this device before. */
  readonly chosen: Id | null;
  keep(id: Id): void;
}

export function createPeople(ports: PeoplePorts) {
  const { me, client } = ports;
  const [chosenId, setChosenId] = createSignal(ports.chosen);
  const [unlocks, setUnlocks] = createSignal<Readonly<Record<Id, string>>>({});
  const [pinAsked, setPinAsked] = createSignal<PinAsked | null>(null);
  // What the last choice came to, until the household is told anew: undefined is "as it says".
  const [kept, setKept] = createSignal<Id | null | undefined>(undefined);

  const profiles = (): readonly Profile[] => me.value()?.profiles ?? [];
  const keptId = (): Id | null => (kept() === undefined ? (me.value()?.kept_on ?? null) : (kept() ?? null));
  const wanted = (): Profile | undefined => {
    const id = keptId() ?? chosenId();
    return profiles().find((one) => one.id === id) ?? (profiles().length === 1 ? profiles()[0] : undefined);
  };
  const shown = (): Profile | undefined => wanted() ?? profiles()[0];
  const mustChoose = (): boolean => {
    const one = wanted();
    if (!one) return profiles().length > 1;
    return one.asks_pin && !unlocks()[one.id];
  };

  // A kids' profile that was chosen here before the server kept it (or by an older release) is kept from now on.
  let told: Id | null = null;
  createEffect(() => {
    const one = wanted();
    if (!one?.kids || one.id === keptId() || one.id === told) return;
    told = one.id;
    void client.chooseProfile(one.id, "").then(
      () => me.refresh(),
      () => (told = null),
    );
  });

  function ask<T>(title: string, again: string | undefined, check: (pin: string) => Promise<T>): Promise<T | null> {
    return new Promise((resolve) => {
      let found: T | null = null;
      const asked: PinAsked = {
        title,
        ...(again === undefined ? {} : { again }),
        check: async (pin) => {
          try {
            found = await check(pin);
            return null;
          } catch (error) {
            return whyNot(error);
          }
        },
        close: () => {
          resetPad(null);
          setPinAsked(null);
          resolve(found);
        },
      };
      resetPad(asked);
      setPinAsked(asked);
    });
  }

  function askPin(profile: Profile | null): Promise<string | null> {
    const title = profile ? ports.words().t("pin.open", { name: profile.name }) : ports.words().t("pin.change");
    return ask(title, undefined, async (pin) => (await client.tryPin(pin, profile?.id ?? null)).unlock);
  }

  async function newPin(): Promise<boolean> {
    const unlock = me.value()?.has_pin ? await askPin(null) : "";
    if (unlock === null) return false;
    const { t } = ports.words();
    const done = await ask(t("pin.choose"), t("pin.again"), async (pin) => {
      await client.setPin(pin, unlock);
      // Whoever set it just now is not asked for it again in the profile that is open.
      const here = shown()?.id;
      const opened = here === undefined ? null : await client.tryPin(pin, here).catch(() => null);
      if (here !== undefined && opened) setUnlocks((all) => ({ ...all, [here]: opened.unlock }));
      return true;
    });
    if (done) me.refresh();
    return done ?? false;
  }

  async function choose(id: Id): Promise<boolean> {
    const one = profiles().find((profile) => profile.id === id);
    if (!one) return false;
    let unlock = unlocks()[id] ?? "";
    if (one.asks_pin && !unlock) unlock = (await askPin(one)) ?? "";
    if (one.asks_pin && !unlock) return false;
    try {
      await client.chooseProfile(id, unlock);
    } catch (error) {
      if (!(error instanceof NetworkError)) {
        lock(id);
        return false;
      }
      // It is shown here all the same: without a network there is little to see, and the server is told at the next start.
    }
    ports.keep(id);
    batch(() => {
      if (unlock) setUnlocks((all) => ({ ...all, [id]: unlock }));
      setKept(one.kids ? id : null);
      setChosenId(id);
    });
    me.refresh();
    return true;
  }

  /** What the PIN gave for a profile has ended: it is asked again, by choosing. */
  function lock(id: Id | undefined): void {
    if (id === undefined) return;
    setUnlocks(({ [id]: _, ...rest }) => rest);
    me.refresh();
  }

  return { shown, mustChoose, unlocks, pinAsked, askPin, newPin, choose, lock };
}

export function whyNot(error: unknown): MessageKey {
  if (error instanceof ApiError && error.code === "pin_wrong") return "pin.wrong";
  return error instanceof ApiError && error.status === 429 ? "pin.tooOften" : "pin.failed";
}
