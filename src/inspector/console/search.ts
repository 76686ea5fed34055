/** The way from a search field into its results, by the keyboard. Boundary: the document. */
const results = (): HTMLElement | null => document.querySelector<HTMLElement>("main [role=listbox]")

/** Whether a key in a search field asks for the results. */
export const asksForResults = (event: KeyboardEvent): boolean =>
  (event.key === "ArrowDown" || event.key === "Enter") &&
  !event.isComposing &&
  !event.altKey &&
  !event.ctrlKey &&
  !event.metaKey

/** Gives the focus to the list of results, and chooses its first row if none is chosen. Returns whether there is a list. */
export const goIntoResults = (): boolean => {
  const list = results()
  if (list === null) return false
  list.focus()
  if (list.getAttribute("aria-activedescendant") === null) {
    list.dispatchEvent(new KeyboardEvent("keydown", { key: "Home", bubbles: true }))
  }
  return true
}
