// A voucher is typed: on a television with its own keys, as the search is, elsewhere in a field. What it brought is told at once.

import { createSignal, For, type JSX, onCleanup, onMount, Show } from "solid-js";
import { complaintOf } from "../../api/errors";
import type { Money } from "../../api/types";
import type { MessageKey } from "../../base/messages";
import { Layer, useFocus, useZone } from "../../focus/solid";
import { useSeat } from "../context";
import { Icon } from "../parts/icons";
import { Menu } from "../parts/menu";
import { Notice } from "../parts/notice";
import { codeOf, grouped, VOUCHER_COLUMNS, VOUCHER_LENGTH, VOUCHER_LETTERS } from "./voucher_code";

export default function VoucherScreen(): JSX.Element {
  const seat = useSeat();
  const t = seat.words().t;
  const focus = useFocus();
  const first = seat.kind === "tv" ? "voucher-keys" : "voucher-field";
  const [code, setCode] = createSignal("");
  const [says, setSays] = createSignal<MessageKey | null>(null);
  const [brought, setBrought] = createSignal<{ value: Money; credit: Money } | null>(null);
  const [works, setWorks] = createSignal(false);

  function put(text: string): void {
    setCode(codeOf(text));
    setSays(null);
  }
  const erase = (): void => put(code().slice(0, -1));

  async function use(): Promise<void> {
    if (works() || code().length < VOUCHER_LENGTH) return;
    setWorks(true);
    try {
      setBrought(await seat.client.redeem(code()));
      focus.index.claim("voucher", "notice", 0); // what had the focus is gone
      seat.checkPlans();
    } catch (error) {
      setSays(whyNot(error));
    } finally {
      setWorks(false);
    }
  }
  const another = (): void => {
    setBrought(null);
    put("");
    focus.index.claim("voucher", first, 0);
  };

  return (
    <Layer
      id="voucher"
      label={t("voucher.title")}
      order={["menu", "notice", first, "voucher-tools"]}
      initial={first}
      class="screen household"
    >
      <Menu here="settings" />
      <div class="household-page">
        <Show when={brought()} fallback={<Typing />}>
          {(got) => (
            <Notice
              title={t("voucher.added", { value: seat.words().money(got().value), credit: seat.words().money(got().credit) })}
              help={t("voucher.addedHelp")}
              actions={[
                { label: t("voucher.toPlan"), run: () => seat.nav.back() },
                { label: t("voucher.another"), run: another },
              ]}
            />
          )}
        </Show>
      </div>
    </Layer>
  );

  function Typing(): JSX.Element {
    return (
      <div class="voucher">
        <h1>{t("voucher.title")}</h1>
        <p class="household-help">{t("voucher.help")}</p>
        <Show when={seat.kind === "tv"} fallback={<Field />}>
          <p class="voucher-code" aria-label={t("voucher.label")} role="status">
            <span>{grouped(code())}</span>
            <span class="voucher-left" aria-hidden="true">
              {left(code())}
            </span>
          </p>
        </Show>
        <p class="household-says" role="alert">
          <Show when={says()}>{(why) => t(why())}</Show>
        </p>
        <Show when={seat.kind === "tv"}>
          <Keys />
        </Show>
        <Tools />
      </div>
    );
  }

  function Field(): JSX.Element {
    const zone = useZone({ id: "voucher-field", shape: { kind: "row" }, count: () => 1, onPress: () => void use() });
    return (
      <label class="field voucher-field">
        <span class="unseen">{t("voucher.label")}</span>
        <input
          {...zone.item(0)}
          type="text"
          enterkeyhint="done"
          autocomplete="off"
          autocapitalize="characters"
          spellcheck={false}
          placeholder="XXXX-XXXX-XXXX-XXXX-XXXX"
          value={grouped(code())}
          onInput={(event) => {
            put(event.currentTarget.value);
            event.currentTarget.value = grouped(code());
          }}
        />
      </label>
    );
  }

  function Keys(): JSX.Element {
    const letters = [...VOUCHER_LETTERS];
    const zone = useZone({
      id: "voucher-keys",
      shape: { kind: "grid", columns: VOUCHER_COLUMNS },
      count: () => letters.length,
      onPress: (index) => put(code() + (letters[index] ?? "")),
    });
    onMount(() => {
      // A remote's digits, and a keyboard where there is one.
      const typed = (event: KeyboardEvent): void => {
        if (!event.repeat && event.key.length === 1) put(code() + event.key);
      };
      window.addEventListener("keydown", typed);
      onCleanup(() => window.removeEventListener("keydown", typed));
    });
    return (
      <div class="keys voucher-keys" style={{ "--columns": String(VOUCHER_COLUMNS) }} role="group" aria-label={t("voucher.keys")}>
        <For each={letters}>
          {(letter, index) => (
            <button type="button" {...zone.item(index())} class="key">
              {letter}
            </button>
          )}
        </For>
      </div>
    );
  }

  function Tools(): JSX.Element {
    const zone = useZone({
      id: "voucher-tools",
      shape: { kind: "row" },
      count: () => 2,
      start: 1,
      onPress: (index) => (index === 0 ? erase() : void use()),
    });
    return (
      <div class="buttons">
        <button type="button" {...zone.item(0)} class="button" aria-label={t("search.erase")}>
          <Icon name="erase" />
        </button>
        <button
          type="button"
          {...zone.item(1)}
          class="button"
          classList={{ "button-first": code().length === VOUCHER_LENGTH }}
          aria-disabled={code().length < VOUCHER_LENGTH || works()}
        >
          <Icon name="check" />
          {t("voucher.use")}
        </button>
      </div>
    );
  }
}

/** The places that are not typed yet, so that one sees how many there are. */
function left(code: string): string {
  return grouped("_".repeat(VOUCHER_LENGTH)).slice(grouped(code).length);
}

function whyNot(error: unknown): MessageKey {
  switch (complaintOf(error)) {
    case "notFound":
      return "voucher.wrong";
    case "tooMany":
      return "voucher.tooOften";
    default:
      return "voucher.failed";
  }
}
