/**
 * The calls of handlers in the runs of a check: a handler that gets an idempotency key again has to answer as it did before.
 *
 * Boundary: watches handlers; durable.ts and simulate.ts make the runs.
 */
import * as Effect from "effect/Effect"
import type * as Engine from "../engine/Engine.ts"
import { compiledHandler, type HandledIntent } from "../intents/IntentHandler.ts"
import type { FactRef } from "../program/Fact.ts"
import { jsonText } from "../values/jsonText.ts"

/** A call of a handler, and the texts of its payload and its answer. */
interface Call {
  readonly intent: HandledIntent
  readonly payload: string
  readonly answer: string
}

/** The first call that is not as it should be. */
export interface CallFinding {
  readonly what: "answer" | "key"
  readonly agent: string
  readonly fact: FactRef | undefined
  readonly cycle: number
  /** "": handlers are called for the job and its children alike, and the key names the child. */
  readonly child: string
  readonly intent: string
  readonly key: string
  readonly expected: unknown
  readonly found: unknown
  readonly message: string
}

/** The calls of handlers in all runs, and the first that is not as the one before it with the same key. */
export class Calls {
  readonly byKey = new Map<string, Call>()
  /** The keys that a run got more than once, and those of the present run. */
  readonly repeated = new Set<string>()
  private ofRun = new Set<string>()
  isAlone = true
  finding: CallFinding | undefined

  /** Another run begins: its first call of a key is no repetition. */
  begin(): void {
    this.ofRun = new Set()
  }

  /** The handler, whose calls are noted. */
  watch(handler: Engine.Handler<unknown, string>): Engine.Handler<unknown, string> {
    const { perform } = compiledHandler(handler)
    const watched = (intent: HandledIntent): Effect.Effect<unknown, unknown, unknown> =>
      Effect.tap(
        Effect.suspend(() => perform(intent)),
        (answer) => Effect.sync(() => this.note({ intent, payload: textOf(intent.payload), answer: textOf(answer) }))
      )
    return Object.freeze({ ...handler, perform: watched })
  }

  private note(call: Call): void {
    const { idempotencyKey: key, kind } = call.intent
    const before = this.byKey.get(key)
    if (this.ofRun.has(key)) this.repeated.add(key)
    this.ofRun.add(key)
    if (before === undefined) {
      this.byKey.set(key, call)
      const message = `a resumed job performs an intent ${JSON.stringify(kind)} that the job did not have before`
      if (!this.isAlone) this.finding ??= findingOf("key", call, undefined, call.payload, message)
      return
    }
    if (before.payload !== call.payload) {
      const message = `the intent ${JSON.stringify(kind)} has another payload under the same idempotency key ${key}`
      this.finding ??= findingOf("key", call, before.payload, call.payload, message)
    } else if (before.answer !== call.answer) {
      const message =
        `the handler of ${JSON.stringify(kind)} gives another answer when it gets the idempotency key ${key} again: ` +
        `it is called at least once for each intent, so give the key to the system that it calls, or keep its answer by the key`
      this.finding ??= findingOf("answer", call, before.answer, call.answer, message)
    }
  }
}

const findingOf = (
  what: CallFinding["what"],
  { intent: { agent, cycle, each, idempotencyKey, kind } }: Call,
  expected: string | undefined,
  found: string,
  message: string
): CallFinding => ({
  what,
  agent,
  fact: each,
  cycle,
  child: "",
  intent: kind,
  key: idempotencyKey,
  expected,
  found,
  message
})

/** A value as text, to compare it. */
export const textOf = (value: unknown): string => {
  try {
    return jsonText(value) ?? ""
  } catch {
    return String(value)
  }
}
