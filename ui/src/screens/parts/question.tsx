// A question before something that cannot be taken back: over the screen, with the answer that changes nothing first in focus.

import { For, type JSX } from "solid-js";
import { Layer, useZone } from "../../focus/solid";
import type { NoticeAction } from "./notice";

export interface Asked {
  readonly title: string;
  readonly help: string;
  /** The last one changes nothing: it has the focus, and Back does the same. */
  readonly answers: readonly NoticeAction[];
}

export function Question(props: { asked: Asked }): JSX.Element {
  return (
    <div class="question-frame">
      <Layer
        id="question"
        label={props.asked.title}
        role="dialog"
        order={["answers"]}
        initial="answers"
        onBack={() => {
          props.asked.answers[props.asked.answers.length - 1]?.run();
          return true;
        }}
        class="question"
      >
        <h2>{props.asked.title}</h2>
        <p>{props.asked.help}</p>
        <Answers answers={props.asked.answers} />
      </Layer>
    </div>
  );
}

function Answers(props: { answers: readonly NoticeAction[] }): JSX.Element {
  const zone = useZone({
    id: "answers",
    shape: { kind: "row" },
    count: () => props.answers.length,
    start: props.answers.length - 1,
    onPress: (index) => props.answers[index]?.run(),
  });
  return (
    <div class="buttons">
      <For each={props.answers}>
        {(answer, index) => (
          <button type="button" {...zone.item(index())} class="button">
            {answer.label}
          </button>
        )}
      </For>
    </div>
  );
}
