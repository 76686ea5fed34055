/**
 * Texts of the newest events of the jobs that have viewers: all viewers of a job are sent the same text, written once.
 *
 * Invariant: texts are kept only for jobs that somebody follows, and per job at most as many events and characters as
 * `Limits` says (G14). Boundary: a cache; eventText.ts writes the events.
 */
import type { JobView } from "../job/view.ts"
import { Limits } from "../Limits.ts"
import type { JobEvent } from "../outcome/JobEvent.ts"
import { briefText } from "./briefEvents.ts"
import { eventPieces, eventText, factsOf } from "./eventText.ts"

interface Written {
  /** Texts by the number of the event, oldest first. */
  readonly texts: Map<number, string>
  /** Characters of all texts. */
  length: number
  viewers: number
}

export class WrittenEvents {
  readonly #jobs = new WeakMap<JobView, Written>()

  /** A viewer begins to read the events of a job. */
  follow(view: JobView): void {
    const written = this.#jobs.get(view)
    if (written === undefined) this.#jobs.set(view, { texts: new Map(), length: 0, viewers: 1 })
    else written.viewers++
  }

  /** A viewer that followed a job is gone. The texts go with the last viewer. */
  unfollow(view: JobView): void {
    const written = this.#jobs.get(view)
    if (written !== undefined && --written.viewers === 0) this.#jobs.delete(view)
  }

  /** An event as JSON text, or as pieces of it if it is long; a brief one is cut. `view`: as `eventPieces` takes it. */
  piecesOf(event: JobEvent, view: JobView | undefined, isBrief = false): string | Generator<string, void> {
    if (isBrief) return briefText(event, view, (few) => this.#textOf(few, view))
    return factsOf(event).length > Limits.serverWrittenFacts ? eventPieces(event, view) : this.#textOf(event, view)
  }

  #textOf(event: JobEvent, view: JobView | undefined): string {
    const written = view === undefined ? undefined : this.#jobs.get(view)
    const present = written?.texts.get(event.seq)
    if (present !== undefined) return present
    const text = eventText(event, view)
    if (written !== undefined && text.length <= Limits.serverWrittenEventLength) keep(written, event.seq, text)
    return text
  }
}

const keep = (written: Written, seq: number, text: string): void => {
  written.texts.set(seq, text)
  written.length += text.length
  for (const [oldest, { length }] of written.texts) {
    if (written.texts.size <= Limits.serverWrittenEvents && written.length <= Limits.serverWrittenLength) break
    written.texts.delete(oldest)
    written.length -= length
  }
}
