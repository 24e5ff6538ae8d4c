import { ref, watchEffect } from "vue";

export type ThemeChoice = "auto" | "light" | "dark";

const KEY = "smartbin.theme";
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const paper = window.matchMedia("print");

const CHOICES: readonly ThemeChoice[] = ["auto", "light", "dark"];
export const choice = ref(CHOICES.find((one) => one === localStorage.getItem(KEY)) ?? "auto");
export const theme = ref<"light" | "dark">("light");
const systemDark = ref(dark.matches);
dark.addEventListener("change", (event) => {
  systemDark.value = event.matches;
});

/** Whether the page is laid out for paper now, which is light whatever the screen is. */
export const printing = ref(paper.matches);
paper.addEventListener("change", (event) => {
  printing.value = event.matches;
});

watchEffect(
  () => {
    theme.value = printing.value
      ? "light"
      : choice.value === "auto"
        ? systemDark.value
          ? "dark"
          : "light"
        : choice.value;
    document.documentElement.dataset.theme = theme.value;
    localStorage.setItem(KEY, choice.value);
  },
  { flush: "sync" },
);

export function nextTheme(): void {
  choice.value = theme.value === "dark" ? "light" : "dark";
}

/** The value of a design token now, for canvas drawings that cannot use var(). */
export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
