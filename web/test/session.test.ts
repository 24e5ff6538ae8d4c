import { createApp, effectScope } from "vue";
import { createMemoryHistory, createRouter } from "vue-router";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Session } from "@/api/types";
import { grantedBy, homeOf, useSession } from "@/app/session";
import { useFilter } from "@/ui/filter";

const session = (changed: Partial<Session>): Session => ({
  name: "li",
  role: "crew",
  must_change: false,
  may: [],
  ...changed,
});

describe("where a day begins", () => {
  it("is the first page that the server lets somebody open", () => {
    expect(homeOf(session({ may: ["GET /api/v1/devices", "GET /api/v1/users"] }))).toBe("/office");
    expect(homeOf(session({ may: ["POST /api/v1/devices/{device}/verdicts"] }))).toBe("/office/verdicts");
    expect(homeOf(session({ may: ["POST /api/v1/rounds"] }))).toBe("/crew");
    expect(homeOf(session({ account: "0001", may: [] }))).toBe("/me");
    expect(homeOf(session({ must_change: true, may: ["GET /api/v1/devices"] }))).toBe("/password");
  });

  it("gives the roles of the office to an admin alone", () => {
    expect(grantedBy(session({ role: "office" }))).not.toContain("office");
    expect(grantedBy(session({ role: "admin" }))).toContain("admin");
  });
});

describe("the session of a page", () => {
  const fetched = vi.fn(async () => Response.json(session({ may: ["GET /api/v1/signals"] })));
  beforeEach(() => {
    fetched.mockClear();
    vi.stubGlobal("fetch", fetched);
  });

  it("is asked for once, however many parts of the page want it", async () => {
    const page = effectScope();
    const parts = page.run(() => [useSession(), useSession(), useSession()]) ?? [];
    await parts[0]?.session.latest();
    await vi.waitFor(() => expect(parts.map((one) => one.may("signals"))).toEqual([true, true, true]));
    expect(fetched).toHaveBeenCalledTimes(1);
    expect(parts[1]?.deniedAt("people")?.kind).toBe("forbidden");
    expect(parts[1]?.deniedAt("signals")).toBeNull();
    page.stop();
  });

  it("is asked for anew by the next page", async () => {
    for (const page of [effectScope(), effectScope()]) {
      await page.run(() => useSession())?.session.latest();
      page.stop();
    }
    expect(fetched).toHaveBeenCalledTimes(2);
  });
});

describe("a filter in the address", () => {
  it("is one of its values or none, and leaves the rest of the address as it is", async () => {
    const router = createRouter({
      history: createMemoryHistory(),
      routes: [{ path: "/", component: { render: () => null } }],
    });
    await router.push("/?state=full&device=bin-001");
    const app = createApp({ render: () => null }).use(router);
    const { chosen, choose } = app.runWithContext(() => useFilter("state", ["full", "silent"]));
    expect(chosen.value).toBe("full");
    await choose("silent");
    expect(router.currentRoute.value.fullPath).toBe("/?state=silent&device=bin-001");
    await choose(null);
    expect(router.currentRoute.value.query).toEqual({ device: "bin-001" });
    await router.push("/?state=anything");
    expect(chosen.value).toBeNull();
  });
});
