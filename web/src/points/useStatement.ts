import { ref } from "vue";
import { get } from "@/api/client";
import type { Statement, StatementLine } from "@/api/types";
import { dayOf, shiftDay } from "@/ui/clock";
import { useResource } from "@/ui/resource";

const DAYS = 90;
const PAGE = 100;

/** An account's statement of the last three months, page by page. */
export function useStatement(account: () => Promise<string>) {
  const lines = ref<StatementLine[]>([]);
  const page = async (skip: number) => {
    const today = dayOf(Date.now());
    return get<Statement>(`accounts/${await account()}/statement`, { from: shiftDay(today, 1 - DAYS), to: today, skip, limit: PAGE });
  };
  const statement = useResource(async () => {
    const first = await page(0);
    lines.value = first.lines;
    return first;
  });
  const next = ref<number | null>(null);
  const more = async () => {
    const found = await page(lines.value.length);
    lines.value = [...lines.value, ...found.lines];
    next.value = found.next_skip;
  };
  const hasMore = () => (lines.value.length > PAGE ? next.value !== null : (statement.data.value?.next_skip ?? null) !== null);
  return { statement, lines, more, hasMore };
}
