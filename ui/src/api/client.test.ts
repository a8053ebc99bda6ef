import { describe, expect, it, vi } from "vitest";
import { backoffMs, type ClientPorts, createClient } from "./client";
import { Aborted, ApiError, complaintOf, NetworkError } from "./errors";

type Answer = { status?: number; body?: unknown; etag?: string } | "cut" | "half" | "hang";

function server(...answers: Answer[]) {
  const requests: { path: string; method: string; headers: Record<string, string>; body: string | null }[] = [];
  const reached: boolean[] = [];
  const slept: number[] = [];
  const refused = vi.fn();
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const answer = answers[Math.min(requests.length, answers.length - 1)] ?? "cut";
    const headers = Object.fromEntries(new Headers(init?.headers).entries());
    requests.push({ path: String(input), method: init?.method ?? "GET", headers, body: (init?.body as string) ?? null });
    if (answer === "cut") throw new TypeError("Failed to fetch");
    if (answer === "half") return new Response('{"rows":[', { status: 200 });
    if (answer === "hang") {
      return new Promise((_, reject) => {
        init?.signal?.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
      });
    }
    const status = answer.status ?? 200;
    const empty = status === 204 || status === 304;
    return new Response(empty ? null : JSON.stringify(answer.body ?? {}), {
      status,
      headers: answer.etag ? { ETag: answer.etag } : {},
    });
  };
  const ports: ClientPorts = {
    origin: "",
    token: () => "mtb_secret",
    fetch,
    sleep: async (ms) => void slept.push(ms),
    random: () => 1,
    reached: (online) => reached.push(online),
    refused,
  };
  return { client: createClient(ports), requests, reached, slept, refused };
}

const problem = (status: number, code: string): Answer => ({ status, body: { type: "about:blank", title: "", status, code } });

describe("the client", () => {
  it("asks with the token and the query", async () => {
    const { client, requests } = server({ body: { query: "é", items: [], suggestions: [] } });
    await client.search("l’été & co", "p1", 20);
    expect(requests[0]?.path).toBe("/api/v1/search?q=l%E2%80%99%C3%A9t%C3%A9+%26+co&profile=p1&limit=20");
    expect(requests[0]?.headers["authorization"]).toBe("Bearer mtb_secret");
  });

  it("keeps an answer by its ETag and shows it again for a 304", async () => {
    const { client, requests } = server({ body: { rows: [1] }, etag: '"a"' }, { status: 304 });
    const first = await client.home("p1");
    expect(await client.home("p1")).toEqual(first);
    expect(requests[1]?.headers["if-none-match"]).toBe('"a"');
  });

  it("tries a GET again after a cut, waiting longer each time", async () => {
    const { client, slept, reached } = server("cut", "half", { body: { rows: [] } });
    expect(await client.home("p1")).toEqual({ rows: [] });
    expect(slept).toEqual([backoffMs(1, 1), backoffMs(2, 1)]);
    expect(reached[0]).toBe(false);
    expect(reached.at(-1)).toBe(true);
  });

  it("tries again when the server says that it is busy, not when it says no", async () => {
    expect(await server(problem(503, "busy"), { body: { rows: [] } }).client.home("p1")).toEqual({ rows: [] });
    const no = server(problem(404, "not_found"));
    await expect(no.client.title("x", "p1")).rejects.toMatchObject({ status: 404, code: "not_found" });
    expect(no.requests).toHaveLength(1);
  });

  it("never asks for a play twice by itself", async () => {
    const { client, requests } = server("cut");
    await expect(client.playback("t", "p")).rejects.toBeInstanceOf(NetworkError);
    expect(requests).toHaveLength(1);
    expect(JSON.parse(requests[0]?.body ?? "")).toEqual({ title_id: "t", profile_id: "p" });
  });

  it("gives up when its asker does", async () => {
    const { client, reached } = server("hang");
    const controller = new AbortController();
    const asked = client.search("a", "p", 1, { signal: controller.signal });
    controller.abort();
    await expect(asked).rejects.toBeInstanceOf(Aborted);
    expect(reached).toEqual([]);
  });

  it("waits so long and no longer", async () => {
    const { client } = server("hang");
    await expect(client.status({ timeoutMs: 5, retries: 0 })).rejects.toBeInstanceOf(NetworkError);
  });

  it("tells the shell when the token is refused", async () => {
    const { client, refused } = server(problem(401, "token_unknown"));
    await expect(client.me()).rejects.toBeInstanceOf(ApiError);
    expect(refused).toHaveBeenCalledOnce();
  });

  it("makes a problem of an answer that is none", async () => {
    const { client } = server({ status: 500, body: "<html>" });
    await expect(client.me({ retries: 0 })).rejects.toMatchObject({ status: 500, code: "unexpected_answer" });
  });

  it("answers nothing for 204", async () => {
    expect(await server({ status: 204 }).client.endPlayback("s", 3, 100)).toBeUndefined();
  });

  it.each([
    [new NetworkError(""), "network"],
    [new ApiError(401, { type: "", title: "", status: 401, code: "x" }), "signedOut"],
    [new ApiError(403, { type: "", title: "", status: 403, code: "x" }), "notAllowed"],
    [new ApiError(410, { type: "", title: "", status: 410, code: "x" }), "notFound"],
    [new ApiError(429, { type: "", title: "", status: 429, code: "x" }), "tooMany"],
    [new ApiError(500, { type: "", title: "", status: 500, code: "x" }), "server"],
    [new Error("anything"), "server"],
  ])("%s is told as %s", (error, complaint) => {
    expect(complaintOf(error)).toBe(complaint);
  });

  it("backs off between half and the whole, eight seconds at most", () => {
    expect([backoffMs(1, 0), backoffMs(1, 1), backoffMs(3, 1), backoffMs(20, 1)]).toEqual([200, 400, 1600, 8000]);
  });
});
