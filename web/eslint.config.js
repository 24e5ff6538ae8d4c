import js from "@eslint/js";
import prettier from "eslint-config-prettier";
import vue from "eslint-plugin-vue";
import { defineConfig, globalIgnores } from "eslint/config";
import globals from "globals";
import ts from "typescript-eslint";

const WIDTH = { code: 120, tabWidth: 2 };

export default defineConfig(
  globalIgnores(["src/api/openapi.d.ts"]),
  js.configs.recommended,
  ts.configs.recommended,
  vue.configs["flat/recommended"],
  prettier,
  {
    files: ["{src,test}/**/*.{ts,vue}"],
    languageOptions: {
      globals: globals.browser,
      parserOptions: { parser: ts.parser, projectService: true, extraFileExtensions: [".vue"] },
    },
    rules: {
      // A type follows from where a value comes from; where none can, the line says why.
      "@typescript-eslint/consistent-type-assertions": ["error", { assertionStyle: "never" }],
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-unused-vars": ["error", { varsIgnorePattern: "^_", argsIgnorePattern: "^_" }],
    },
  },
  { files: ["**/*.ts", "**/*.js"], rules: { "max-len": ["error", WIDTH] } },
  { files: ["**/*.vue"], rules: { "vue/max-len": ["error", { ...WIDTH, template: 120 }] } },
  { files: ["public/sw.js"], languageOptions: { globals: globals.serviceworker } },
);
