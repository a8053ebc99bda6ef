// Where the focus is. A pure structure, apart from any document, so that it can be walked by a test a million times.
//
// A screen or a dialog is a layer; a layer holds zones one below the other; a zone is a row, a column or a grid of items
// that are known by number alone. Nothing is measured: a key is answered by arithmetic on numbers, in the same few steps
// whether a row holds 5 films or 5,000. Exactly one item owns the focus, or, where a layer has no item at all, the
// layer itself does: there is no moment without an owner.

import type { Direction, Press } from "../base/actions";

export type Shape = { readonly kind: "row" } | { readonly kind: "column" } | { readonly kind: "grid"; readonly columns: number };

export interface ZoneSpec {
  readonly id: string;
  readonly shape: Shape;
  readonly count: number;
  /** Where a direction leads from the zone's edge, instead of the layer's order; null: nowhere. */
  readonly exits?: Readonly<Partial<Record<Direction, string | null>>>;
  /** Where the focus lands when it comes in: where it last was, or always at the first item. */
  readonly entry?: "memory" | "first";
  /** The item that the focus starts at, before there is a memory. */
  readonly start?: number;
  readonly onPress?: (index: number) => void;
  /** An item with a long press is pressed when the key comes up, all others when it goes down. */
  readonly longPress?: { has(index: number): boolean; run(index: number): void };
}

export interface LayerSpec {
  readonly id: string;
  /** The zones' ids from top to bottom. A zone not named here is reached by exits alone. */
  readonly order: readonly string[];
  /** The zone that has the focus until the viewer moves it, as soon as it holds an item. */
  readonly initial: string;
  /** Sees every key first; true: it was dealt with. */
  readonly onKey?: (press: Press) => boolean;
  /** True: dealt with; otherwise the layer below, or the router, closes one level. */
  readonly onBack?: () => boolean;
}

export interface Owner {
  readonly layer: string;
  /** Null when no zone of the layer holds an item: the layer itself has the focus. */
  readonly zone: string | null;
  readonly index: number;
}

interface Zone {
  spec: ZoneSpec;
  index: number;
}

interface Layer {
  spec: LayerSpec;
  zones: Map<string, Zone>;
  position: Map<string, number>;
  current: string | null;
  /** The zone to go to as soon as it holds an item: the initial one, or one that was lost; any move forgets the wish. */
  wanted: string | null;
}

interface Memory {
  current: string | null;
  indexes: Map<string, number>;
}

const REMEMBERED_LAYERS = 64;
const NOBODY: Owner = { layer: "", zone: null, index: 0 };

export class FocusIndex {
  private readonly layers: Layer[] = [];
  private readonly memories = new Map<string, Memory>();
  private readonly listeners = new Set<(owner: Owner) => void>();
  private readonly watchers = new Set<() => void>();
  private last: Owner = NOBODY;

  /** Put a layer on top. With `restore`, the focus returns to where it was when the layer of this id was last closed. */
  open(spec: LayerSpec, restore = false): void {
    this.close(spec.id);
    if (!restore) this.memories.delete(spec.id);
    const wanted = this.memories.get(spec.id)?.current ?? spec.initial;
    const layer: Layer = { spec, zones: new Map(), position: positions(spec.order), current: null, wanted };
    this.layers.push(layer);
    this.settle(layer);
  }

  /** Take a layer away, wherever it lies in the stack, and remember where its focus was. */
  close(id: string): void {
    const at = this.layers.findIndex((layer) => layer.spec.id === id);
    const layer = this.layers[at];
    if (!layer) return;
    this.layers.splice(at, 1);
    const known = this.memories.get(id);
    const indexes = new Map(known?.indexes);
    for (const [zone, { index }] of layer.zones) indexes.set(zone, index);
    this.memories.delete(id);
    this.memories.set(id, { current: layer.wanted ?? layer.current, indexes });
    const oldest = this.memories.keys().next();
    if (this.memories.size > REMEMBERED_LAYERS && !oldest.done) this.memories.delete(oldest.value);
    this.tell();
  }

  /**
   * Change a layer's order of zones, and the one to begin with. The focus stays where it is if its zone is still there;
   * where the viewer has not moved yet, it goes to the new beginning.
   */
  reorder(id: string, order: readonly string[], initial?: string): void {
    const layer = this.find(id);
    if (!layer) return;
    const next = initial ?? layer.spec.initial;
    if (layer.wanted === layer.spec.initial) layer.wanted = next;
    layer.spec = { ...layer.spec, order, initial: next };
    layer.position = positions(order);
    this.settle(layer);
  }

  /** Add a zone or change one; its memory survives a change, cut to the number of items that there are now. */
  put(layerId: string, spec: ZoneSpec): void {
    const layer = this.find(layerId);
    if (!layer) return;
    const zone = layer.zones.get(spec.id);
    const remembered = this.memories.get(layerId)?.indexes.get(spec.id);
    const index = zone?.index ?? remembered ?? spec.start ?? 0;
    const kept = Math.max(0, Math.min(index, spec.count - 1));
    if (zone) {
      zone.spec = spec;
      if (spec.count > 0) zone.index = kept;
    } else {
      layer.zones.set(spec.id, { spec, index: spec.count > 0 ? kept : index });
    }
    this.settle(layer);
  }

  remove(layerId: string, zoneId: string): void {
    const layer = this.find(layerId);
    const zone = layer?.zones.get(zoneId);
    if (!layer || !zone) return;
    const memory = this.memories.get(layerId) ?? { current: null, indexes: new Map<string, number>() };
    memory.indexes.set(zoneId, zone.index);
    this.memories.set(layerId, memory);
    layer.zones.delete(zoneId);
    this.settle(layer);
  }

  /** Move one step; false where there is nothing in that direction. Costs the same for any number of items. */
  move(direction: Direction): boolean {
    const layer = this.top();
    const zone = layer?.current == null ? undefined : layer.zones.get(layer.current);
    if (!layer || !zone) return false;
    layer.wanted = null;
    const inside = step(zone.spec, zone.index, direction);
    if (inside !== null) {
      zone.index = inside;
      this.tell();
      return true;
    }
    const next = this.neighbour(layer, zone.spec, direction);
    if (!next) return false;
    if (next.spec.entry === "first") next.index = next.spec.start ?? 0;
    layer.current = next.spec.id;
    this.tell();
    return true;
  }

  /** Give the focus to one item, as a pointer, a finger or the Tab key does. False where there is no such item. */
  claim(layerId: string, zoneId: string, index?: number): boolean {
    const layer = this.top();
    const zone = layer?.zones.get(zoneId);
    if (!layer || layer.spec.id !== layerId || !zone) return false;
    const wanted = index ?? zone.index;
    if (wanted < 0 || wanted >= zone.spec.count) return false;
    layer.wanted = null;
    layer.current = zoneId;
    zone.index = wanted;
    this.tell();
    return true;
  }

  owner(): Owner {
    return this.last;
  }

  /** The item of a zone that has, or would get, the focus. */
  indexOf(layerId: string, zoneId: string): number {
    return this.find(layerId)?.zones.get(zoneId)?.index ?? this.memories.get(layerId)?.indexes.get(zoneId) ?? 0;
  }

  /** What OK would do now. */
  target(): ZoneSpec | null {
    const layer = this.top();
    return (layer?.current == null ? undefined : layer.zones.get(layer.current)?.spec) ?? null;
  }

  /** Press what has the focus. False where there is nothing to press. */
  press(): boolean {
    const target = this.target();
    if (!target?.onPress) return false;
    target.onPress(this.last.index);
    return true;
  }

  /** The specification of the topmost layer. */
  topLayer(): LayerSpec | null {
    return this.top()?.spec ?? null;
  }

  has(layerId: string): boolean {
    return this.find(layerId) !== undefined;
  }

  subscribe(listener: (owner: Owner) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Told of every change, also of zones that do not have the focus. */
  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  private top(): Layer | undefined {
    return this.layers[this.layers.length - 1];
  }

  private find(id: string): Layer | undefined {
    return this.layers.find((layer) => layer.spec.id === id);
  }

  private neighbour(layer: Layer, spec: ZoneSpec, direction: Direction): Zone | null {
    const exit = spec.exits?.[direction];
    if (exit === null) return null;
    if (exit !== undefined) {
      const zone = layer.zones.get(exit);
      return zone && zone.spec.count > 0 ? zone : null;
    }
    const from = layer.position.get(spec.id);
    if (from === undefined || direction === "left" || direction === "right") return null;
    return this.nearest(layer, from, direction === "down" ? 1 : -1);
  }

  private nearest(layer: Layer, from: number, by: 1 | -1): Zone | null {
    const order = layer.spec.order;
    for (let at = from + by; at >= 0 && at < order.length; at += by) {
      const zone = layer.zones.get(order[at] ?? "");
      if (zone && zone.spec.count > 0) return zone;
    }
    return null;
  }

  /** After any change of what is there: the focus keeps its zone, or goes to the nearest one that holds something. */
  private settle(layer: Layer): void {
    const holds = (id: string | null): boolean => id !== null && (layer.zones.get(id)?.spec.count ?? 0) > 0;
    if (holds(layer.wanted)) layer.current = layer.wanted;
    else if (!holds(layer.current)) {
      layer.wanted ??= layer.current;
      layer.current = this.refuge(layer, layer.current);
    }
    this.tell();
  }

  private refuge(layer: Layer, lost: string | null): string | null {
    const from = lost === null ? undefined : layer.position.get(lost);
    const near = from === undefined ? null : (this.nearest(layer, from, 1) ?? this.nearest(layer, from, -1));
    return (near ?? this.nearest(layer, -1, 1) ?? firstThatHolds(layer.zones))?.spec.id ?? null;
  }

  private tell(): void {
    const layer = this.top();
    const zone = layer?.current == null ? undefined : layer.zones.get(layer.current);
    const held = zone !== undefined && zone.spec.count > 0;
    const owner: Owner = layer
      ? { layer: layer.spec.id, zone: held ? zone.spec.id : null, index: held ? zone.index : 0 }
      : NOBODY;
    for (const watcher of this.watchers) watcher();
    if (same(owner, this.last)) return;
    this.last = owner;
    for (const listener of this.listeners) listener(owner);
  }
}

/** The item one step away inside a zone; null where the step leaves it. */
export function step({ shape, count }: Pick<ZoneSpec, "shape" | "count">, index: number, to: Direction): number | null {
  if (shape.kind === "row") {
    if (to === "left") return index > 0 ? index - 1 : null;
    if (to === "right") return index < count - 1 ? index + 1 : null;
    return null;
  }
  if (shape.kind === "column") {
    if (to === "up") return index > 0 ? index - 1 : null;
    if (to === "down") return index < count - 1 ? index + 1 : null;
    return null;
  }
  const column = index % shape.columns;
  if (to === "left") return column > 0 ? index - 1 : null;
  if (to === "right") return column < shape.columns - 1 && index < count - 1 ? index + 1 : null;
  if (to === "up") return index >= shape.columns ? index - shape.columns : null;
  const onLastLine = Math.floor(index / shape.columns) === Math.floor((count - 1) / shape.columns);
  return onLastLine ? null : Math.min(index + shape.columns, count - 1);
}

function positions(order: readonly string[]): Map<string, number> {
  return new Map(order.map((id, at) => [id, at]));
}

function firstThatHolds(zones: Map<string, Zone>): Zone | null {
  for (const zone of zones.values()) if (zone.spec.count > 0) return zone;
  return null;
}

function same(a: Owner, b: Owner): boolean {
  return a.layer === b.layer && a.zone === b.zone && a.index === b.index;
}
