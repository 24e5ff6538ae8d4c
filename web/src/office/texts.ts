import { i18n, joined } from "@/app/i18n";

/** The texts of the rooms that only the office opens: nobody else loads them. */
i18n.global.mergeLocaleMessage(
  "zh",
  joined(
    import.meta.glob("../{office,overview,accounts,devices,verdicts,places,quarantine}/zh.json", {
      eager: true,
      import: "default",
    }),
  ),
);
i18n.global.mergeLocaleMessage(
  "en",
  joined(
    import.meta.glob("../{office,overview,accounts,devices,verdicts,places,quarantine}/en.json", {
      eager: true,
      import: "default",
    }),
  ),
);
