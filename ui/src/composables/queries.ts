import { QueryClient } from "@tanstack/vue-query";

/**
 * A problem is an answer: asking again at once would change nothing, and the page says when it may. What is known is kept, since
 * analyses go on while nobody looks at them.
 */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: { retry: false, refetchOnWindowFocus: false, networkMode: "always", gcTime: Infinity },
  },
});
