import { onScopeDispose, ref, type Ref } from "vue";

/** The site's calendar decides which day it is, not the zone of the screen. */
export const SITE_ZONE = "Asia/Shanghai";

const parts = new Intl.DateTimeFormat("en-CA", {
  timeZone: SITE_ZONE,
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
});

/** The site's calendar day of an instant, as 2026-11-23. */
export const dayOf = (ms: number): string => parts.format(ms);

/** `days` later (earlier when negative) than a calendar day. */
export function shiftDay(day: string, days: number): string {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}

/** The present instant in ms, refreshed every `everyMs`. */
export function useNow(everyMs = 1_000): Ref<number> {
  const now = ref(Date.now());
  const timer = window.setInterval(() => {
    now.value = Date.now();
  }, everyMs);
  onScopeDispose(() => clearInterval(timer));
  return now;
}
