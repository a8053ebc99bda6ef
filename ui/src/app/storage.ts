// What this device remembers of its viewer's choices. A browser may refuse storage (private windows, full disks); then the
// choices last as long as the page, and nothing else changes.

export interface Store {
  get(key: string): string | null;
  set(key: string, value: string | null): void;
}

export function deviceStore(storage: () => Storage): Store {
  const memory = new Map<string, string | null>();
  return {
    get(key) {
      if (memory.has(key)) return memory.get(key) ?? null;
      try {
        return storage().getItem(key);
      } catch {
        return null;
      }
    },
    set(key, value) {
      memory.set(key, value);
      try {
        if (value === null) storage().removeItem(key);
        else storage().setItem(key, value);
      } catch {
        // Kept in memory only.
      }
    },
  };
}
