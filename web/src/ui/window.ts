import { ref, type Ref } from "vue";
import { useRoute } from "vue-router";
import { dayOf, shiftDay } from "./clock";

export const WINDOWS = ["today", "week", "thirty", "month", "lastMonth"] as const;
export type WindowName = (typeof WINDOWS)[number];

/** The first and the last day of a window that ends today, or of the last whole month. */
export function windowOf(name: WindowName, today: string): { from: string; to: string } {
  const first = `${today.slice(0, 8)}01`;
  const before = shiftDay(first, -1);
  switch (name) {
    case "today":
      return { from: today, to: today };
    case "week":
      return { from: shiftDay(today, -6), to: today };
    case "thirty":
      return { from: shiftDay(today, -29), to: today };
    case "month":
      return { from: first, to: today };
    case "lastMonth":
      return { from: `${before.slice(0, 8)}01`, to: before };
  }
}

/** The days an office page looks at: from the address, else the last `days`. */
export function useWindow(days = 30): { today: string; from: Ref<string>; to: Ref<string>; valid: () => boolean } {
  const { query } = useRoute();
  const today = dayOf(Date.now());
  const given = (name: string) => (/^\d{4}-\d\d-\d\d$/.test(String(query[name])) ? String(query[name]) : undefined);
  const from = ref(given("from") ?? shiftDay(today, 1 - days));
  const to = ref(given("to") ?? today);
  return { today, from, to, valid: () => from.value !== "" && to.value !== "" && from.value <= to.value };
}
