import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { dayOf, shiftDay } from "@/ui/clock";
import { useDayAxis } from "@/ui/dayAxis";
import { useFormat } from "@/ui/format";
import { windowOf } from "@/ui/window";
import { within } from "./within";

const NOON = Date.parse("2026-11-24T12:00:00+08:00");
const MINUTE = 60_000;

describe("the site's days", () => {
  it("change at the site's midnight, wherever the screen stands", () => {
    expect(dayOf(Date.parse("2026-11-24T15:59:59Z"))).toBe("2026-11-24");
    expect(dayOf(Date.parse("2026-11-24T16:00:00Z"))).toBe("2026-11-25");
  });

  it("go on over months and leap days", () => {
    expect(shiftDay("2026-11-01", -1)).toBe("2026-10-31");
    expect(shiftDay("2028-02-28", 1)).toBe("2028-02-29");
    expect(shiftDay("2026-12-31", 1)).toBe("2027-01-01");
  });
});

describe("a usual window", () => {
  it.each([
    ["today", "2026-03-05", "2026-03-05"],
    ["week", "2026-02-27", "2026-03-05"],
    ["thirty", "2026-02-04", "2026-03-05"],
    ["month", "2026-03-01", "2026-03-05"],
    ["lastMonth", "2026-02-01", "2026-02-28"],
  ] as const)("%s is from %s to %s", (name, from, to) => {
    expect(windowOf(name, "2026-03-05")).toEqual({ from, to });
  });

  it("of the last month in January is December", () => {
    expect(windowOf("lastMonth", "2027-01-10")).toEqual({ from: "2026-12-01", to: "2026-12-31" });
  });
});

describe("figures in words", () => {
  it("say weights, shares and differences", () => {
    const { found: f } = within(useFormat);
    expect(f.kg(12_345)).toBe("12.3");
    expect(f.pct(0.8762)).toBe("87.6%");
    expect(f.points(0.012)).toBe("+1.2");
    expect(f.points(-0.012)).toBe("-1.2");
    expect(f.int(1234567)).toBe("1,234,567");
  });

  it.each([
    [0.9 * MINUTE, "刚刚"],
    [MINUTE, "1 分钟前"],
    [59.9 * MINUTE, "59 分钟前"],
    [60 * MINUTE, "1 小时前"],
    [24 * 60 * MINUTE, "1 天前"],
    [-5 * MINUTE, "刚刚"],
  ])("say how long ago %d ms are", (gone, said) => {
    expect(within(useFormat).found.ago(NOON, NOON - gone)).toBe(said);
  });

  it("say a span in the reader's language", () => {
    expect(within(useFormat, "zh").found.span(90 * MINUTE)).toBe("1 小时");
    expect(within(useFormat, "zh").found.span(1)).toBe("1 分钟");
    expect(within(useFormat, "en").found.span(49 * 60 * MINUTE)).toContain("2");
  });

  it("say the site's time of an instant", () => {
    expect(within(useFormat).found.time("2026-11-24T09:05:00Z")).toBe("17:05");
  });
});

describe("an axis of days", () => {
  beforeEach(() => void vi.useFakeTimers({ now: NOON }));
  afterEach(() => void vi.useRealTimers());
  const days = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ day: shiftDay("2026-11-24", i + 1 - count) }));
  const labelled = (count: number) => {
    const { data, axisLabel } = within(useDayAxis).found(days(count), 10);
    return data.map((_, i) => i).filter((i) => axisLabel.interval(i));
  };

  it("ends with today, which is called so", () => {
    const { data } = within(useDayAxis).found(days(3), 10);
    expect(data.at(-1)).toBe("今天");
    expect(data[0]).toBe("11/22");
  });

  it("labels every day of a week, and a day a week of a month, counted back from the last", () => {
    expect(labelled(7)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(labelled(30)).toEqual([1, 8, 15, 22, 29]);
  });

  it("never has more labels than fit, however many days there are", () => {
    expect(labelled(365).length).toBeLessThanOrEqual(8);
  });
});
