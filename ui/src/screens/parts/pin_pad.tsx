// Four digits, entered by the arrows and OK, by a remote's number keys, by a keyboard or a finger. Back erases, and then closes.

import { batch, createSignal, For, type JSX, onCleanup, onMount, Show } from "solid-js";
import type { MessageKey } from "../../base/messages";
import { Layer, useZone } from "../../focus/solid";
import { useSeat } from "../context";
import { Icon } from "./icons";
import { digitOf, entered, PIN_COLUMNS, PIN_KEYS, PIN_LENGTH, type PinKey } from "./pin";

export interface PinAsked {
  readonly title: string;
  /** Null: it was right, and the pad closes. Else what to say; the pad stays. */
  check(pin: string): Promise<MessageKey | null>;
  /** The title of a second entry (a new PIN is entered twice). */
  readonly again?: string;
  close(): void;
}

export function PinPad(props: { asked: PinAsked }): JSX.Element {
  const seat = useSeat();
  return (
    <div class="pin-frame">
      <Layer
        id="pin"
        label={props.asked.title}
        role="dialog"
        order={["pin-keys"]}
        initial="pin-keys"
        onBack={() => {
          if (pin() === "") props.asked.close();
          else setPin((before) => entered(before, { kind: "erase" }));
          return true;
        }}
        class="pin"
      >
        <h2>{first() === null ? props.asked.title : props.asked.again}</h2>
        <p class="pin-dots" role="status">
          <span class="unseen">{seat.words().t("pin.digits", { n: pin().length })}</span>
          <For each={Array.from({ length: PIN_LENGTH }, (_, at) => at)}>
            {(at) => <span class="pin-dot" classList={{ "pin-dot-full": at < pin().length }} aria-hidden="true" />}
          </For>
        </p>
        <p class="pin-says" role="alert">
          <Show when={says()}>{(key) => seat.words().t(key())}</Show>
        </p>
        <Keys />
      </Layer>
    </div>
  );
}

// One pad is open at a time: what is entered lives here, so that a layer's handlers and its zone see the same.
const [pin, setPin] = createSignal("");
const [first, setFirst] = createSignal<string | null>(null);
const [says, setSays] = createSignal<MessageKey | null>(null);
let checking = false;
let now: PinAsked | null = null;

/** Begin anew with this question. */
export function resetPad(asked: PinAsked | null): void {
  now = asked;
  checking = false;
  batch(() => {
    setPin("");
    setFirst(null);
    setSays(null);
  });
}

function press(key: PinKey): void {
  if (checking || !now) return;
  if (key.kind === "cancel") return now.close();
  const next = entered(pin(), key);
  batch(() => {
    setPin(next);
    if (next.length < PIN_LENGTH) setSays(null);
  });
  if (next.length === PIN_LENGTH) void complete(now, next);
}

async function complete(asked: PinAsked, whole: string): Promise<void> {
  const before = first();
  if (asked.again !== undefined && before === null) {
    batch(() => {
      setFirst(whole);
      setPin("");
    });
    return;
  }
  if (before !== null && before !== whole) return refuse("pin.different");
  checking = true;
  const wrong = await asked.check(whole);
  if (now !== asked) return;
  checking = false;
  if (wrong === null) asked.close();
  else refuse(wrong);
}

function refuse(why: MessageKey): void {
  batch(() => {
    setSays(why);
    setPin("");
    setFirst(null);
  });
}

function Keys(): JSX.Element {
  const { words } = useSeat();
  const zone = useZone({
    id: "pin-keys",
    shape: { kind: "grid", columns: PIN_COLUMNS },
    count: () => PIN_KEYS.length,
    start: 4,
    onPress: (index) => {
      const key = PIN_KEYS[index];
      if (key) press(key);
    },
  });
  onMount(() => {
    const typed = (event: KeyboardEvent): void => {
      const key = event.repeat ? null : digitOf(event.key);
      if (key) press(key);
    };
    window.addEventListener("keydown", typed);
    onCleanup(() => window.removeEventListener("keydown", typed));
  });
  return (
    <div class="pin-keys" role="group" aria-label={words().t("pin.keys")}>
      <For each={PIN_KEYS}>
        {(key, index) => (
          <button
            type="button"
            {...zone.item(index())}
            class="key pin-key"
            aria-label={key.kind === "digit" ? key.digit : words().t(key.kind === "erase" ? "pin.erase" : "pin.cancel")}
          >
            {key.kind === "digit" ? key.digit : <Icon name={key.kind === "erase" ? "erase" : "clear"} />}
          </button>
        )}
      </For>
    </div>
  );
}
