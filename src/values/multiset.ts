/**
 * A multiset that knows its first item: a binary heap. An item that is taken out is passed over when it comes first.
 *
 * Boundary: a data structure.
 */
export class Multiset<Item> {
  readonly #isBefore: (a: Item, b: Item) => boolean
  /** How often each item of the heap is there. An item that was taken out stays in the heap with 0. */
  readonly #counts = new Map<Item, number>()
  #heap: Array<Item> = []
  /** The items of the heap that are there. */
  #live = 0

  constructor(isBefore: (a: Item, b: Item) => boolean) {
    this.#isBefore = isBefore
  }

  add(item: Item): void {
    const count = this.#counts.get(item)
    if (count === undefined) {
      this.#heap.push(item)
      this.#rise(this.#heap.length - 1)
    }
    if (count === undefined || count === 0) this.#live++
    this.#counts.set(item, (count ?? 0) + 1)
  }

  /** Takes out an item that was added. */
  remove(item: Item): void {
    const count = this.#counts.get(item) ?? 0
    if (count === 0) return
    this.#counts.set(item, count - 1)
    if (count > 1) return
    this.#live--
    if (this.#heap.length > 2 * this.#live + smallHeap) this.#compact()
  }

  /** The first item; undefined if there is none. */
  get first(): Item | undefined {
    const heap = this.#heap
    while (heap.length > 0 && this.#counts.get(heap[0]!) === 0) {
      this.#counts.delete(heap[0]!)
      const last = heap.pop()!
      if (heap.length === 0) break
      heap[0] = last
      this.#sink(0)
    }
    return heap[0]
  }

  #compact(): void {
    this.#heap = this.#heap.filter((item) => {
      const isThere = this.#counts.get(item) !== 0
      if (!isThere) this.#counts.delete(item)
      return isThere
    })
    for (let place = (this.#heap.length >> 1) - 1; place >= 0; place--) this.#sink(place)
  }

  #rise(from: number): void {
    const heap = this.#heap
    for (let place = from; place > 0;) {
      const parent = (place - 1) >> 1
      if (!this.#isBefore(heap[place]!, heap[parent]!)) return
      this.#swap(place, parent)
      place = parent
    }
  }

  #sink(from: number): void {
    const heap = this.#heap
    for (let place = from; ;) {
      let first = place
      for (const child of [2 * place + 1, 2 * place + 2]) {
        if (child < heap.length && this.#isBefore(heap[child]!, heap[first]!)) first = child
      }
      if (first === place) return
      this.#swap(place, first)
      place = first
    }
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap
    const item = heap[a]!
    heap[a] = heap[b]!
    heap[b] = item
  }
}

/** Tuning: items that were taken out below which the heap is not cleaned. */
const smallHeap = 32
