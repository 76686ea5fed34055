/**
 * A text that stays in this browser, where it lets the page keep any. A page in a frame without an origin of its own, such as a
 * record in a viewer of attachments, may keep none; then the text lasts as long as the page. Boundary: the browser's storage.
 */
type Place = "localStorage" | "sessionStorage"

/** Does something with a storage. Undefined where the browser refuses, or has no room. */
const within = <A>(place: Place, act: (storage: Storage) => A): A | undefined => {
  try {
    return act(globalThis[place])
  } catch {
    return undefined
  }
}

export interface Kept {
  /** The text; "" if none is kept. */
  readonly read: () => string
  /** Keeps a text; "" keeps none. */
  readonly write: (text: string) => void
}

export const kept = (place: Place, key: string): Kept => ({
  read: () => within(place, (storage) => storage.getItem(key)) ?? "",
  write: (text) => within(place, (storage) => (text === "" ? storage.removeItem(key) : storage.setItem(key, text)))
})
