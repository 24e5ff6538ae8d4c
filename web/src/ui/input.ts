/** The field an event came from, for what v-model does not do. */
export function fieldOf(event: Event): HTMLInputElement {
  if (!(event.target instanceof HTMLInputElement)) throw new TypeError("the event comes from no input");
  return event.target;
}
