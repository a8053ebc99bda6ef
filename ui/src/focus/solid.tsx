// The focus index as Solid components see it. A layer and its zones are declared where they are drawn; an item asks one
// question, "am I it?", which a selector answers for the two items that changed and for no other.

import {
  type Accessor,
  createContext,
  createEffect,
  createRenderEffect,
  createSelector,
  createSignal,
  type JSX,
  onCleanup,
  useContext,
} from "solid-js";
import type { Press } from "../base/actions";
import { afterPaint } from "../base/after_paint";
import { FocusIndex, type LayerSpec, type Owner, type ZoneSpec } from "./index";

export interface Focus {
  readonly index: FocusIndex;
  /** A page that scrolls follows the focus; a television's screen moves its rows itself. */
  readonly scrolls: boolean;
  /**
   * Let the document's focus follow: at once in a browser, where the page scrolls to an item and stays for a layer; after the
   * paint of its ring on a television.
   */
  give(element: HTMLElement, what: "item" | "layer"): void;
  readonly owner: Accessor<Owner>;
  isOwner(key: string): boolean;
}

const FocusContext = createContext<Focus>();
const LayerContext = createContext<string>();

export function keyOf(layer: string, zone: string | null, index: number): string {
  return `${layer}\n${zone ?? ""}\n${index}`;
}

export function createFocus(scrolls = false): Focus {
  const index = new FocusIndex();
  const [owner, setOwner] = createSignal<Owner>(index.owner(), { equals: false });
  const isOwner = createSelector(() => keyOf(owner().layer, owner().zone, owner().index));
  onCleanup(index.subscribe(setOwner));
  // The document's own focus makes the browser lay out the page at once: on a slow box that is half of a key's time. Of
  // several keys before one paint only the last one's item is given it.
  let due: HTMLElement | null = null;
  function give(element: HTMLElement, what: "item" | "layer"): void {
    if (scrolls) return element.focus({ preventScroll: what === "layer" });
    if (due === null) {
      afterPaint(() => {
        due?.focus({ preventScroll: true });
        due = null;
      });
    }
    due = element;
  }
  return { index, scrolls, give, owner, isOwner };
}

export function FocusProvider(props: { focus: Focus; children: JSX.Element }): JSX.Element {
  return <FocusContext.Provider value={props.focus}>{props.children}</FocusContext.Provider>;
}

export function useFocus(): Focus {
  const focus = useContext(FocusContext);
  if (!focus) throw new Error("focus: used outside of FocusProvider");
  return focus;
}

export function useLayerId(): string {
  const layer = useContext(LayerContext);
  if (layer === undefined) throw new Error("focus: a zone needs a Layer around it");
  return layer;
}

export interface LayerProps {
  id: string;
  order: readonly string[];
  initial: string;
  /** Return to where the focus was when this layer was last closed. */
  restore?: boolean;
  onKey?: (press: Press) => boolean;
  onBack?: () => boolean;
  class?: string;
  label: string;
  role?: "main" | "dialog";
  children: JSX.Element;
}

/** One screen or dialog. Its own element takes the focus while it holds no item, so that there always is an owner. */
export function Layer(props: LayerProps): JSX.Element {
  const focus = useFocus();
  let element!: HTMLDivElement;
  // The id and the handlers belong to the layer for its whole life; a new id is a new layer.
  const id = props.id;
  const spec = (): LayerSpec => ({
    id,
    order: props.order,
    initial: props.initial,
    onKey: (press) => props.onKey?.(press) ?? false,
    onBack: () => props.onBack?.() ?? false,
  });
  focus.index.open(spec(), props.restore ?? false);
  createRenderEffect(() => focus.index.reorder(id, props.order, props.initial));
  const anchored = (): boolean => focus.isOwner(keyOf(id, null, 0));
  createEffect(() => {
    if (anchored()) focus.give(element, "layer");
  });
  onCleanup(() => focus.index.close(id));
  const covered = (): boolean => focus.owner().layer !== id;
  return (
    <LayerContext.Provider value={id}>
      <div
        ref={element}
        class={props.class}
        classList={{ layer: true }}
        role={props.role ?? "main"}
        aria-label={props.label}
        aria-modal={props.role === "dialog" ? "true" : undefined}
        inert={covered()}
        tabindex="-1"
        data-layer={id}
        data-anchor={anchored() ? "" : undefined}
      >
        {props.children}
      </div>
    </LayerContext.Provider>
  );
}

export interface ZoneBinding {
  /** The ref of an item's element: it takes the real focus, answers pointers, and shows its state in data-focused. */
  item(index: number): ItemProps;
  isFocused(index: number): boolean;
  /** The item that has, or would get, the focus. */
  current: Accessor<number>;
  /** Does the zone own the focus now? */
  within: Accessor<boolean>;
}

export interface ItemProps {
  readonly ref: (element: HTMLElement) => void;
}

export type ZoneOptions = Omit<ZoneSpec, "count"> & { count: Accessor<number> };

/** Declare a zone of the surrounding layer, and draw it. Options other than the count are fixed. */
export function useZone(options: ZoneOptions): ZoneBinding {
  const { index } = useFocus();
  const layer = useLayerId();
  createRenderEffect(() => index.put(layer, { ...options, count: options.count() }));
  onCleanup(() => index.remove(layer, options.id));
  return bindZone(options.id);
}

/** Declare many zones at once, apart from their drawing: rows can be moved to before they exist as elements. */
export function useZones(layer: string, specs: Accessor<readonly ZoneSpec[]>): void {
  const { index } = useFocus();
  let before: readonly ZoneSpec[] = [];
  createRenderEffect(() => {
    const now = specs();
    for (const spec of now) index.put(layer, spec);
    const kept = new Set(now.map((spec) => spec.id));
    for (const spec of before) if (!kept.has(spec.id)) index.remove(layer, spec.id);
    before = now;
  });
}

/** Draw a zone that is declared elsewhere. */
export function bindZone(id: string): ZoneBinding {
  const focus = useFocus();
  const layer = useLayerId();
  const [current, setCurrent] = createSignal(focus.index.indexOf(layer, id));
  const within = (): boolean => focus.owner().layer === layer && focus.owner().zone === id;
  onCleanup(focus.index.watch(() => setCurrent(focus.index.indexOf(layer, id))));
  const isCurrent = createSelector(current);

  // Written by hand, not as attributes to spread: a spread looks at all of an element's attributes whenever one changes.
  function item(index: number): ItemProps {
    const key = keyOf(layer, id, index);
    const owns = (): boolean => focus.isOwner(key);
    function ref(element: HTMLElement): void {
      element.addEventListener("click", (event) => {
        // A link opened in a new tab is the browser's business.
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        event.stopPropagation();
        if (focus.index.claim(layer, id, index)) focus.index.press();
      });
      element.addEventListener("focusin", () => {
        if (!owns()) focus.index.claim(layer, id, index);
      });
      // A television's pointer remote moves the focus; rows that slide under a resting pointer do not.
      if (!focus.scrolls) {
        element.addEventListener("mousemove", (event) => {
          if ((event.movementX !== 0 || event.movementY !== 0) && !owns()) focus.index.claim(layer, id, index);
        });
      }
      createRenderEffect(() => (element.tabIndex = isCurrent(index) ? 0 : -1));
      createRenderEffect(() => element.toggleAttribute("data-focused", owns()));
      createEffect(() => {
        if (owns()) focus.give(element, "item");
      });
    }
    return { ref };
  }
  return { item, isFocused: (index) => focus.isOwner(keyOf(layer, id, index)), current, within };
}
