import { describe, expect, it } from "vitest";
import { csvOf } from "@/ui/csv";
import { sorted } from "@/ui/sorted";

describe("a table as CSV", () => {
  it("begins with a BOM, and ends its lines as spreadsheets expect", () => {
    expect(
      csvOf([
        ["名称", 1],
        ["b", 2.5],
      ]),
    ).toBe("\uFEFF名称,1\r\nb,2.5\r\n");
  });

  it("quotes what would break a row", () => {
    expect(csvOf([['a "b"', "c,d", "e\nf"]])).toBe('\uFEFF"a ""b""","c,d","e\nf"\r\n');
  });

  it.each(["=1+1", "+1", "-1", "@x", "\tx", "＝1", "＠x"])("runs no formula of %j", (text) => {
    expect(csvOf([[text]])).toContain(`'${text}`);
  });

  it("leaves a number below zero a number", () => {
    expect(csvOf([[-3]])).toBe("\uFEFF-3\r\n");
  });
});

describe("sorted rows", () => {
  const rows = [{ n: 2 }, { n: null }, { n: 10 }, { n: 1 }];

  it("are in the order of figures, not of their texts", () => {
    expect(sorted(rows, (row) => row.n, false).map((row) => row.n)).toEqual([1, 2, 10, null]);
  });

  it("have what is unknown last either way", () => {
    expect(sorted(rows, (row) => row.n, true).map((row) => row.n)).toEqual([10, 2, 1, null]);
  });

  it("are in the order of pinyin", () => {
    expect(sorted(["竹园", "安居", "南河"], (name) => name, false)).toEqual(["安居", "南河", "竹园"]);
  });

  it("are others than those given", () => {
    const given = [3, 1];
    sorted(given, (n) => n, false);
    expect(given).toEqual([3, 1]);
  });
});
