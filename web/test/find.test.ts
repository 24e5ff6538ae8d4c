import { expect, test } from "vitest";
import { find } from "@/learning/find";
import { loadThings } from "@/learning/things";

const things = await loadThings();
const names = (query: string) => find(things, query).hits.map((thing) => thing.zh);

test("the whole dictionary is read, quoted fields included", () => {
  expect(things.length).toBeGreaterThan(700);
  expect(things.every((thing) => thing.prepare.zh && thing.prepare.en)).toBe(true);
});

test("what must go into no bin comes first, or directly after what is called exactly so", () => {
  expect(find(things, "电池").hits[0]?.noBin).toBe(true);
  expect(names("牙刷").slice(0, 2)).toEqual(["牙刷", "电动牙刷"]);
  expect(names("充电宝")[0]).toBe("充电宝");
});

test("hits of several categories are a choice, and each category is among them", () => {
  for (const query of ["电池", "打火机", "耳机", "灯泡", "电"]) expect(find(things, query).choice).toBe(true);
  expect(new Set(find(things, "电").hits.map((thing) => thing.category)).size).toBeGreaterThan(3);
});

test("an unknown thing has no answer, and a name inside the query is a guess", () => {
  expect(find(things, "恐龙蛋")).toEqual({ hits: [], choice: false, guess: false });
  expect(find(things, "我的旧充电宝")).toMatchObject({ guess: true, hits: [{ zh: "充电宝" }] });
  expect(names("batteries")).toContain("锂电池");
});
