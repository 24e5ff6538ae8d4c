import { computed } from "vue";
import { useI18n } from "vue-i18n";
import { SITE_ZONE, dayOf } from "./clock";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Figures, weights, shares and times as people of the chosen language say them. */
export function useFormat() {
  const { locale, t } = useI18n();
  const make = computed(() => {
    const tag = locale.value === "zh" ? "zh-CN" : "en-GB";
    return {
      whole: new Intl.NumberFormat(tag, { maximumFractionDigits: 0 }),
      tenth: new Intl.NumberFormat(tag, { minimumFractionDigits: 1, maximumFractionDigits: 1 }),
      date: new Intl.DateTimeFormat(tag, { timeZone: SITE_ZONE, month: "long", day: "numeric", weekday: "long" }),
      short: new Intl.DateTimeFormat(tag, { timeZone: SITE_ZONE, month: "numeric", day: "numeric" }),
      time: new Intl.DateTimeFormat(tag, { timeZone: SITE_ZONE, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
      exact: new Intl.DateTimeFormat(tag, {
        timeZone: SITE_ZONE,
        dateStyle: "medium",
        timeStyle: "medium",
        hourCycle: "h23",
      }),
    };
  });
  const ms = (at: string | number) => (typeof at === "number" ? at : Date.parse(at));
  return {
    int: (n: number) => make.value.whole.format(n),
    kg: (g: number) => make.value.tenth.format(g / 1000),
    /** A difference of two shares in percentage points, with its sign: "+1.2". */
    points: (ratio: number) => `${ratio > 0 ? "+" : ""}${make.value.tenth.format(ratio * 100)}`,
    pct: (ratio: number) => `${make.value.tenth.format(ratio * 100)}%`,
    date: (at: string | number) => make.value.date.format(ms(at)),
    day: (day: string) => make.value.date.format(Date.parse(`${day}T12:00:00+08:00`)),
    shortDay: (day: string) => make.value.short.format(Date.parse(`${day}T12:00:00+08:00`)),
    time: (at: string | number) => make.value.time.format(ms(at)),
    exact: (at: string | number) => make.value.exact.format(ms(at)),
    /** "3 分钟前"; with a date once it is more than a day. */
    ago: (now: number, at: string | number) => {
      const gone = Math.max(0, now - ms(at));
      if (gone < MINUTE) return t("time.now");
      if (gone < HOUR) return t("time.minutes", { n: Math.floor(gone / MINUTE) });
      if (gone < DAY) return t("time.hours", { n: Math.floor(gone / HOUR) });
      return t("time.days", { n: Math.floor(gone / DAY) });
    },
    /** "2 小时" */
    span: (gone: number) => {
      if (gone < HOUR) return t("time.spanMinutes", { n: Math.max(1, Math.floor(gone / MINUTE)) });
      if (gone < 2 * DAY) return t("time.spanHours", { n: Math.floor(gone / HOUR) });
      return t("time.spanDays", { n: Math.floor(gone / DAY) });
    },
    dayOf,
  };
}
