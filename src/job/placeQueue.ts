/**
 * Waiting tasks in merge order: the first in merge order is served first, and of one place the one that came first.
 *
 * Boundary: a list; nothing here waits.
 */

/** A queue of items that have a place in merge order. */
export class PlaceQueue<A extends { readonly place: number }> {
  #items: Array<A> = []
  /** Items before it were taken. */
  #head = 0

  get size(): number {
    return this.#items.length - this.#head
  }

  get first(): A | undefined {
    return this.#items[this.#head]
  }

  get last(): A | undefined {
    return this.size === 0 ? undefined : this.#items[this.#items.length - 1]
  }

  /** Adds an item. Costs the number of waiting items that come after it. */
  add(item: A): void {
    let at = this.#items.length
    while (at > this.#head && (this.#items[at - 1]?.place ?? 0) > item.place) at--
    this.#items.splice(at, 0, item)
  }

  /** Takes the first item. */
  shift(): A | undefined {
    const item = this.first
    if (item === undefined) return undefined
    this.#head++
    if (this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  /** Removes an item. Returns whether it was there. */
  remove(item: A): boolean {
    if (item === this.first) return this.shift() !== undefined
    const at = this.#items.indexOf(item, this.#head)
    if (at < 0) return false
    this.#items.splice(at, 1)
    return true
  }
}
