import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";
import { dictionary } from "./dictionary.ts";

export default defineConfig({
  plugins: [dictionary(), vue()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  define: { __VUE_OPTIONS_API__: "false", __VUE_I18N_LEGACY_API__: "false" },
  test: { include: ["test/**/*.test.ts"], environment: "happy-dom" },
});
