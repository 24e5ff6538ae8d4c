type Value = string | number | null;

/** Rows by what `of` says of each, words in the order of Chinese; a row without a value comes last either way. */
export function sorted<Row>(rows: readonly Row[], of: (row: Row) => Value, descending: boolean): Row[] {
  const turn = descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [x, y] = [of(a), of(b)];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    return turn * (typeof x === "string" || typeof y === "string" ? String(x).localeCompare(String(y), "zh") : x - y);
  });
}
