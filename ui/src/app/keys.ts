// The one place where keys, pointers and the document's focus meet the focus index.

import { batch } from "solid-js";
import { afterPaint } from "../base/after_paint";
import { Pace } from "../base/pace";
import { isDirection, type Press } from "../base/actions";
import { actionOf, keyMapFor } from "../boxes/detect";
import type { Focus } from "../focus/solid";
import { Keyboard } from "../focus/keyboard";
import type { Nav } from "../screens/nav";

export function listenToKeys(focus: Focus, nav: Nav, tv: boolean): () => void {
  const { index } = focus;
  const map = keyMapFor(navigator.userAgent);

  function press(press: Press): boolean {
    const layer = index.topLayer();
    if (layer?.onKey?.(press)) return true;
    if (press.phase === "up") return false;
    const { action, repeat } = press;
    // In a browser an arrow that leads nowhere scrolls the page, as arrows do.
    if (isDirection(action)) return batch(() => index.move(action)) || tv;
    if (action === "ok") return repeat || index.press();
    if (action === "back") return repeat || (layer?.onBack?.() ?? false) || nav.back() || tv;
    if (action === "search" && !repeat && nav.current().screen !== "play") {
      nav.open({ screen: "search" });
      return true;
    }
    return false;
  }

  const root = document.documentElement;
  const pace = new Pace(() => (root.dataset["pace"] = "slow"));
  let pressedAt = 0;

  const keyboard = new Keyboard(
    { actionOf: (event) => actionOf(map, event) },
    {
      press,
      hasLongPress: () => index.target()?.longPress?.has(index.owner().index) ?? false,
      longPress: () => index.target()?.longPress?.run(index.owner().index),
      afterPaint: (callback) => {
        const since = pressedAt;
        afterPaint(() => {
          pace.note(performance.now() - since);
          callback();
        });
      },
      setTimer: (callback, ms) => window.setTimeout(callback, ms),
      clearTimer: (timer) => window.clearTimeout(timer),
    },
  );

  /** Whatever took the document's focus away (an element that went, a click beside everything): it returns to its owner. */
  function regain(): void {
    const active = document.activeElement;
    if (active && active !== document.body) return;
    const layer = document.querySelector(`[data-layer="${CSS.escape(index.owner().layer)}"]`);
    const owner = layer?.querySelector<HTMLElement>("[data-focused]") ?? layer;
    if (owner instanceof HTMLElement) owner.focus({ preventScroll: true });
  }

  const stop = new AbortController();
  const options = { signal: stop.signal, capture: true };
  window.addEventListener("keydown", (event) => {
    if (root.dataset["input"] !== "keys") root.dataset["input"] = "keys";
    regain();
    pressedAt = event.timeStamp;
    keyboard.down(event);
  }, options);
  window.addEventListener("keyup", (event) => keyboard.up(event), options);
  window.addEventListener("blur", () => keyboard.release(), options);
  window.addEventListener("pointerdown", () => {
    if (!tv) root.dataset["input"] = "pointer";
  }, options);
  document.addEventListener("focusout", (event) => {
    if (event.relatedTarget === null && document.hasFocus()) queueMicrotask(regain);
  }, options);
  return () => stop.abort();
}
