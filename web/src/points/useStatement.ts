import { ref } from "vue";
import { get } from "@/api/client";
import type { StatementLine } from "@/api/types";
import { dayOf, shiftDay } from "@/ui/clock";
import { useResource } from "@/ui/resource";

const DAYS = 90;
const PAGE = 100;

/** An account's statement of the last three months, page by page. */
export function useStatement(account: () => Promise<string>) {
  const lines = ref<StatementLine[]>([]);
  const next = ref<string | null>(null);
  // A cursor goes on within the same days, also after midnight.
  let today = "";
  const page = async (cursor?: string) =>
    get("/api/v1/accounts/{account}/statement", {
      path: { account: await account() },
      query: { from: shiftDay(today, 1 - DAYS), to: today, limit: PAGE, cursor },
    });
  const statement = useResource(async () => {
    today = dayOf(Date.now());
    const first = await page();
    lines.value = first.lines;
    next.value = first.next;
    return first;
  });
  const more = async () => {
    const found = await page(next.value ?? undefined);
    lines.value = [...lines.value, ...found.lines];
    next.value = found.next;
  };
  const hasMore = () => next.value !== null;
  return { statement, lines, more, hasMore };
}
