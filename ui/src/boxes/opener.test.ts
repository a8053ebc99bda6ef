import { describe, expect, it, vi } from "vitest";
import { openerFor } from "./opener";

const BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/143";

describe("the way into another's application", () => {
  it("is a new page in a browser, which is told nothing of ours", () => {
    const open = vi.fn();
    expect(openerFor(BROWSER, { open }).open("https://tv.example/x")).toBe("opened");
    expect(open.mock.calls).toEqual([["https://tv.example/x", "_blank", "noopener,noreferrer"]]);
  });

  it.each(["javascript:alert(1)", "data:text/html,x", "http://tv.example/", "an-app://x", "/x", ""])("is none by %s", (uri) => {
    const open = vi.fn();
    expect(openerFor(BROWSER, { open }).open(uri)).toBe("noWay");
    expect(open).not.toHaveBeenCalled();
  });

  it.each(["Tizen 6.0", "Web0S", "HbbTV/1.6.1"])("is not known on %s", (userAgent) => {
    const open = vi.fn();
    expect(openerFor(userAgent, { open }).open("https://tv.example/x")).toBe("noWay");
    expect(open).not.toHaveBeenCalled();
  });
});
