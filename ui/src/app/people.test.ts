// Which profile is shown, when one must be chosen, and what the PIN opens here.
import { createRoot, createSignal } from "solid-js";
import { describe, expect, it, vi } from "vitest";
import type { Client } from "../api/client";
import { ApiError, NetworkError } from "../api/errors";
import type { Me, Profile } from "../api/types";
import { wordsFor } from "../base/i18n";
import { createPeople, whyNot } from "./people";

const one = (id: string, fields: Partial<Profile> = {}): Profile => ({
  id, name: id, color: "#3d7ea6", avatar: "", age_class: 18, kids: false, asks_pin: false,
  language: "en", audio_language: "en", subtitle_language: null, ...fields,
});
const refused = (code: string, status = 403): ApiError => new ApiError(status, { type: "", title: "", status, code });

function people(profiles: Profile[], chosen: string | null, more: Partial<Me> = {}) {
  const client = {
    chooseProfile: vi.fn(async () => ({ profile: null, profiles })),
    tryPin: vi.fn(async () => ({ unlock: "an unlock", expires_at: "" })),
  };
  const [me] = createSignal({ profiles, has_pin: true, kept_on: null, ...more } as unknown as Me);
  const refresh = vi.fn();
  const made = createRoot(() =>
    createPeople({
      me: { value: me, complaint: () => null, loading: () => false, refresh },
      client: client as unknown as Client,
      words: () => wordsFor("en"),
      chosen,
      keep: () => undefined,
    }),
  );
  return { ...made, client, refresh };
}

describe("who is shown", () => {
  const [adult, kid] = [one("adult", { asks_pin: true }), one("kid", { age_class: 10, kids: true })];

  it.each([
    ["nobody was chosen, and there are two", [one("a"), one("b")], null, {}, true, "a"],
    ["who was chosen is there", [one("a"), one("b")], "b", {}, false, "b"],
    ["who was chosen is gone", [one("a"), one("b")], "c", {}, true, "a"],
    ["there is one only", [one("a")], null, {}, false, "a"],
    ["the only one asks for the PIN", [adult], null, {}, true, "adult"],
    ["who was chosen asks for the PIN", [adult, kid], "adult", {}, true, "adult"],
    ["a kids' profile is kept here, whatever this device remembers", [adult, kid], "adult", { kept_on: "kid" }, false, "kid"],
  ] as const)("%s", (_, profiles, chosen, more, must, shown) => {
    const made = people([...profiles], chosen, more);
    expect([made.mustChoose(), made.shown()?.id]).toEqual([must, shown]);
  });

  it("is opened after the PIN, which is given up or right", async () => {
    const made = people([adult, kid], null);
    const given = made.choose("adult");
    made.pinAsked()?.close();
    expect(await given).toBe(false);
    expect(made.client.chooseProfile).not.toHaveBeenCalled();

    const second = made.choose("adult");
    expect(await made.pinAsked()?.check("1234")).toBeNull();
    made.pinAsked()?.close();
    expect(await second).toBe(true);
    expect(made.client.chooseProfile).toHaveBeenCalledWith("adult", "an unlock");
    expect([made.mustChoose(), made.shown()?.id]).toEqual([false, "adult"]);

    made.lock("adult");
    expect(made.mustChoose()).toBe(true);
  });

  it("is not shown where the server says no, and is where nothing answers", async () => {
    const made = people([one("a"), one("b")], "a");
    made.client.chooseProfile.mockRejectedValueOnce(refused("pin_needed"));
    expect(await made.choose("b")).toBe(false);
    expect(made.shown()?.id).toBe("a");
    made.client.chooseProfile.mockRejectedValueOnce(new NetworkError("away"));
    expect(await made.choose("b")).toBe(true);
    expect(made.shown()?.id).toBe("b");
  });

  it("says why a PIN was not taken", () => {
    expect([refused("pin_wrong"), refused("too_many_requests", 429), new NetworkError("")].map(whyNot)).toEqual([
      "pin.wrong",
      "pin.tooOften",
      "pin.failed",
    ]);
  });
});
