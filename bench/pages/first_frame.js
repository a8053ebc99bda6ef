// In every page: how long from the press of OK to the first frame of the film that moves, and to the first one at all.
//
// The clock starts with the key's own time stamp, when the browser got it, and stops when the page is told of a frame, so that
// a busy page pays for being busy at both ends. A film that was prepared has its very first frame decoded and presented before
// the key, and nothing tells when that one is painted in its new place; so what is compared between films is the first frame
// that is not the first one. A frame under the player's cover does not count.
"use strict";
{
  const OK = "Enter";
  const run = { armed: false, pressedAt: null, anyAt: null, movesAt: null, height: 0, playFocusedAt: null };
  window.bench = {
    run,
    /** The next OK is the one. */
    arm() {
      Object.assign(run, { armed: true, pressedAt: null, anyAt: null, movesAt: null, height: 0 });
    },
  };

  /** Every film here starts at its beginning: a frame beyond this is not its first one. */
  const START_S = 0.01;
  const asked = new WeakSet();
  const look = (video) => {
    video.requestVideoFrameCallback((_, { mediaTime }) => {
      const now = performance.now();
      const covered = !video.isConnected || document.querySelector(".player-cover") !== null;
      if (!covered) run.anyAt ??= now;
      if (covered || mediaTime < START_S) return look(video);
      run.movesAt ??= now;
      run.height = video.videoHeight;
    });
  };
  const watch = () => {
    if (run.pressedAt === null || run.movesAt !== null) return;
    for (const video of document.querySelectorAll("video")) {
      if (asked.has(video)) continue;
      asked.add(video);
      look(video);
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
