import { createI18n } from "vue-i18n";
import zh from "@/locales/zh.json";
import en from "@/locales/en.json";

const KEY = "smartbin.language";
export type Language = "zh" | "en";

const asked = new URLSearchParams(location.search).get("lang") ?? localStorage.getItem(KEY);
const first: Language = asked === "en" ? "en" : "zh";

export const i18n = createI18n({ legacy: false, locale: first, fallbackLocale: "zh", messages: { zh, en } });

export function setLanguage(language: Language): void {
  i18n.global.locale.value = language;
  localStorage.setItem(KEY, language);
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
}
setLanguage(first);
