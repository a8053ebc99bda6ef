// Who is watching. Shown at the start of a home with several profiles, until one has been chosen on this device.

import { For, type JSX, Show } from "solid-js";
import { Layer, useZone } from "../../focus/solid";
import { useSeat } from "../context";
import { Avatar } from "../parts/menu";
import { Wordmark } from "../parts/icons";

export default function ProfilesScreen(props: { onChosen?: () => void }): JSX.Element {
  const seat = useSeat();
  return (
    <Layer
      id="profiles"
      label={seat.words().t("profiles.title")}
      order={["profiles"]}
      initial="profiles"
      class="screen profiles"
    >
      <Wordmark />
      <h1>{seat.words().t("profiles.title")}</h1>
      <Choice {...props} />
    </Layer>
  );
}

function Choice(props: { onChosen?: () => void }): JSX.Element {
  const seat = useSeat();
  const profiles = () => seat.me().profiles;
  const zone = useZone({
    id: "profiles",
    shape: { kind: "row" },
    count: () => profiles().length,
    start: Math.max(0, profiles().findIndex((profile) => profile.id === seat.profile().id)),
    onPress: (index) => {
      const chosen = profiles()[index];
      if (!chosen) return;
      seat.chooseProfile(chosen.id);
      props.onChosen?.();
    },
  });
  return (
    <ul class="people">
      <For each={profiles()}>
        {(profile, index) => (
          <li>
            <button type="button" {...zone.item(index())} class="person">
              <Avatar name={profile.name} color={profile.color} />
              <span class="person-name" dir="auto">
                {profile.name}
              </span>
              <Show when={profile.age_class < 18}>
                <span class="person-age">{seat.words().t("profiles.age", { n: profile.age_class })}</span>
              </Show>
            </button>
          </li>
        )}
      </For>
    </ul>
  );
}
