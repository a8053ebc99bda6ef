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
import { FocusIndex, type LayerSpec, type Owner, type ZoneSpec } from "./index";

export interface Focus {
  readonly index: FocusIndex;
  readonly owner: Accessor<Owner>;
  isOwner(key: string): boolean;
}

const FocusContext = createContext<Focus>();
const LayerContext = createContext<string>();

export function keyOf(layer: string, zone: string | null, index: number): string {
  return `${layer}\n${zone ?? ""}\n${index}`;
}

export function createFocus(): Focus {
  const index = new FocusIndex();
  const [owner, setOwner] = createSignal<Owner>(index.owner(), { equals: false });
  const isOwner = createSelector(() => keyOf(owner().layer, owner().zone, owner().index));
  onCleanup(index.subscribe(setOwner));
  return { index, owner, isOwner };
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
  createRenderEffect(() => focus.index.reorder(id, props.order));
  const anchored = (): boolean => focus.isOwner(keyOf(id, null, 0));
  createEffect(() => {
    if (anchored()) element.focus({ preventScroll: true });
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
  /** Spread on an item's element: it takes the real focus, answers pointers, and shows its state in data-focused. */
  item(index: number): ItemProps;
  isFocused(index: number): boolean;
  /** The item that has, or would get, the focus. */
  current: Accessor<number>;
  /** Does the zone own the focus now? */
  within: Accessor<boolean>;
}

export interface ItemProps {
  ref: (element: HTMLElement) => void;
  onClick: (event: MouseEvent) => void;
  onFocusIn: () => void;
  readonly tabindex: "0" | "-1";
  readonly "data-focused": "" | undefined;
}

export type ZoneOptions = Omit<ZoneSpec, "count"> & { count: Accessor<number> };

/** Declare a zone of the surrounding layer. Options other than the count are fixed. */
export function useZone(options: ZoneOptions): ZoneBinding {
  const focus = useFocus();
  const layer = useLayerId();
  const [current, setCurrent] = createSignal(0);
  const within = (): boolean => focus.owner().layer === layer && focus.owner().zone === options.id;
  createRenderEffect(() => {
    focus.index.put(layer, { ...options, count: options.count() });
    setCurrent(focus.index.indexOf(layer, options.id));
  });
  createRenderEffect(() => {
    const owner = focus.owner();
    if (owner.layer === layer && owner.zone === options.id) setCurrent(owner.index);
  });
  onCleanup(() => focus.index.remove(layer, options.id));
  const isCurrent = createSelector(current);

  function item(index: number): ItemProps {
    const key = keyOf(layer, options.id, index);
    return {
      ref: (element) => {
        createEffect(() => {
          if (focus.isOwner(key)) element.focus({ preventScroll: true });
        });
      },
      onClick: (event) => {
        event.stopPropagation();
        if (focus.index.claim(layer, options.id, index)) options.onPress?.(index);
      },
      onFocusIn: () => {
        if (!focus.isOwner(key)) focus.index.claim(layer, options.id, index);
      },
      get tabindex() {
        return isCurrent(index) ? ("0" as const) : ("-1" as const);
      },
      get "data-focused"() {
        return focus.isOwner(key) ? ("" as const) : undefined;
      },
    };
  }
  return { item, isFocused: (index) => focus.isOwner(keyOf(layer, options.id, index)), current, within };
}
