/// <reference types="vite/client" />
declare module "*.vue" {
  import type { DefineComponent } from "vue";
  const component: DefineComponent<object, object, unknown>;
  export default component;
}

declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  export default function SwaggerUI(options: Record<string, unknown>): void;
}

declare module "*.md" {
  const html: string;
  export default html;
}

declare module "*/dictionary.csv" {
  const rows: import("./learning/things").Row[];
  export default rows;
}
