// Who is watching. Shown at the start of a home with several profiles, until one has been chosen on this device; and where
// profiles are made and changed.

import { createMemo, createSignal, For, type JSX, Show } from "solid-js";
import type { Profile } from "../../api/types";
import { Layer, useZone } from "../../focus/solid";
import { useSeat } from "../context";
import { Avatar } from "../parts/avatars";
import { Icon, Wordmark } from "../parts/icons";
import { Editor } from "./editor";

/** As many as a household may have (members/profile_rules.py). */
const MOST = 5;

export default function ProfilesScreen(props: { onChosen?: () => void }): JSX.Element {
  const seat = useSeat();
  const [managing, setManaging] = createSignal(false);
  // The profile that is changed, "new" for one that is made, null for none.
  const [edited, setEdited] = createSignal<Profile | "new" | null>(null);
  return (
    <>
      <Layer
        id="profiles"
        label={seat.words().t("profiles.title")}
        order={["profiles", "manage"]}
        initial="profiles"
        onBack={() => {
          if (!managing()) return false;
          setManaging(false);
          return true;
        }}
        class="screen profiles"
      >
        <Wordmark />
        <h1>{seat.words().t("profiles.title")}</h1>
        <Choice {...props} managing={managing()} onEdit={setEdited} />
        <Show when={!seat.me().kept_on}>
          <Manage managing={managing()} onPress={() => setManaging(!managing())} />
        </Show>
      </Layer>
      <Show when={edited()} keyed>
        {(one) => <Editor profile={one === "new" ? null : one} onClose={() => setEdited(null)} />}
      </Show>
    </>
  );
}

function Choice(props: { managing: boolean; onEdit(profile: Profile | "new"): void; onChosen?: () => void }): JSX.Element {
  const seat = useSeat();
  const profiles = createMemo(() => seat.me().profiles);
  const mayAdd = (): boolean => profiles().length < MOST && !seat.me().kept_on;
  const zone = useZone({
    id: "profiles",
    shape: { kind: "row" },
    count: () => profiles().length + (mayAdd() ? 1 : 0),
    start: Math.max(0, profiles().findIndex((profile) => profile.id === seat.profile().id)),
    onPress: (index) => {
      const chosen = profiles()[index];
      if (!chosen) return props.onEdit("new");
      if (props.managing) return props.onEdit(chosen);
      void seat.chooseProfile(chosen.id).then((done) => done && props.onChosen?.());
    },
  });
  const age = (profile: Profile): string => {
    const { t } = seat.words();
    if (profile.age_class >= 18) return "";
    return profile.kids ? t("profiles.kids") : t("profiles.age", { n: profile.age_class });
  };
  /** Where more is meant than what can be read on it; what can be read stays a part of it. */
  const label = (profile: Profile): string | undefined => {
    const { t } = seat.words();
    if (!props.managing && !profile.asks_pin) return undefined;
    return t(props.managing ? "profiles.change" : "profiles.locked", { name: `${profile.name} ${age(profile)}`.trim() });
  };
  return (
    <ul class="people">
      <For each={profiles()}>
        {(profile, index) => (
          <li>
            <button type="button" {...zone.item(index())} class="person" aria-label={label(profile)}>
              <Avatar name={profile.name} color={profile.color} avatar={profile.avatar} />
              <Show when={props.managing || profile.asks_pin}>
                <span class="person-mark">
                  <Icon name={props.managing ? "pen" : "lock"} />
                </span>
              </Show>
              <span class="person-name" dir="auto">
                {profile.name}
              </span>
              <Show when={age(profile)}>
                <span class="person-age">{age(profile)}</span>
              </Show>
            </button>
          </li>
        )}
      </For>
      <Show when={mayAdd()}>
        <li>
          <button type="button" {...zone.item(profiles().length)} class="person person-add">
            <span class="avatar" data-letter="" aria-hidden="true">
              <Icon name="plus" />
            </span>
            <span class="person-name">{seat.words().t("profiles.add")}</span>
          </button>
        </li>
      </Show>
    </ul>
  );
}

function Manage(props: { managing: boolean; onPress(): void }): JSX.Element {
  const { words } = useSeat();
  const zone = useZone({ id: "manage", shape: { kind: "row" }, count: () => 1, onPress: () => props.onPress() });
  return (
    <div class="buttons">
      <button type="button" {...zone.item(0)} class="button">
        <Icon name={props.managing ? "check" : "pen"} />
        {words().t(props.managing ? "profiles.done" : "profiles.manage")}
      </button>
    </div>
  );
}
