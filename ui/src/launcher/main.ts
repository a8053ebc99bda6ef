// The small program on the box that outlives releases. No framework, and nothing of the app: what starts releases must not
// break with one.

import { takeTokenFromAddress } from "../base/shell";
import { type Memory, type Release, remembered } from "./decide";
import { boxKey } from "./key";
import { launch, type LaunchPorts, type Notice } from "./launch";

const MEMORY = "matinee.launcher";

/** In both languages: before a token there is nobody whose language could be known. */
const WORDS: Record<Notice, [french: string, english: string]> = {
  starting: ["Un instant…", "One moment…"],
  unconnected: [
    "Cette box n’est pas encore reliée. Ouvrez ici, une seule fois, l’adresse complète que le service vous a donnée : elle se termine par #token=…",
    "This box is not connected yet. Open here, once, the whole address that the service gave you: it ends in #token=…",
  ],
  refused: [
    "Le service ne reconnaît plus cette box. Ouvrez ici l’adresse qu’il vous donne aujourd’hui pour la relier.",
    "The service no longer knows this box. Open here the address that it gives you today to connect it.",
  ],
  away: [
    "Le service ne répond pas pour l’instant. Nouvel essai dans quelques secondes, sans rien faire.",
    "The service does not answer right now. It is tried again in a few seconds, by itself.",
  ],
  failing: ["L’écran n’a pas démarré. Nouvel essai.", "The screen did not start. Trying again."],
};

const root = document.getElementById("matinee") ?? document.body;

function element(name: string, css: string, text = ""): HTMLElement {
  const made = document.createElement(name);
  made.style.cssText = css;
  made.textContent = text;
  return made;
}

function show(notice: Notice): void {
  const [french, english] = WORDS[notice];
  const box = element("main", "min-height:100vh;box-sizing:border-box;padding:5vh 6vw;display:flex;flex-direction:column;justify-content:center;gap:2.2vmin;font:500 clamp(17px,2.7vmin,34px)/1.5 system-ui,sans-serif;color:#f4f1ea");
  box.setAttribute("role", "status");
  const line = (text: string, language: string, css: string): void => {
    const made = element("p", `margin:0;max-width:34em;${css}`, text);
    made.lang = language;
    box.append(made);
  };
  box.append(element("p", "margin:0 0 2vmin;font-size:1.6em;font-weight:700;letter-spacing:-.03em", "matinee"));
  line(french, "fr", "");
  line(english, "en", "color:#9d9b98");
  if (!isSecureContext) {
    line("Adresse sans chiffrement (http) : cette box ne peut pas garder de clé.", "fr", "font-size:.8em;color:#9d9b98");
    line("Address without encryption (http): this box cannot hold a key.", "en", "font-size:.8em;color:#9d9b98");
  }
  root.replaceChildren(box);
}

const loaded = (made: HTMLElement): Promise<void> =>
  new Promise((resolve, reject) => {
    made.onload = () => resolve();
    made.onerror = () => reject(new Error("load"));
    document.head.append(made);
  });

function run({ version, entry, integrity, styles }: Release, token: string, stoodUp: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const stand = (): void => {
      stoodUp();
      resolve();
    };
    window.matineeShell = {
      seat: "tv",
      token,
      version,
      started: stand,
      tokenRefused: () => save({ ...ports.memory, token: null }),
    };
    addEventListener("matinee:started", stand, { once: true });
    const preload = Object.assign(document.createElement("link"), { rel: "modulepreload", href: entry, integrity, crossOrigin: "anonymous" });
    document.head.append(preload);
    const sheets = styles.map((style) => {
      const { href, integrity: hash } = typeof style === "string" ? { href: style, integrity: undefined } : style;
      const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
      if (hash) Object.assign(link, { integrity: hash, crossOrigin: "anonymous" });
      return loaded(link);
    });
    Promise.all(sheets)
      .then(() => loaded(Object.assign(document.createElement("script"), { type: "module", src: entry, integrity, crossOrigin: "anonymous" })))
      .catch(reject);
  });
}

function save(memory: Memory): void {
  ports.memory = memory;
  try {
    localStorage.setItem(MEMORY, JSON.stringify(memory));
  } catch {
    // A box without storage asks for its address at each start; it still plays.
  }
}

function read(): string | null {
  try {
    return localStorage.getItem(MEMORY);
  } catch {
    return null;
  }
}

const ports: LaunchPorts = {
  memory: remembered(read()),
  save,
  ask: async (method, path, body) => {
    const answer = await fetch(path, {
      method,
      cache: "no-store",
      credentials: "omit",
      signal: AbortSignal.timeout(8_000),
      headers: { Authorization: `Bearer ${ports.memory.token}`, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json().catch(() => null)) as unknown };
  },
  key: boxKey,
  show,
  run: (release: Release, stoodUp: () => void) => run(release, ports.memory.token ?? "", stoodUp),
  reload: () => location.reload(),
  sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
  random: Math.random,
};

function take(): boolean {
  const token = takeTokenFromAddress(location, history);
  if (token !== null) save({ ...ports.memory, token });
  return token !== null;
}

take();
// The address with its token, typed while this page stands, changes the fragment alone.
addEventListener("hashchange", () => take() && location.reload());
void launch(ports);
