// What an operator sold waits for the home's own yes: this screen was opened by the link that it sent. Nothing begins before
// OK is pressed, since a link may be opened by a program that only looks at what it leads to.

import { createSignal, type JSX } from "solid-js";
import { type Complaint, complaintOf, ApiError } from "../../api/errors";
import type { Activated } from "../../api/types";
import type { Words } from "../../base/i18n";
import { Layer } from "../../focus/solid";
import { useSeat } from "../context";
import { Notice, type NoticeAction } from "../parts/notice";

export type Outcome = "asks" | "works" | { readonly begun: Activated } | { readonly failed: Complaint | "paysAlready" };

/** What came of the link, in words. */
export function outcomeTold(outcome: Outcome, words: Words): { title: string; help: string } {
  const { t } = words;
  if (outcome === "asks" || outcome === "works") return { title: t("activate.title"), help: t("activate.help") };
  if ("begun" in outcome) {
    const service = outcome.begun.service_name;
    const begun = outcome.begun.state !== "pending";
    return {
      title: t(begun ? "activate.begun" : "activate.begins", { service }),
      help: t(begun ? "activate.begunHelp" : "activate.beginsHelp"),
    };
  }
  switch (outcome.failed) {
    case "paysAlready":
      return { title: t("activate.paysAlready"), help: t("activate.paysAlreadyHelp") };
    case "notFound":
      return { title: t("activate.unknown"), help: t("activate.unknownHelp") };
    default:
      return { title: t("activate.later"), help: t("activate.laterHelp") };
  }
}

export function failureOf(error: unknown): Complaint | "paysAlready" {
  return error instanceof ApiError && error.code === "paid_elsewhere" ? "paysAlready" : complaintOf(error);
}

export default function ActivateScreen(props: { code: string }): JSX.Element {
  const seat = useSeat();
  const [outcome, setOutcome] = createSignal<Outcome>("asks");
  const told = () => outcomeTold(outcome(), seat.words());

  function activate(): void {
    if (outcome() === "works") return;
    setOutcome("works");
    seat.client.activate(props.code).then(
      (begun) => setOutcome({ begun }),
      (error: unknown) => setOutcome({ failed: failureOf(error) }),
    );
  }

  const actions = (): readonly NoticeAction[] => {
    const now = outcome();
    const home = { label: seat.words().t("error.home"), run: () => seat.nav.home() };
    const begin = { label: seat.words().t("activate.begin"), run: activate };
    const ends = typeof now === "object" && ("begun" in now || now.failed === "notFound" || now.failed === "paysAlready");
    return ends ? [home] : [begin, home];
  };

  return (
    <Layer id="activate" label={told().title} order={["notice"]} initial="notice" class="screen boot">
      <Notice title={told().title} help={told().help} actions={actions()} />
    </Layer>
  );
}
