import { describe, expect, it } from "vitest";
import { renewed, streamPrefix } from "./stream_url";

const OLD = "https://edge-1.example:8444/s/OLD/";
const NEW = "https://edge-1.example:8444/s/NEW_-1/";

describe("a stream's address", () => {
  it.each([
    ["https://edge.example/s/abc-_/p/1/manifest.mpd", "https://edge.example/s/abc-_/"],
    ["http://127.0.0.1:8080/s/t/p/1/v720/3.m4s", "http://127.0.0.1:8080/s/t/"],
    ["https://edge.example/artwork/1/s/2.jpg", null],
    ["https://edge.example/s/only", null],
  ])("%s begins with %s", (url, prefix) => expect(streamPrefix(url)).toBe(prefix));

  it.each([
    ["takes the newest token", `${OLD}p/1/v720/3.m4s`, `${NEW}p/1/v720/3.m4s`],
    ["also over one that a renewal brought before", "https://edge-1.example:8444/s/MID/p/1/a_fr/9.m4s", `${NEW}p/1/a_fr/9.m4s`],
    ["keeps a query", `${OLD}p/1/t.vtt?x=/s/OLD/`, `${NEW}p/1/t.vtt?x=/s/OLD/`],
    ["leaves another edge alone", "https://edge-2.example/s/OLD/p/1/3.m4s", "https://edge-2.example/s/OLD/p/1/3.m4s"],
    ["leaves what is no stream alone", "https://edge-1.example:8444/licence/clearkey/OLD", "https://edge-1.example:8444/licence/clearkey/OLD"],
    ["leaves inline data alone", "data:text/plain,/s/OLD/p", "data:text/plain,/s/OLD/p"],
  ])("%s", (_, url, expected) => expect(renewed(url, OLD, NEW)).toBe(expected));

  it("follows the answer to another edge", () => {
    expect(renewed(`${OLD}p/1/3.m4s`, OLD, "https://edge-9.example/s/N/")).toBe("https://edge-9.example/s/N/p/1/3.m4s");
  });
});
