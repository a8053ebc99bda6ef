// What this device remembers of its viewer's choices. A browser may refuse storage (private windows, full disks); then the
// choices last as long as the page, and nothing else changes.

/** What tells of the home and its people. A box's key and its release are the launcher's, and outlive a home. */
const PERSONAL = ["matinee.profile", "matinee.unsent"] as const;

export interface Store {
  get(key: string): string | null;
  set(key: string, value: string | null): void;
  /** Forgets what tells of the home, also what pages of before have set. */
  wipe(): void;
}

export function deviceStore(storage: () => Storage): Store {
  const memory = new Map<string, string | null>();
  const set = (key: string, value: string | null): void => {
    memory.set(key, value);
    try {
      if (value === null) storage().removeItem(key);
      else storage().setItem(key, value);
    } catch {
      // Kept in memory only.
    }
  };
  return {
    wipe() {
      for (const key of PERSONAL) set(key, null);
    },
    set,
    get(key) {
      if (memory.has(key)) return memory.get(key) ?? null;
      try {
        return storage().getItem(key);
      } catch {
        return null;
      }
    },
  };
}
