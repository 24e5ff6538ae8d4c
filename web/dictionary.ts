import type { Plugin } from "vite";

/** The rows of a CSV with quoted fields (RFC 4180), each by its column's name. */
function rowsOf(text: string): Record<string, string>[] {
  const lines: string[][] = [[]];
  for (const [, quoted, plain, end] of text
    .replace(/^\uFEFF/, "")
    .matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    lines[lines.length - 1]!.push(quoted === undefined ? (plain ?? "") : quoted.replaceAll('""', '"'));
    if (end !== ",") lines.push([]);
  }
  const [head = [], ...rows] = lines.filter((fields) => fields.length > 1);
  return rows.map((fields, n) => {
    if (fields.length !== head.length)
      throw new Error(`dictionary.csv, line ${n + 2}: ${fields.length} fields where the head has ${head.length}`);
    return Object.fromEntries(head.map((column, i) => [column, fields[i]!]));
  });
}

/** The columns that the guide shows or searches, in the order in which it reads them. */
const COLUMNS = [
  "id",
  "zh",
  "en",
  "category",
  "aliases",
  "prepare_zh",
  "prepare_en",
  "note_zh",
  "focus",
  "certainty",
  "safety",
];

/** Makes the sorting dictionary (smartbin/learning/dictionary.csv) a module: its rows, without what nobody reads. */
export const dictionary = (): Plugin => ({
  name: "dictionary",
  transform(text, id) {
    if (!/\/dictionary\.csv(\?import)?$/.test(id)) return null; // a development server adds the query
    const rows = rowsOf(text).map((row) => COLUMNS.map((column) => row[column]));
    return { code: `export default JSON.parse(${JSON.stringify(JSON.stringify(rows))});`, map: null };
  },
});
