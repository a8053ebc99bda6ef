// For work on the screens without a server: dist/ and the API's shapes with made-up titles, their pictures drawn as SVG. It
// plays nothing. `node dev/fixture.mjs [port]`, then /watch/ and /box/. Odd cases by switches in FIXTURE: "empty" (a first film
// is being made), "slow" (each answer after a second), "many" (60 rows of 400), "elsewhere" (a service that only a phone has, and
// a box that shows less than a film offers), "held" (a box that must be checked), "pin" (a home with the PIN 1234).
import { createServer } from "node:http";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const dist = join(dirname(fileURLToPath(import.meta.url)), "..", "dist");
const port = Number(process.argv[2] ?? 0);
const mode = process.env.FIXTURE ?? "";
const started = Date.now();

const NAMES = [
  "The Salt Road", "Lanterns at Noon", "Une saison lente", "Night Ferry", "The Cartographer’s Daughter", "Low Tide", "Paper Moons",
  "Le Dernier Tramway", "North of Silence", "The Glass Orchard", "Minuit, rue des Lilas", "Small Hours", "The Weight of Snow",
  "Ember", "A Room by the Sea", "Les Heures claires", "Parallel Lines", "The Beekeeper of Rhodes", "Static", "Hors saison",
  "The Long Echo", "Violet Hour", "Harbour", "Chroniques d’un été sans fin", "Tinder", "The Astronomer", "Second Sun", "La Digue",
  "Red Clay", "A Quiet Machine",
];
const GENRES = ["drama", "comedy", "thriller", "documentary", "animation", "science_fiction", "family", "romance"];
const PEOPLE = ["A. Marlow", "Inès Caron", "T. Okafor", "Lena Vidal", "J. Brandt", "M. Sorel"];
const hash = (text) => createHash("sha256").update(text).digest();
const id = (text) => hash(text).toString("hex").slice(0, 32);

const synopsis =
  "On an island where the ferries have stopped, a young cartographer finds that the maps she inherited show a coast that does not exist yet. She sets out to draw what is missing, and someone follows.";
const titles = new Map();
function art(key, fails) {
  if (fails === "none") return null;
  const base = `/artwork/${fails ? "missing" : key}`;
  return { poster: `${base}/poster.jpg`, poster_small: `${base}/poster-320.jpg`, backdrop: `${base}/backdrop.jpg`, backdrop_small: `${base}/backdrop-960.jpg`, tile: `${base}/tile.jpg` };
}
function tile(name, at, kind = "film") {
  const key = id(name);
  const made = {
    id: key, kind, name, year: 2012 + (at % 13), duration_ms: kind === "series" ? null : (41 + ((at * 17) % 92)) * 60_000,
    age_class: [0, 0, 10, 12, 16, 18][at % 6], genres: [GENRES[at % 8], GENRES[(at + 3) % 8]],
    artwork: art(key, at % 13 === 7 ? "none" : at % 17 === 9), synopsis_short: synopsis, service_id: id("svod"),
    service_name: at % 13 === 7 ? "Chaîne 1" : null,
  };
  titles.set(key, made);
  return made;
}
const films = NAMES.map((name, at) => tile(name, at));
const more = Array.from({ length: 24 }, (_, at) => tile(`${NAMES[(at * 7) % 30].split(" ").slice(-1)[0]} & ${NAMES[(at * 3 + 1) % 30].split(" ").slice(-1)[0]}`, at + 30));
const shows = ["Signal Station", "Maison Verne", "The Understudies", "Deep Field"].map((name, at) => tile(name, at + 3, "series"));
for (const show of shows) {
  show.seasons = [1, 2].map((number) => ({
    number, name: null,
    episodes: ["Pilot light", "The second letter", "Undertow", "What the fog kept", "Nine degrees", "Home waters"].map((name, at) => {
      const key = id(`${show.name} ${number} ${at}`);
      const episode = { ...show, seasons: undefined, id: key, kind: "episode", name, duration_ms: (38 + at * 3) * 60_000, artwork: art(key), synopsis, series: { id: show.id, name: show.name, season: number, episode: at + 1 } };
      titles.set(key, episode);
      return episode;
    }),
  }));
}
const plain = ({ seasons, synopsis: _, ...rest }) => rest;
const resumed = [films[3], films[9], shows[0].seasons[0].episodes[2], films[14]].map((one, at) => ({ ...plain(one), progress: { position_ms: one.duration_ms * (0.2 + at * 0.2), duration_ms: one.duration_ms } }));
const all = [...films, ...more];
const many = mode.includes("many");
const rows = [
  { id: "continue", kind: "continue", items: resumed, more: false },
  { id: "for-you", kind: "for-you", items: [...more.slice(3, 12), plain(shows[3]), ...films.slice(15, 24)], more: false },
  { id: "new", kind: "new", items: films.slice(0, 14), more: true },
  { id: "top", kind: "top", about: "Riviera", items: [...films.slice(10, 19), plain(shows[0])], more: false },
  { id: `because-${films[4].id}`, kind: "because", about: films[4].name, items: more.slice(8, 20), more: false },
  { id: "empty", kind: "genre", genre: "war", items: [], more: false },
  { id: "series", kind: "series", items: shows.map(plain), more: false },
  ...GENRES.map((genre) => ({ id: `genre-${genre}`, kind: "genre", genre, items: all.filter((one) => one.genres.includes(genre)), more: false })),
  ...(many ? Array.from({ length: 60 }, (_, at) => ({ id: `many-${at}`, kind: "genre", genre: `theme ${at}`, items: Array.from({ length: 400 }, (_, n) => all[(n + at) % all.length]), more: false })) : []),
];
const looks = { avatar: "", kids: false, asks_pin: false };
let profiles = [
  { id: id("p1"), name: "Camille", color: "#e0913a", age_class: 18, language: "fr", audio_language: "fr", subtitle_language: null, ...looks },
  { id: id("p2"), name: "Alex", color: "#3d7ea6", age_class: 18, language: "en", audio_language: "en", subtitle_language: "en", ...looks, avatar: "owl" },
  { id: id("p3"), name: "Jo", color: "#5fa35b", age_class: 10, language: "fr", audio_language: "fr", subtitle_language: null, ...looks, avatar: "fox", kids: true },
];
let pin = mode.includes("pin") ? "1234" : null;
let keptOn = null;
let recommends = false;
const tastes = new Map();
const asPeople = () => profiles.map((one) => ({ ...one, asks_pin: pin !== null && one.id !== keptOn && (one.age_class === 18 || (keptOn !== null && !one.kids)) }));

function picture(key, name) {
  const [w, h] = name.startsWith("poster") ? [720, 1080] : name === "tile.jpg" ? [640, 360] : [1920, 1080];
  const seed = hash(key);
  const hue = 170 + (seed[0] / 255) * 220;
  const label = titles.get(key)?.name ?? "";
  const hills = [0, 1, 2].map((n) => {
    const y = h * (0.5 + n * 0.16);
    const a = h * (0.06 + (seed[n + 3] / 255) * 0.16);
    return `<path d="M0 ${y} C ${w * 0.25} ${y - a}, ${w * 0.4} ${y + a}, ${w * 0.6} ${y - a * 0.4} S ${w * 0.9} ${y - a}, ${w} ${y} V ${h} H 0Z" fill="hsl(${hue + n * 9} 38% ${30 - n * 9}%)"/>`;
  }).join("");
  const words = name.startsWith("backdrop") ? "" : label.split(" ").reduce((lines, word) => {
    const last = lines[lines.length - 1];
    if (last && (last + word).length < 13) lines[lines.length - 1] = `${last} ${word}`; else lines.push(word);
    return lines;
  }, []).reverse().map((line, at) => `<text x="${w * 0.07}" y="${h * 0.93 - at * h * (name === "tile.jpg" ? 0.15 : 0.075)}" font-family="Manrope, sans-serif" font-weight="800" font-size="${h * (name === "tile.jpg" ? 0.13 : 0.066)}" letter-spacing="-1" fill="#fffaf0">${line.replace("&", "&amp;")}</text>`).join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}"><defs><linearGradient id="s" x2="0" y2="1"><stop offset="0" stop-color="hsl(${hue + 30} 45% 22%)"/><stop offset=".6" stop-color="hsl(${hue + 70} 60% 62%)"/></linearGradient></defs><rect width="${w}" height="${h}" fill="url(#s)"/><circle cx="${w * (0.55 + seed[1] / 900)}" cy="${h * (0.3 + seed[2] / 1500)}" r="${h * 0.11}" fill="hsl(${hue + 85} 85% 82%)"/>${hills}${words}</svg>`;
}

const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".woff2": "font/woff2", ".svg": "image/svg+xml" };

const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://fixture");
  const path = decodeURIComponent(url.pathname);
  const json = (body, status = 200) => {
    const text = JSON.stringify(body);
    const etag = `"${createHash("sha1").update(text).digest("base64url")}"`;
    if (request.headers["if-none-match"] === etag) return response.writeHead(304).end();
    response.writeHead(status, { "Content-Type": status < 400 ? "application/json" : "application/problem+json", ETag: etag }).end(text);
  };
  const problem = (status, code) => json({ type: "about:blank", title: code, status, code, detail: code }, status);
  if (path.startsWith("/api/") && mode.includes("slow")) await new Promise((done) => setTimeout(done, 1000));
  const empty = mode.includes("empty") || mode.includes("held");
  if (path === "/api/v1/status") {
    const fraction = Math.min(1, (Date.now() - started) / 120_000);
    return json({ ready: !empty, ingests: empty ? [{ name: "Lanterns at Noon", stage: "encode", fraction }, { name: "Night Ferry", stage: "waiting", fraction: 0 }] : [] });
  }
  if (path === "/api/v1/box/release") return json(JSON.parse(readFileSync(join(dist, "release.json"), "utf8")));
  if (path.startsWith("/api/") && !request.headers.authorization) return problem(401, "token_missing");
  if (path === "/api/v1/me") return json({ party: "box", household_id: id("h"), box: { id: id("b"), model: "Livebox Play", label: "Salon", held: mode.includes("held") }, operator: { id: id("o"), name: "Regional Fibre" }, language: "fr", profiles: asPeople(), has_pin: pin !== null, kept_on: keptOn, services: [{ id: id("svod"), name: "Matinee" }] });
  if (path === "/api/v1/announced") return json({ services: mode.includes("elsewhere") ? [{ service: id("cine"), name: "Ciné-club", shows: "elsewhere", announced_for: "", watch_at: "https://tv.example/watch/" }, { service: id("soon"), name: "Théâtre", shows: "coming", announced_for: "2031-11", watch_at: "" }] : [] });
  if (path === "/api/v1/home") return json({ rows: empty ? [] : rows });
  if (path.startsWith("/api/v1/rows/")) return json({ items: all, next_cursor: null });
  if (path === "/api/v1/search") {
    const q = fold(url.searchParams.get("q") ?? "");
    const items = [...all, ...shows.map(plain)].filter((one) => fold(one.name).includes(q)).slice(0, 48);
    return json({ query: q, items, suggestions: [...new Set(items.slice(0, 4).map((one) => one.name))] });
  }
  const title = /^\/api\/v1\/titles\/(\w+)$/.exec(path);
  if (title) {
    const one = titles.get(title[1]);
    if (!one) return problem(404, "not_found");
    const at = resumed.find((r) => r.id === one.id || r.series?.id === one.id);
    return json({
      ...one, synopsis, ...(tastes.get(one.id) ?? { in_list: false, thumb: null }), credits: [{ role: "director", names: [PEOPLE[0]] }, { role: "writer", names: [PEOPLE[1], PEOPLE[2]] }, { role: "cast", names: PEOPLE.slice(2) }, { role: "composer", names: [PEOPLE[4]] }],
      audio: [{ language: "fr", label: "Français", role: "main" }, { language: "en", label: "English", role: "main" }], subtitles: [{ language: "fr", label: "Français", role: "subtitle" }, { language: "en", label: "English", role: "caption" }],
      quality: { height: 1080, hdr: false, here: mode.includes("elsewhere") ? 720 : null }, seasons: one.seasons ?? [], resume: at ? { title_id: at.id, position_ms: at.progress.position_ms } : null, markers: [], warnings: [], ways: one.service_name ? [{ number: 0, offer: "subscribe", subscription: "Pass" }] : [], similar: all.filter((o) => o.id !== one.id && o.genres[0] === one.genres[0]),
    });
  }
  const opened = /^\/api\/v1\/titles\/(\w+)\/open$/.exec(path);
  if (opened && titles.has(opened[1])) return json({ action: "launch", uri: "https://tv.example/", context: { source: "home", title_id: opened[1] } });
  const preferences = /^\/api\/v1\/profiles\/(\w+)\/preferences$/.exec(path);
  if (preferences && request.method === "PUT") {
    let body = "";
    for await (const chunk of request) body += chunk;
    profiles = profiles.map((one) => (one.id === preferences[1] ? { ...one, ...JSON.parse(body) } : one));
    return json(profiles.find((one) => one.id === preferences[1]));
  }
  const read = async () => {
    let body = "";
    for await (const chunk of request) body += chunk;
    return body ? JSON.parse(body) : {};
  };
  const people = (one) => json({ profile: asPeople().find((known) => known.id === one) ?? null, profiles: asPeople() });
  const chosen = /^\/api\/v1\/profiles\/(\w+)\/choose$/.exec(path);
  if (chosen) {
    keptOn = profiles.find((one) => one.id === chosen[1])?.kids ? chosen[1] : null;
    return people(chosen[1]);
  }
  const profile = /^\/api\/v1\/profiles\/(\w+)$/.exec(path);
  if (path === "/api/v1/profiles" && request.method === "POST") {
    const { request: wish, ...told } = await read();
    if (!profiles.some((one) => one.wish === wish)) profiles.push({ ...looks, ...told, wish, id: id(wish), audio_language: told.language, subtitle_language: null });
    return people(id(wish));
  }
  if (profile && request.method === "PATCH") {
    const told = await read();
    profiles = profiles.map((one) => (one.id === profile[1] ? { ...one, ...told } : one));
    return people(profile[1]);
  }
  if (profile && request.method === "DELETE") {
    profiles = profiles.filter((one) => one.id !== profile[1]);
    return people("");
  }
  if (path === "/api/v1/pin/unlock") return (await read()).pin === pin ? json({ unlock: "open", expires_at: "" }) : problem(403, "pin_wrong");
  if (path === "/api/v1/pin") {
    pin = request.method === "PUT" ? (await read()).pin : null;
    return response.writeHead(204).end();
  }
  const taste = /^\/api\/v1\/titles\/(\w+)\/(list|thumb)$/.exec(path);
  if (taste) {
    const before = tastes.get(taste[1]) ?? { in_list: false, thumb: null };
    const after = taste[2] === "list" ? { ...before, in_list: request.method === "PUT" } : { ...before, thumb: (await read()).thumb };
    tastes.set(taste[1], after);
    return json(after);
  }
  if (path === "/api/v1/history" && request.method === "GET") return json({ items: resumed.map((title) => ({ title, at: "2030-01-01T00:00:00Z", completed: false })), next_cursor: null });
  if (/^\/api\/v1\/profiles\/\w+\/consents$/.test(path)) {
    if (request.method === "PUT") recommends = (await read()).given;
    return json({ consents: [{ purpose: "needed", asked: false, given: true, since: null }, { purpose: "recommendations", asked: true, given: recommends, since: null }] });
  }
  if (path.startsWith("/api/v1/history")) return response.writeHead(204).end();
  if (path.startsWith("/api/")) return problem(503, "not_in_the_fixture");
  const artwork = /^\/artwork\/(\w+)\/([\w.-]+)$/.exec(path);
  if (artwork) {
    if (artwork[1] === "missing") return response.writeHead(404).end();
    return response.writeHead(200, { "Content-Type": "image/svg+xml", "Cache-Control": "max-age=31536000, immutable" }).end(picture(artwork[1], artwork[2]));
  }
  let file = join(dist, normalize(path));
  if (!file.startsWith(dist)) return response.writeHead(404).end();
  if (existsSync(file) && statSync(file).isDirectory()) file = join(file, "index.html");
  if (!existsSync(file)) return response.writeHead(404).end("not found");
  response.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "application/octet-stream" }).end(readFileSync(file));
});
server.listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
