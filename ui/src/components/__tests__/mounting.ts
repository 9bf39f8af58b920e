import { VueQueryPlugin } from "@tanstack/vue-query";
import { type ComponentMountingOptions, mount } from "@vue/test-utils";
import type { Component } from "vue";
import { queryClient } from "../../composables/queries.ts";
import { i18n } from "../../language/i18n.ts";

export function mounted<C extends Component>(component: C, options: ComponentMountingOptions<C> = {}) {
  return mount(component, {
    ...options,
    attachTo: document.body,
    global: { plugins: [i18n, [VueQueryPlugin, { queryClient }]] },
  } as ComponentMountingOptions<C>);
}
