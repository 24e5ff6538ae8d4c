import { createRouter, createWebHistory } from "vue-router";

export const router = createRouter({
  history: createWebHistory(),
  scrollBehavior: (to, _, saved) => saved ?? (to.hash ? { el: to.hash } : { top: 0 }),
  routes: [
    { path: "/", component: () => import("./HomePage.vue") },
    { path: "/board/:community?", component: () => import("./board/BoardPage.vue"), meta: { title: "board" } },
    { path: "/crew", component: () => import("./crew/CrewPage.vue"), meta: { title: "crew" } },
    { path: "/me", component: () => import("./me/MePage.vue"), meta: { title: "me" } },
    { path: "/office", component: () => import("./office/OfficePage.vue"), meta: { title: "office" } },
    { path: "/office/community/:id", component: () => import("./office/CommunityPage.vue"), meta: { title: "office" } },
    { path: "/office/device/:id", component: () => import("./office/DevicePage.vue"), meta: { title: "office" } },
    { path: "/office/accounts", component: () => import("./office/AccountsPage.vue"), meta: { title: "office" } },
    { path: "/office/accounts/:id", component: () => import("./office/AccountPage.vue"), meta: { title: "office" } },
    { path: "/office/rewards", component: () => import("./office/RewardsPage.vue"), meta: { title: "office" } },
    { path: "/office/doors", component: () => import("./office/DoorsPage.vue"), meta: { title: "office" } },
    { path: "/office/devices", component: () => import("./office/DevicesPage.vue"), meta: { title: "office" } },
    { path: "/office/verdicts", component: () => import("./office/VerdictsPage.vue"), meta: { title: "office" } },
    { path: "/office/signals", component: () => import("./office/SignalsPage.vue"), meta: { title: "office" } },
    { path: "/office/registry", component: () => import("./office/RegistryPage.vue"), meta: { title: "office" } },
    { path: "/office/people", component: () => import("./office/PeoplePage.vue"), meta: { title: "office" } },
    { path: "/office/quarantine", component: () => import("./office/QuarantinePage.vue"), meta: { title: "office" } },
    { path: "/sign-in", component: () => import("./SignInPage.vue"), meta: { title: "signIn" } },
    { path: "/account", component: () => import("./account/SessionsPage.vue"), meta: { title: "account" } },
    { path: "/help/:page?", component: () => import("./help/HelpPage.vue"), meta: { title: "help" } },
    { path: "/:rest(.*)*", component: () => import("./MissingPage.vue") },
  ],
});
