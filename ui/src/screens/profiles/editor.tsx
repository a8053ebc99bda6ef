// A profile being made or changed. A television brings the keyboard of its search; elsewhere one types.

import { createMemo, createSignal, For, type JSX, Show } from "solid-js";
import { ApiError } from "../../api/errors";
import type { Profile, ProfileWish } from "../../api/types";
import type { MessageKey } from "../../base/messages";
import { Layer, useZone } from "../../focus/solid";
import { useSeat } from "../context";
import { Avatar, AVATARS, COLORS } from "../parts/avatars";
import { Icon } from "../parts/icons";
import { type Key, LAYOUTS, typed } from "../search/layouts";
import { AGES, asksPin, changesOf, named, NAME_MOST, wishOf, withAge, withKids } from "./wish";

const TOOLS: readonly Key[] = [{ kind: "space" }, { kind: "erase" }];

export function Editor(props: { profile: Profile | null; onClose(): void }): JSX.Element {
  const seat = useSeat();
  const color = COLORS[seat.me().profiles.length % COLORS.length] ?? "#3d7ea6";
  const [wish, setWish] = createSignal<ProfileWish>(wishOf(props.profile, color, seat.words().language));
  const [says, setSays] = createSignal<MessageKey | null>(null);
  const [sure, setSure] = createSignal(false);
  // Drawn once for this editor: sent again for want of an answer, it makes no second profile.
  const wishId = crypto.randomUUID?.() ?? `${Date.now()} ${Math.random()}`;
  let busy = false;

  async function act(needsPin: boolean, run: (unlock: string) => Promise<unknown>): Promise<void> {
    if (busy) return;
    busy = true;
    setSays(null);
    try {
      const unlock = needsPin ? await seat.askPin(null) : "";
      if (unlock === null) return;
      await run(unlock);
      seat.refreshMe();
      props.onClose();
    } catch (error) {
      setSays(error instanceof ApiError && error.status === 409 ? "profile.taken" : "profile.failed");
    } finally {
      busy = false;
    }
  }

  const save = (): void => {
    const { profile } = props;
    if (wish().name.trim() === "") return;
    const needed = asksPin(seat.me().has_pin, profile, wish());
    void act(needed, (unlock) =>
      profile
        ? seat.client.changeProfile(profile.id, changesOf(profile, wish()), unlock || seat.unlockOf(profile.id))
        : seat.client.makeProfile(wish(), wishId, unlock),
    );
  };
  const remove = (): void => {
    const { profile } = props;
    if (!profile) return;
    if (sure()) void act(seat.me().has_pin, (unlock) => seat.client.deleteProfile(profile.id, unlock));
    setSure(true);
  };

  return (
    <Layer
      id="profile-edit"
      label={props.profile?.name ?? seat.words().t("profile.new")}
      role="dialog"
      order={["field", "name-keys", "name-tools", "picture", "color", "age", "kids", "tongue", "editor-actions"]}
      initial={seat.kind === "tv" ? (props.profile ? "picture" : "name-keys") : "field"}
      onBack={() => {
        props.onClose();
        return true;
      }}
      class="screen profile-edit"
    >
      <div class="edit-who">
        <Avatar name={wish().name} color={wish().color} avatar={wish().avatar} />
        <Show when={seat.kind === "tv"} fallback={<NameField wish={wish()} onName={(name) => setWish(named(wish(), name))} />}>
          <p class="edit-name" dir="auto">
            {wish().name || seat.words().t("profile.namePrompt")}
          </p>
          <NameKeys onKey={(key) => setWish(named(wish(), typed(wish().name, key)))} />
        </Show>
      </div>
      <div class="edit-what">
        <Options
          zone="picture"
          title="profile.picture"
          values={AVATARS}
          chosen={wish().avatar}
          name={(avatar) => avatar || seat.words().t("profile.letter")}
          onChoose={(avatar) => setWish({ ...wish(), avatar })}
          draw={(avatar) => <Avatar name={wish().name || "A"} color={wish().color} avatar={avatar} />}
        />
        <Options
          zone="color"
          title="profile.color"
          values={COLORS}
          chosen={wish().color}
          name={(_, at) => seat.words().t("profile.colorN", { n: at + 1 })}
          onChoose={(next) => setWish({ ...wish(), color: next })}
          draw={(one) => <Avatar name="" color={one} />}
        />
        <Options
          zone="age"
          title="profile.age"
          values={AGES}
          chosen={wish().age_class}
          name={(age) => (age === 0 ? seat.words().t("profile.ageAll") : seat.words().t("profile.ageN", { n: age }))}
          onChoose={(age) => setWish(withAge(wish(), age))}
        />
        <Options
          zone="kids"
          title="profile.kids"
          values={[false, true]}
          chosen={wish().kids}
          name={(kids) => seat.words().t(kids ? "profile.kidsYes" : "profile.kidsNo")}
          onChoose={(kids) => setWish(withKids(wish(), kids))}
        />
        <Options
          zone="tongue"
          title="settings.language"
          values={["fr", "en"] as const}
          chosen={wish().language}
          name={(language) => seat.words().t(language === "fr" ? "settings.french" : "settings.english")}
          onChoose={(language) => setWish({ ...wish(), language })}
        />
        <p class="edit-says" role="status">
          <Show when={says()}>{(key) => seat.words().t(key())}</Show>
        </p>
        <Actions
          canDelete={props.profile !== null && seat.me().profiles.length > 1}
          sure={sure()}
          onSave={save}
          onDelete={remove}
          onCancel={() => props.onClose()}
        />
      </div>
    </Layer>
  );
}

function NameField(props: { wish: ProfileWish; onName(name: string): void }): JSX.Element {
  const { words } = useSeat();
  const zone = useZone({ id: "field", shape: { kind: "row" }, count: () => 1 });
  return (
    <label class="field edit-field">
      <span class="unseen">{words().t("profile.name")}</span>
      <input
        {...zone.item(0)}
        type="text"
        autocomplete="off"
        spellcheck={false}
        maxlength={NAME_MOST}
        placeholder={words().t("profile.namePrompt")}
        value={props.wish.name}
        onInput={(event) => props.onName(event.currentTarget.value)}
      />
    </label>
  );
}

function NameKeys(props: { onKey(key: Key): void }): JSX.Element {
  const seat = useSeat();
  const layout = createMemo(() => LAYOUTS[seat.layout()]);
  const exits = { right: "picture" } as const;
  const keys = useZone({
    id: "name-keys",
    shape: { kind: "grid", columns: layout().columns },
    count: () => layout().keys.length,
    exits,
    onPress: (index) => {
      const key = layout().keys[index];
      if (key) props.onKey(key);
    },
  });
  const tools = useZone({
    id: "name-tools",
    shape: { kind: "row" },
    count: () => TOOLS.length,
    exits,
    onPress: (index) => {
      const key = TOOLS[index];
      if (key) props.onKey(key);
    },
  });
  return (
    <div class="keyboard" role="group" aria-label={seat.words().t("search.keyboard")}>
      <div class="keys" style={{ "--columns": String(layout().columns) }}>
        <For each={layout().keys}>
          {(key, index) => (
            <button type="button" {...keys.item(index())} class="key">
              {key.kind === "letter" ? key.text : ""}
            </button>
          )}
        </For>
      </div>
      <div class="keys keys-tools">
        <For each={TOOLS}>
          {(key, index) => (
            <button
              type="button"
              {...tools.item(index())}
              class="key key-tool"
              aria-label={seat.words().t(key.kind === "erase" ? "search.erase" : "search.space")}
            >
              <Icon name={key.kind === "erase" ? "erase" : "space"} />
            </button>
          )}
        </For>
      </div>
    </div>
  );
}

interface OptionsProps<V> {
  zone: string;
  title: MessageKey;
  values: readonly V[];
  chosen: V;
  name(value: V, at: number): string;
  onChoose(value: V): void;
  /** Without: its name is written. */
  draw?: (value: V) => JSX.Element;
}

function Options<V>(props: OptionsProps<V>): JSX.Element {
  const { words, kind } = useSeat();
  const zone = useZone({
    id: props.zone,
    shape: { kind: "row" },
    count: () => props.values.length,
    start: Math.max(0, props.values.indexOf(props.chosen)),
    ...(kind === "tv" ? { exits: { left: "name-keys" } } : {}),
    onPress: (index) => {
      const value = props.values[index];
      if (value !== undefined) props.onChoose(value);
    },
  });
  const heading = `edit-${props.zone}`;
  return (
    <section class="edit-options">
      <h2 id={heading}>{words().t(props.title)}</h2>
      <div role="radiogroup" aria-labelledby={heading} class={props.draw ? "swatches" : "buttons"}>
        <For each={props.values}>
          {(value, index) => (
            <button
              type="button"
              {...zone.item(index())}
              role="radio"
              aria-checked={value === props.chosen}
              aria-label={props.draw ? props.name(value, index()) : undefined}
              class={props.draw ? "swatch choice-line" : "button choice"}
            >
              <Show when={props.draw} fallback={props.name(value, index())}>
                {(draw) => draw()(value)}
              </Show>
            </button>
          )}
        </For>
      </div>
    </section>
  );
}

interface ActionsProps {
  canDelete: boolean;
  /** OK on Delete was pressed once: the second time it is done. */
  sure: boolean;
  onSave(): void;
  onDelete(): void;
  onCancel(): void;
}

function Actions(props: ActionsProps): JSX.Element {
  const { words } = useSeat();
  const actions = createMemo(() => [
    { label: words().t("profile.save"), run: () => props.onSave() },
    { label: words().t("profile.cancel"), run: () => props.onCancel() },
    ...(props.canDelete
      ? [{ label: words().t(props.sure ? "profile.deleteSure" : "profile.delete"), run: () => props.onDelete() }]
      : []),
  ]);
  const zone = useZone({
    id: "editor-actions",
    shape: { kind: "row" },
    count: () => actions().length,
    onPress: (index) => actions()[index]?.run(),
  });
  return (
    <div class="buttons">
      <For each={actions()}>
        {(action, index) => (
          <button type="button" {...zone.item(index())} class="button" classList={{ "button-first": index() === 0 }}>
            {action.label}
          </button>
        )}
      </For>
    </div>
  );
}
