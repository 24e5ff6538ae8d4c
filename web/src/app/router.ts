import { createRouter, createWebHistory } from "vue-router";

declare module "vue-router" {
  interface RouteMeta {
    /** The page's name: the end of its text's key. */
    title?: string;
  }
}

export const router = createRouter({
  history: createWebHistory(),
  scrollBehavior: (to, _, saved) => saved ?? (to.hash ? { el: to.hash } : { top: 0 }),
  routes: [
    { path: "/", component: () => import("./HomePage.vue") },
    { path: "/board/:community?", component: () => import("@/board/BoardPage.vue"), meta: { title: "board" } },
    { path: "/crew", component: () => import("@/collection/CrewPage.vue"), meta: { title: "crew" } },
    { path: "/me", component: () => import("@/points/MePage.vue"), meta: { title: "me" } },
    { path: "/office", component: () => import("@/overview/OfficePage.vue"), meta: { title: "office" } },
    {
      path: "/office/community/:id",
      component: () => import("@/sorting/CommunityPage.vue"),
      meta: { title: "office" },
    },
    { path: "/office/device/:id", component: () => import("@/devices/DevicePage.vue"), meta: { title: "office" } },
    { path: "/office/accounts", component: () => import("@/accounts/AccountsPage.vue"), meta: { title: "office" } },
    { path: "/office/accounts/:id", component: () => import("@/accounts/AccountPage.vue"), meta: { title: "office" } },
    { path: "/office/rewards", component: () => import("@/points/RewardsPage.vue"), meta: { title: "office" } },
    { path: "/office/doors", component: () => import("@/devices/DoorsPage.vue"), meta: { title: "office" } },
    { path: "/office/devices", component: () => import("@/devices/DevicesPage.vue"), meta: { title: "office" } },
    { path: "/office/verdicts", component: () => import("@/verdicts/VerdictsPage.vue"), meta: { title: "office" } },
    { path: "/office/signals", component: () => import("@/points/SignalsPage.vue"), meta: { title: "office" } },
    { path: "/office/registry", component: () => import("@/places/RegistryPage.vue"), meta: { title: "office" } },
    { path: "/office/people", component: () => import("@/people/PeoplePage.vue"), meta: { title: "office" } },
    {
      path: "/office/quarantine",
      component: () => import("@/quarantine/QuarantinePage.vue"),
      meta: { title: "office" },
    },
    { path: "/sign-in", component: () => import("@/people/SignInPage.vue"), meta: { title: "signIn" } },
    { path: "/password", component: () => import("@/people/PasswordPage.vue"), meta: { title: "password" } },
    { path: "/account", component: () => import("@/people/SessionsPage.vue"), meta: { title: "account" } },
    { path: "/help/:page?", component: () => import("@/help/HelpPage.vue"), meta: { title: "help" } },
    { path: "/:rest(.*)*", component: () => import("./MissingPage.vue") },
  ],
});
