// Skip the intro; the next episode. The card of the next episode counts down while the film runs, and waits while it does not.

import { createEffect, createSignal, type JSX, on, onCleanup, Show } from "solid-js";
import type { Words } from "../../base/i18n";
import { useZone } from "../../focus/solid";
import { COUNTDOWN_MS, type Offer } from "../../player/offers";
import { episodeLine } from "./panels";
import { say } from "./words";

export interface OfferProps {
  words: Words;
  offer: Offer | null;
  /** Whether the countdown runs. */
  running: boolean;
  raised: boolean;
  onAccept(offer: Offer): void;
  onRefuse(offer: Offer): void;
}

const TICK_MS = 100;

export function OfferCard(props: OfferProps): JSX.Element {
  const zone = useZone({
    id: "offer",
    shape: { kind: "row" },
    count: () => (props.offer === null ? 0 : props.offer.kind === "next" ? 2 : 1),
    entry: "first",
    onPress: (index) => {
      if (!props.offer) return;
      if (index === 0) props.onAccept(props.offer);
      else props.onRefuse(props.offer);
    },
  });
  const [leftMs, setLeft] = createSignal(COUNTDOWN_MS);
  createEffect(
    on(
      () => props.offer?.kind,
      () => setLeft(COUNTDOWN_MS),
    ),
  );
  const timer = setInterval(() => {
    if (props.offer?.kind !== "next" || !props.running) return;
    if (setLeft((now) => Math.max(0, now - TICK_MS)) > 0) return;
    // Once: the router takes its time, and the next episode must not be opened twice.
    clearInterval(timer);
    props.onAccept(props.offer);
  }, TICK_MS);
  onCleanup(() => clearInterval(timer));

  return (
    <div class="play-offer" classList={{ "play-offer-raised": props.raised }}>
      <Show when={props.offer?.kind === "skip" && props.offer}>
        {(offer) => (
          <button type="button" class="play-pill play-pill-strong" {...zone.item(0)}>
            {say(props.words.language, offer().what === "intro" ? "skipIntro" : "skipRecap")}
          </button>
        )}
      </Show>
      <Show when={props.offer?.kind === "next" && props.offer}>
        {(offer) => (
          <div class="play-next">
            <Show when={offer().title.artwork}>{(art) => <img class="play-next-picture" src={art().tile} alt="" />}</Show>
            <div class="play-next-words">
              <p class="play-eyebrow" role="status">
                {say(props.words.language, "nextIn", { n: Math.ceil(leftMs() / 1000) })}
              </p>
              <p class="play-next-name" dir="auto">
                {episodeLine(offer().title, props.words) ?? offer().title.name}
              </p>
              <div class="play-next-buttons">
                <button type="button" class="play-pill play-pill-strong" {...zone.item(0)}>
                  <span class="play-pill-fill" style={{ transform: `scaleX(${1 - leftMs() / COUNTDOWN_MS})` }} />
                  <span class="play-pill-text">{say(props.words.language, "next")}</span>
                </button>
                <button type="button" class="play-pill" {...zone.item(1)}>
                  {say(props.words.language, "watchCredits")}
                </button>
              </div>
            </div>
          </div>
        )}
      </Show>
    </div>
  );
}
