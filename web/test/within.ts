import { createApp, type App } from "vue";
import { i18n, setLanguage, type Language } from "@/app/i18n";

/** What a composable gives within a component of the screens, in a language; ends with `app.unmount()`. */
export function within<T>(make: () => T, language: Language = "zh"): { found: T; app: App } {
  setLanguage(language);
  const kept: T[] = [];
  const app = createApp({
    setup() {
      kept.push(make());
      return () => null;
    },
  });
  app.use(i18n).mount(document.createElement("div"));
  const [found] = kept;
  if (found === undefined) throw new Error("nothing was made");
  return { found, app };
}
