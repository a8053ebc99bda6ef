// Is there a way to the server? Told by the requests themselves: a browser's own word ("online") only means that there is
// a cable. One lost request is no cut yet; after the second, or when the browser itself says so, the banner comes.

import { type Accessor, createSignal } from "solid-js";

export interface Connection {
  readonly online: Accessor<boolean>;
  /** Counts the times that the connection came back: what failed meanwhile is asked for again. */
  readonly recoveries: Accessor<number>;
  /** A request's outcome. */
  note(reached: boolean): void;
  /** The browser says that there is no network. */
  cut(): void;
}

const LOST_AFTER = 2;

export function createConnection(): Connection {
  const [online, setOnline] = createSignal(true);
  const [recoveries, setRecoveries] = createSignal(0);
  let failures = 0;
  return {
    online,
    recoveries,
    note(reached) {
      failures = reached ? 0 : failures + 1;
      if (failures >= LOST_AFTER) setOnline(false);
      if (reached && !online()) {
        setOnline(true);
        setRecoveries((count) => count + 1);
      }
    },
    cut() {
      failures = LOST_AFTER;
      setOnline(false);
    },
  };
}
