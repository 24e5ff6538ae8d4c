import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import vue from "@vitejs/plugin-vue";
import { marked, Renderer } from "marked";
import { defineConfig, type Plugin } from "vite";
import { dictionary } from "./dictionary.ts";

const api = process.env.SMARTBIN_WEB_API ?? "http://127.0.0.1:8000";

/** Where what a crew opens begins: the page, and its help. */
const CREW = /\/(index\.html|CrewPage\.vue|HelpPage\.vue|zh\/crew\.md)$/;

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
      if (chunk.type === "chunk" && CREW.test(chunk.facadeModuleId ?? "")) take(file);
    }
    this.emitFile({ type: "asset", fileName: "crew-files.json", source: JSON.stringify([...found].sort()) });
  },
});

/** Gives the service worker its build's name: a browser takes it for another one only when it differs. */
const named = (): Plugin => ({
  name: "named-worker",
  writeBundle: {
    order: "post",
    handler(options) {
      const root = options.dir ?? "";
      const read = (file: string) => readFileSync(join(root, file), "utf8");
      const build = createHash("sha256")
        .update(read("index.html"))
        .update(read("crew-files.json"))
        .digest("hex")
        .slice(0, 16);
      writeFileSync(join(root, "sw.js"), read("sw.js").replace("__BUILD__", build));
    },
  },
});

/** Makes a page of the guide (docs/zh) HTML: what the help shows is the document itself. */
const guide = (): Plugin => ({
  name: "guide",
  transform(text, id) {
    if (!/\/docs\/zh\/\w+\.md$/.test(id)) return null;
    const pictures: string[] = [];
    const renderer = new Renderer();
    renderer.image = ({ href, text: said }) =>
      `<img src="__PICTURE_${pictures.push(href) - 1}__" alt="${said}" loading="lazy">`;
    renderer.link = function ({ href, tokens }) {
      const said = this.parser.parseInline(tokens);
      const page = /^(\w+)\.md$/.exec(href)?.[1];
      // What is no page of the screens stays a text.
      return page ? `<a href="/help/${page === "README" ? "" : page}">${said}</a>` : said;
    };
    renderer.table = function (token) {
      const row = (cells: typeof token.header, tag: string) =>
        `<tr>${cells.map((cell) => `<${tag}>${this.parser.parseInline(cell.tokens)}</${tag}>`).join("")}</tr>`;
      const body = token.rows.map((cells) => row(cells, "td")).join("");
      const table = `<table><thead>${row(token.header, "th")}</thead><tbody>${body}</tbody></table>`;
      return `<div class="wide" tabindex="0" role="region" aria-label="表">${table}</div>`;
    };
    const html = marked.parse(text, { renderer, async: false });
    const imports = pictures.map((path, n) => `import p${n} from ${JSON.stringify(path)};`).join("\n");
    const filled = pictures.map((_, n) => `.replace("__PICTURE_${n}__", p${n})`).join("");
    return { code: `${imports}\nexport default ${JSON.stringify(html)}${filled};`, map: null };
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
        if (/\.(js|css|html|svg|json)$/.test(entry))
          writeFileSync(join(root, `${entry}.gz`), gzipSync(readFileSync(join(root, entry)), { level: 9 }));
      }
    },
  },
});

export default defineConfig({
  plugins: [vue(), guide(), dictionary(), crewFiles(), named(), packed()],
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
  server: { proxy: { "/api": api }, fs: { allow: [".."] } },
});
