import { VueQueryPlugin } from "@tanstack/vue-query";
import { createApp } from "vue";
import App from "./App.vue";
import { queryClient } from "./composables/queries.ts";
import { i18n } from "./language/i18n.ts";
import "./style.css";

createApp(App).use(i18n).use(VueQueryPlugin, { queryClient }).mount("#app");
