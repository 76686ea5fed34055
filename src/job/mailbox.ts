/**
 * The mailbox of a job: signals that wait for their cycle, in the order of their arrival.
 *
 * Invariants: bounded by number and by text (G14); a signal of a discarded cycle returns to its place before later signals.
 * Boundary: a queue of encoded effects. The session decides whether the job takes any.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { AdmissionRejected, type InvalidInput, type JobHalted, type SignalRefused } from "../outcome/JobError.ts"
import { Limits } from "../Limits.ts"
import type { EncodedEffect, EncodedFact } from "../program/encoded.ts"

/** A signal that waits, or is staged in the current cycle, and the caller that waits for it. */
export interface PendingSignal {
  readonly effect: EncodedEffect
  /** The time of its arrival, in milliseconds since the epoch. */
  readonly at: number
  /** Characters of its facts. */
  readonly length: number
  readonly committed: Deferred.Deferred<void, InvalidInput | SignalRefused | JobHalted>
}

export class Mailbox {
  readonly #signals: Array<PendingSignal> = []

  get length(): number {
    return this.#signals.length
  }

  /**
   * Takes a signal and calls `onArrival`. Returns the wait for the cycle that commits it: interrupting that wait takes the
   * signal back, if no cycle has taken it up. Fails with `AdmissionRejected` if the mailbox is full.
   */
  offer(
    effect: EncodedEffect,
    at: number,
    onArrival: () => void
  ): Effect.Effect<void, InvalidInput | SignalRefused | AdmissionRejected | JobHalted> {
    const length = effect.facts.reduce((sum, { text }) => sum + text.length, 0)
    if (this.#isFull(length)) return Effect.fail(new AdmissionRejected({ reason: "queue-full" }))
    const signal: PendingSignal = { effect, at, length, committed: Deferred.makeUnsafe() }
    this.#signals.push(signal)
    onArrival()
    return Effect.onInterrupt(Deferred.await(signal.committed), () => Effect.sync(() => this.#withdraw(signal)))
  }

  /** The first such fact in the signals that wait. */
  find(isSought: (fact: EncodedFact) => boolean): EncodedFact | undefined {
    for (const { effect } of this.#signals) {
      const found = effect.facts.find(isSought)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Takes the oldest signal. */
  shift(): PendingSignal | undefined {
    return this.#signals.shift()
  }

  /** Puts signals back, before all later signals. */
  unshift(...signals: ReadonlyArray<PendingSignal>): void {
    this.#signals.unshift(...signals)
  }

  /** Takes all signals that wait. */
  drain(): ReadonlyArray<PendingSignal> {
    return this.#signals.splice(0)
  }

  /** Whether there is no room for a signal with this number of characters. An empty mailbox has room for any signal. */
  #isFull(length: number): boolean {
    const waiting = this.#signals
    if (waiting.length === 0) return false
    const sum = waiting.reduce((sum, signal) => sum + signal.length, length)
    return waiting.length >= Limits.mailboxSignals || sum > Limits.mailboxLength
  }

  #withdraw(signal: PendingSignal): void {
    const index = this.#signals.indexOf(signal)
    if (index >= 0) this.#signals.splice(index, 1)
  }
}
