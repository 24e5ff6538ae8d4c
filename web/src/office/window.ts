import { ref } from "vue";
import { useRoute } from "vue-router";
import { dayOf, shiftDay } from "@/lib/clock";

/** The days an office page looks at: from the address, else the last 30. */
export function useWindow(days = 30) {
  const { query } = useRoute();
  const today = dayOf(Date.now());
  const given = (name: string) => (/^\d{4}-\d\d-\d\d$/.test(String(query[name])) ? String(query[name]) : undefined);
  return { today, from: ref(given("from") ?? shiftDay(today, 1 - days)), to: ref(given("to") ?? today) };
}
