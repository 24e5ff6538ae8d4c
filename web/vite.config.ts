import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import vue from "@vitejs/plugin-vue";
import { defineConfig, type Plugin } from "vite";

const api = process.env.SMARTBIN_WEB_API ?? "http://127.0.0.1:8000";

/** Names the files /crew needs, so that its service worker can keep them at the first visit. */
const crewFiles = (): Plugin => ({
  name: "crew-files",
  generateBundle(_, bundle) {
    const found = new Set<string>();
    const take = (file: string) => {
      const chunk = bundle[file];
      if (found.has(`/${file}`) || chunk?.type !== "chunk") return;
      found.add(`/${file}`);
      (chunk.viteMetadata?.importedCss ?? []).forEach((css) => found.add(`/${css}`));
      chunk.imports.forEach(take);
    };
    for (const [file, chunk] of Object.entries(bundle)) {
      if (chunk.type === "chunk" && (chunk.facadeModuleId?.endsWith("/index.html") || chunk.facadeModuleId?.endsWith("/CrewPage.vue"))) take(file);
    }
    this.emitFile({ type: "asset", fileName: "crew-files.json", source: JSON.stringify([...found].sort()) });
  },
});

/** Lays a gzipped copy beside every text file: the API packs nothing while it answers. */
const packed = (): Plugin => ({
  name: "packed",
  writeBundle: {
    order: "post",
    handler(options) {
      const root = options.dir ?? "";
      for (const entry of readdirSync(root, { recursive: true, encoding: "utf8" })) {
        if (/\.(js|css|html|svg|json)$/.test(entry)) writeFileSync(join(root, `${entry}.gz`), gzipSync(readFileSync(join(root, entry)), { level: 9 }));
      }
    },
  },
});

export default defineConfig({
  plugins: [vue(), crewFiles(), packed()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    outDir: "../api/static",
    emptyOutDir: true,
    // The content security policy allows no data: scripts and the crew page counts every byte.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1_600,
    rollupOptions: { input: ["index.html", "docs.html"] },
  },
  define: { __VUE_OPTIONS_API__: "false", __VUE_I18N_LEGACY_API__: "false" },
  server: { proxy: { "/api": api } },
});
