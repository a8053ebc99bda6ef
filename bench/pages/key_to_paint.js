// In every page: how long from a key to the paint of what it did, as the browser itself measures it (Event Timing).
//
// That clock runs from the moment when the browser got the key, waiting and handlers and layout and paint included, to the
// frame that shows what changed; a page's own requestAnimationFrame would leave out the first and the last of these. It is
// rounded to 8 ms, and says nothing of keys that took less than 16 ms: the bench takes these for 16.
"use strict";
{
  const run = { durations: [], presses: 0, moves: 0 };
  window.bench = { run };
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.name === "keydown") run.durations.push(entry.duration);
  }).observe({ type: "event", durationThreshold: 16 });
  window.addEventListener("keydown", () => run.presses++, true);
  // After the page's own handlers: has the mark of the focus gone elsewhere? The document's focus may follow later.
  let last = null;
  window.addEventListener("keydown", () => {
    const now = document.querySelector("[data-focused]") ?? document.activeElement;
    if (now !== last) run.moves++;
    last = now;
  });
}
