// The way from our screens into another's application. A browser has one: a new page that knows nothing of ours (noopener). How
// each television starts an application of another maker's is its own, and none has been tried on a real one: so there
// we know no way yet, and say so. What is opened comes from the server, which lets only checked links through; that it is
// https is looked at once more, because a page that runs a script here would hold this screen's token.

import { keyMapFor } from "./detect";

export type Opened = "opened" | "noWay";

export interface Opener {
  open(uri: string): Opened;
}

export function openerFor(userAgent: string, page: Pick<Window, "open">): Opener {
  const isBrowser = keyMapFor(userAgent).id === "desktop";
  return {
    open(uri) {
      if (!isBrowser || !isHttps(uri)) return "noWay";
      page.open(uri, "_blank", "noopener,noreferrer");
      return "opened";
    },
  };
}

function isHttps(uri: string): boolean {
  try {
    return new URL(uri).protocol === "https:";
  } catch {
    return false;
  }
}
