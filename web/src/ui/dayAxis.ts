import { useI18n } from "vue-i18n";
import { dayOf } from "./clock";
import { useFormat } from "./format";
import { token } from "@/app/theme";

const WEEK = 7;
const LABELS_MAX = 8;

/** An axis of days: a label a week, counted back from the last day, which is said as today when it is. */
export function useDayAxis() {
  const { t } = useI18n();
  const f = useFormat();
  return (days: { day: string }[], em: number) => {
    const weeks = Math.ceil(days.length / WEEK / LABELS_MAX);
    const step = days.length <= LABELS_MAX ? 1 : WEEK * weeks;
    const today = dayOf(Date.now());
    return {
      data: days.map(({ day }) => (day === today ? t("time.today") : f.shortDay(day))),
      axisTick: { show: false },
      axisLine: { lineStyle: { color: token("line") } },
      axisLabel: {
        color: token("ink-2"),
        fontSize: em,
        margin: em * 0.6,
        interval: (i: number) => (days.length - 1 - i) % step === 0,
        hideOverlap: true,
      },
    };
  };
}
