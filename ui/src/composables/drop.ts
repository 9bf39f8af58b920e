import { useEventListener } from "@vueuse/core";
import { readonly, type Ref, shallowRef } from "vue";

/** Links or text dropped anywhere on the page; files are none of its business. */
export function useDroppedText(onText: (text: string) => unknown): Readonly<Ref<boolean>> {
  const isOver = shallowRef(false);

  useEventListener(document, "dragover", (event) => {
    if (!event.dataTransfer?.types.some((type) => type.startsWith("text/"))) return;
    event.preventDefault();
    isOver.value = true;
  });
  useEventListener(document, "dragleave", (event) => {
    if (event.relatedTarget === null) isOver.value = false;
  });
  useEventListener(document, "drop", (event) => {
    isOver.value = false;
    const text = event.dataTransfer?.getData("text/uri-list") || event.dataTransfer?.getData("text/plain");
    if (!text) return;
    event.preventDefault();
    onText(text);
  });
  return readonly(isOver);
}
