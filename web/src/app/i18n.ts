import { createI18n } from "vue-i18n";

const KEY = "smartbin.language";
export type Language = "zh" | "en";
/** A room's texts by the parts of their keys; a key begins with a word that is one room's alone. */
type Texts = Record<string, object | string>;

/** The texts of rooms in one object: `import.meta.glob` of their zh.json or en.json. */
export const joined = (files: Record<string, Texts>): Texts => Object.assign({}, ...Object.values(files));

const asked = new URLSearchParams(location.search).get("lang") ?? localStorage.getItem(KEY);
const first: Language = asked === "en" ? "en" : "zh";

/** What every page may say. The office's own rooms bring their texts with them (office/texts.ts). */
export const i18n = createI18n({
  legacy: false,
  locale: first,
  fallbackLocale: "zh",
  messages: {
    zh: joined(
      import.meta.glob("../{app,ui,people,help,learning,board,sorting,points,collection}/zh.json", {
        eager: true,
        import: "default",
      }),
    ),
    en: joined(
      import.meta.glob("../{app,ui,people,help,learning,board,sorting,points,collection}/en.json", {
        eager: true,
        import: "default",
      }),
    ),
  },
});

export function setLanguage(language: Language): void {
  i18n.global.locale.value = language;
  localStorage.setItem(KEY, language);
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
}
setLanguage(first);
