/**
 * The queue of writes: their way to the writer, and the moment at which they count as done.
 *
 * A write is done when the writer has committed it. With durability `exit`, a row, a note or a kept result is done when it is
 * queued and there is room for more. If such an early write fails, the next write of its job fails with that error; a store
 * that closes logs the errors that no write has reported.
 *
 * A context goes in pieces, which take turns with other work on the event loop. Other writes of the same job wait behind it.
 *
 * Invariants: writes of a job reach the writer in the order of the calls, whole or not at all; a write that has begun is not
 * interrupted. Boundary: effects around writer.ts.
 */
import * as Effect from "effect/Effect"
import { inSlices } from "../../platform/slices.ts"
import { Limits } from "../../Limits.ts"
import { StoreError } from "../JobStore.ts"
import type { Damage } from "./damage.ts"
import { lengthOf, type Op, type Outcome, type Upload } from "./protocol.ts"
import type { Writer } from "./writer.ts"

/** A write. Gives the number of its op's outcome. */
type Done = Effect.Effect<number, StoreError>

export class WriteQueue {
  readonly #writer: Writer
  readonly #isEarly: boolean
  readonly #damage: Damage
  /** The first unreported failure of an early write; job id → error. */
  readonly #failures = new Map<string, StoreError>()
  /** Posts that wait until the pieces of their job have been sent; job id → posts. */
  readonly #waitingPosts = new Map<string, Array<() => void>>()

  constructor(writer: Writer, isEarly: boolean, damage: Damage) {
    this.#writer = writer
    this.#isEarly = isEarly
    this.#damage = damage
  }

  /** A write that is done when it is committed. */
  readonly write = (op: Op): Done =>
    Effect.uninterruptible(
      Effect.callback((resume) => this.#writer.post(op, 0, (outcome) => resume(this.#done(outcome))))
    )

  /** A write of a job that may be done early. `op` is made when the write begins. */
  readonly append = (jobId: string, op: () => Op): Done =>
    Effect.suspend(() => {
      const failure = this.#takeFailure(jobId)
      if (failure !== undefined) return Effect.fail(failure)
      const made = op()
      const length = lengthOf(made)
      return this.#isEarly && !this.#writer.isClosed
        ? this.#early(jobId, made, length)
        : this.#post(jobId, made, length)
    })

  /** A last write of a job, after all others. It is done when it is committed. */
  readonly conclude = (jobId: string, op: () => Op): Done =>
    Effect.flatMap(this.settled, () => {
      const failure = this.#takeFailure(jobId)
      return failure === undefined ? this.#post(jobId, op(), 0) : Effect.fail(failure)
    })

  /** A write that gives this store the lease of a job. Failures under an earlier lease are dropped. */
  readonly begin = (jobId: string, op: () => Op): Done =>
    Effect.suspend(() => {
      this.#failures.delete(jobId)
      return this.#post(jobId, op(), 0)
    })

  /** A write of a job with a context. Its pieces are sent first. */
  readonly withPieces = (jobId: string, pieces: () => Iterable<string>, op: (upload: Upload) => Op): Done =>
    Effect.uninterruptible(
      Effect.flatMap(this.#claim(jobId), () => {
        const number = this.#writer.nextUpload()
        return Effect.suspend(() => inSlices(this.#sendPieces(number, pieces()))).pipe(
          Effect.onError(() =>
            Effect.sync(() => {
              this.#writer.sendPieces({ kind: "pieces", number, pieces: undefined })
              this.#goOn(jobId)
            })
          ),
          Effect.flatMap((count) =>
            Effect.callback<number, StoreError>((resume) => {
              this.#writer.post(op({ number, pieces: count }), 0, (outcome) => resume(this.#done(outcome)))
              this.#goOn(jobId)
            })
          )
        )
      })
    )

  /** Done when every write that was queued before has been committed or has failed. */
  readonly settled: Effect.Effect<void> = Effect.suspend(() =>
    this.#isEarly && this.#writer.unanswered > 0 ? Effect.ignore(this.write({ kind: "flush" })) : Effect.void
  )

  /** The failures of early writes that no later write has reported. */
  get unreportedFailures(): ReadonlyArray<StoreError> {
    return [...this.#failures.values()]
  }

  #done(outcome: Outcome): Done {
    if (typeof outcome === "number") return Effect.succeed(outcome)
    this.#damage.note(outcome)
    return Effect.fail(new StoreError(outcome))
  }

  #post(jobId: string, op: Op, length: number): Done {
    return Effect.uninterruptible(
      Effect.callback((resume) =>
        this.#inOrder(jobId, () => this.#writer.post(op, length, (outcome) => resume(this.#done(outcome))))
      )
    )
  }

  #early(jobId: string, op: Op, length: number): Done {
    return Effect.uninterruptible(
      Effect.callback((resume) =>
        this.#inOrder(jobId, () => {
          this.#writer.post(op, length, (outcome) => this.#remember(jobId, outcome))
          this.#writer.whenRoom(() => resume(Effect.succeed(0)))
        })
      )
    )
  }

  #remember(jobId: string, outcome: Outcome): void {
    if (typeof outcome === "number") return
    this.#damage.note(outcome)
    if (this.#failures.has(jobId)) return
    this.#failures.set(jobId, new StoreError(outcome))
  }

  #takeFailure(jobId: string): StoreError | undefined {
    const failure = this.#failures.get(jobId)
    if (failure !== undefined) this.#failures.delete(jobId)
    return failure
  }

  /** Waits for this job's turn to send pieces. Later writes of the job wait until they are sent. */
  #claim(jobId: string): Effect.Effect<void> {
    return Effect.callback((resume) =>
      this.#inOrder(jobId, () => {
        this.#waitingPosts.set(jobId, [])
        resume(Effect.void)
      })
    )
  }

  #inOrder(jobId: string, post: () => void): void {
    const waiting = this.#waitingPosts.get(jobId)
    if (waiting === undefined) post()
    else waiting.push(post)
  }

  #goOn(jobId: string): void {
    const waiting = this.#waitingPosts.get(jobId) ?? []
    this.#waitingPosts.delete(jobId)
    for (const post of waiting) this.#inOrder(jobId, post)
  }

  *#sendPieces(number: number, pieces: Iterable<string>): Generator<void, number> {
    let batch: Array<string> = []
    let length = 0
    let count = 0
    for (const piece of pieces) {
      batch.push(piece)
      length += piece.length
      count++
      if (length >= Limits.storePieceLength || batch.length >= Limits.storePieces) {
        this.#writer.sendPieces({ kind: "pieces", number, pieces: batch })
        batch = []
        length = 0
      }
      yield
    }
    if (batch.length > 0) this.#writer.sendPieces({ kind: "pieces", number, pieces: batch })
    return count
  }
}
