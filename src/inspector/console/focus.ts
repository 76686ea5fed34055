/**
 * The focus is not lost: when what had it goes away, what took its place gets it.
 *
 * A button may remove itself, such as one that answers a question or pauses a job; and a refresh may remove what the viewer is
 * in. Then a browser gives the focus to nobody, and Tab begins at the top. A button that only rests gets the focus back when it
 * works again. Boundary: watches the document; a part of the page needs nothing for it.
 */
const focusable = "a[href], button, input, select, textarea, [tabindex]"

/** Parts that get the focus themselves, so that their beginning is read: a question, a panel, a page. */
const parts = "article, section, main"

const isDisabled = (element: Element): boolean => element.matches(":disabled")

/** Gives the focus to an element, or to the first part of it that takes it. */
const giveTo = (element: HTMLElement): void => {
  const isOwn = element.matches(focusable) && !isDisabled(element)
  const inner = isOwn || element.matches(parts) ? undefined : element.querySelector<HTMLElement>(focusable)
  const taker = inner ?? element
  if (!taker.matches(focusable)) taker.tabIndex = -1
  taker.focus({ preventScroll: taker.matches("main") })
}

/** The element in the place of a part that went: what followed it, or else what was before it, or else what holds it. */
const inPlaceOf = (gone: Node, records: ReadonlyArray<MutationRecord>): HTMLElement | undefined => {
  const record = records.find(({ removedNodes }) => [...removedNodes].some((node) => node.contains(gone)))
  if (record === undefined) return undefined
  const { nextSibling, previousSibling, target } = record
  if (!target.isConnected) return inPlaceOf(target, records)
  const before = previousSibling?.isConnected === true ? previousSibling : undefined
  const now = before === undefined ? target.firstChild : before.nextSibling
  const near = [nextSibling?.isConnected === true ? nextSibling : null, now, before, target]
  return near.find((node) => node instanceof HTMLElement)
}

/** The part of the page that the viewer was in last. */
let last: Element | undefined

const remember = ({ target }: Event): void => {
  last = target instanceof Element ? (target.closest(focusable) ?? undefined) : undefined
}

const onChange = (records: ReadonlyArray<MutationRecord>): void => {
  const { activeElement, body } = document
  if (last === undefined || (activeElement !== null && activeElement !== body)) return
  if (last.isConnected) {
    const isBack = records.some(({ target, type }) => type === "attributes" && target === last)
    if (isBack && !isDisabled(last) && last instanceof HTMLElement) last.focus()
    return
  }
  const place = inPlaceOf(last, records)
  if (place !== undefined) giveTo(place)
}

/** Watches until the returned function is called. */
export const keepFocus = (): (() => void) => {
  const observer = new MutationObserver(onChange)
  observer.observe(document.body, { attributeFilter: ["disabled"], childList: true, subtree: true })
  // Some browsers give no focus to a button that is clicked.
  addEventListener("pointerdown", remember, true)
  addEventListener("focusin", remember, true)
  return () => {
    observer.disconnect()
    removeEventListener("pointerdown", remember, true)
    removeEventListener("focusin", remember, true)
  }
}
