import { useI18n } from "vue-i18n";
import type { ApiError } from "@/api/client";

const PREFIX = "urn:smartbin:problem:";

/** What the API refused, in the reader's language: by the problem's name, else by the kind of error. */
export function useProblem() {
  const { t, te } = useI18n();
  return (error: ApiError): string => {
    const name = String(error.body.type ?? "").replace(PREFIX, "");
    const key = `problem.${name}`;
    return name && te(key) ? t(key, { ...error.body }) : t(`state.${error.kind}.title`);
  };
}
