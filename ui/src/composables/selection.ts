import { computed, type ComputedRef, type MaybeRefOrGetter, type Ref, ref, toValue } from "vue";
import type { Offer } from "../media/offers.ts";
import {
  type Choice,
  choices,
  type Facet,
  type Filter,
  filtered,
  type Order,
  sorted,
} from "../media/selection.ts";

export interface Selection {
  filter: Ref<Filter>;
  order: Ref<Order | null>;
  choices: ComputedRef<Choice[]>;
  shown: ComputedRef<Offer[]>;
  choose(facet: Facet, value: string): void;
  /** By this; again, the other way round. */
  sort(by: Order["by"]): void;
  reset(): void;
}

/** A list as somebody wants to see it; until then in the order given, best first. */
export function useSelection(offers: MaybeRefOrGetter<readonly Offer[]>): Selection {
  const filter = ref<Filter>({});
  const order = ref<Order | null>(null);

  function choose(facet: Facet, value: string): void {
    const { [facet]: _, ...rest } = filter.value;
    filter.value = value ? { ...rest, [facet]: value } : rest;
  }

  function sort(by: Order["by"]): void {
    order.value = { by, isAscending: order.value?.by === by && !order.value.isAscending };
  }

  function reset(): void {
    filter.value = {};
  }

  const shown = computed(() => {
    const kept = filtered(toValue(offers), filter.value);
    return order.value ? sorted(kept, order.value) : kept;
  });
  return { filter, order, choices: computed(() => choices(toValue(offers))), shown, choose, sort, reset };
}
