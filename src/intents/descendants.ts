/**
 * Counts the jobs of a tree of child jobs, so that a program that starts itself comes to an end (CH11).
 *
 * The jobs below a job are counted until it has the answers of all its children. All jobs of a tree share the count of the
 * topmost one. When that exceeds the limit, the topmost job is told, and no job of the tree gets a further child.
 *
 * Invariant: the number of jobs below the topmost one is that of its program, so that it exceeds the limit in every run or in
 * none, whichever job asks for the child that is too many (G3). Boundary: counts; outbox.ts answers the topmost job's intents.
 */
export class Descendants {
  readonly #tooMany: () => void
  #count = 0
  #isExceeded = false
  /** The count of the tree that this one has become part of. */
  #above: Descendants | undefined

  /** `tooMany` is called once, if the jobs below this one exceed the limit and no job is above it. */
  constructor(tooMany: () => void) {
    this.#tooMany = tooMany
  }

  get #top(): Descendants {
    let top: Descendants = this
    while (top.#above !== undefined) top = top.#above
    // The next look is short.
    if (top !== this) this.#above = top
    return top
  }

  /** Counts one more job. Returns whether the tree may have it. */
  add(most: number): boolean {
    const top = this.#top
    top.#count++
    if (top.#isExceeded) return false
    if (top.#count <= most) return true
    top.#isExceeded = true
    top.#tooMany()
    return false
  }

  /** The job becomes the child of another one: what is below it counts there, too. */
  join(parent: Descendants): void {
    const top = parent.#top
    if (top === this.#top) return
    top.#count += this.#count
    this.#above = top
  }

  /** The job has the answers of all its children. If it is the topmost one, the count begins anew. */
  reset(): void {
    if (this.#above === undefined) this.#count = 0
  }
}
