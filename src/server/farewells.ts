/**
 * The last moment of a server for those who look at a job that has just ended: a process that ran one job leaves with its end.
 *
 * A stream of such a job is sent its last events and the end, in place of a `Goodbye`. A page of a browser that was told the end
 * then asks for what came of the job; the server stays for these questions. Both take no longer than `Limits.serverSettleMs`
 * together. Boundary: jobs and streams in, waiting out.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Limits } from "../Limits.ts"
import type { KnownJob } from "./directory.ts"
import { isStatus } from "./jobView.ts"

/** A stream that is open: its job, and what is done when it has ended. */
interface Open {
  readonly known: KnownJob
  readonly ended: Deferred.Deferred<void>
}

/** Whether a job has halted, or its end is being stored. One that goes on from its journal has not ended. */
const hasHalted = ({ end, job, view }: KnownJob): Effect.Effect<boolean> =>
  view.leftFor !== undefined
    ? Effect.succeed(false)
    : end === undefined
      ? Effect.map(job.status, ({ state }) => isStatus(state))
      : Effect.succeed(true)

export class Farewells {
  readonly #goodbye: Effect.Effect<void>
  readonly #open = new Set<Open>()
  /** When a page was last told the end of its job, in milliseconds since the epoch. */
  #told = -Infinity

  /** `goodbye`: succeeds when the server begins to shut down. */
  constructor(goodbye: Effect.Effect<void>) {
    this.#goodbye = goodbye
  }

  /** Succeeds when the viewer of a job must get its `Goodbye`. A stream of a job that has ended has a moment to end by itself. */
  of(known: KnownJob | undefined): Effect.Effect<void> {
    if (known === undefined) return this.#goodbye
    const settling = Effect.flatMap(hasHalted(known), (isOver) =>
      isOver ? Effect.sleep(Limits.serverSettleMs) : Effect.void
    )
    return Effect.andThen(this.#goodbye, settling)
  }

  /** Notes a stream while it is open. `isPage`: the viewer is a page of a browser. */
  noting<A, E, R>(known: KnownJob, isPage: boolean, stream: Stream.Stream<A, E, R>): Stream.Stream<A, E, R> {
    return Stream.unwrap(
      Effect.gen({ self: this }, function* () {
        const open: Open = { known, ended: yield* Deferred.make<void>() }
        this.#open.add(open)
        const ended = Effect.gen({ self: this }, function* () {
          this.#open.delete(open)
          if (isPage && (yield* hasHalted(known))) this.#told = yield* Clock.currentTimeMillis
          yield* Deferred.succeed(open.ended, undefined)
        })
        return Stream.ensuring(stream, ended)
      })
    )
  }

  /** Waits until the streams of ended jobs have their ends, and then for the last questions of pages. */
  get said(): Effect.Effect<void> {
    const all = Effect.gen({ self: this }, function* () {
      for (const { ended, known } of [...this.#open]) if (yield* hasHalted(known)) yield* Deferred.await(ended)
      const left = this.#told + Limits.serverSettleMs - (yield* Clock.currentTimeMillis)
      if (left > 0) yield* Effect.sleep(left)
    })
    return Effect.asVoid(Effect.timeoutOption(all, Limits.serverSettleMs))
  }
}
