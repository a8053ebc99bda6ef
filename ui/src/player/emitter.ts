// Typed listeners, in the order in which they came. A listener may stop listening, or others, while it is being called.

export class Emitter<Events extends object> {
  private readonly listeners = new Map<keyof Events, Set<(value: never) => void>>();

  on<Kind extends keyof Events>(kind: Kind, listener: (value: Events[Kind]) => void): () => void {
    const known = this.listeners.get(kind) ?? new Set();
    this.listeners.set(kind, known.add(listener));
    return () => known.delete(listener);
  }

  emit<Kind extends keyof Events>(kind: Kind, value: Events[Kind]): void {
    for (const listener of [...(this.listeners.get(kind) ?? [])]) (listener as (value: Events[Kind]) => void)(value);
  }

  clear(): void {
    this.listeners.clear();
  }
}
