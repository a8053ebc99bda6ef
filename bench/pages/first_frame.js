// In every page: how long from the press of OK to the first frame of the film that is on the screen.
//
// The clock starts with the key's own time stamp, when the browser got it, so that a busy page pays for being busy. It stops
// at the first frame that the browser presents after that of a video that stands in the document: for a film that was
// prepared, this is the first frame that moves.
"use strict";
{
  const OK = "Enter";
  const run = { armed: false, pressedAt: null, frameAt: null, height: 0, playFocusedAt: null };
  window.bench = {
    run,
    /** The next OK is the one. */
    arm() {
      Object.assign(run, { armed: true, pressedAt: null, frameAt: null, height: 0 });
    },
  };

  const asked = new WeakSet();
  const watch = () => {
    if (run.pressedAt === null || run.frameAt !== null) return;
    for (const video of document.querySelectorAll("video")) {
      if (asked.has(video)) continue;
      asked.add(video);
      video.requestVideoFrameCallback(() => {
        run.frameAt ??= performance.now();
        run.height = video.videoHeight;
      });
    }
  };
  window.addEventListener(
    "keydown",
    (event) => {
      if (!run.armed || event.key !== OK) return;
      run.armed = false;
      run.pressedAt = event.timeStamp;
      watch();
    },
    true,
  );
  document.addEventListener("focusin", (event) => {
    if (event.target instanceof Element && event.target.matches("[data-action=play]")) run.playFocusedAt = event.timeStamp;
  });
  new MutationObserver(watch).observe(document, { childList: true, subtree: true });
}
