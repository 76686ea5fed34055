/** Programs with intents, and handlers that remember what they were asked for. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Agent, Engine, Intent, JobStore, Program, WorkerPool } from "../../../src/index.ts"
import { cell, Cell, entry, Entry, noInput, num, Num } from "./harness.ts"

/** An engine without threads or anything durable; the programs and handlers that it is given need no services. */
export const engineWith = (options: {
  readonly programs?: ReadonlyArray<Program.Program.Any>
  readonly children?: ReadonlyArray<Program.Program.Any>
  readonly handlers?: ReadonlyArray<Engine.Handler>
  readonly maxRunningJobs?: number
  readonly maxQueuedJobs?: number
  readonly maxChildJobs?: number
  readonly maxDepth?: number
  readonly maxDescendants?: number
  readonly maxLiveContextBytes?: number
}): Layer.Layer<Engine.Engine> =>
  Engine.layer(options as Engine.EngineOptions).pipe(
    Layer.provide(JobStore.layerMemory),
    Layer.provide(WorkerPool.layerInline)
  )

/** Counts from 0 to `to`, wishing for a mail about each number; an answer is an entry, which a second agent copies. */
export const mailing = (to: number, kind = "Mail") =>
  Program.make("mailing", {
    input: noInput,
    agents: [
      Agent.make("next", {
        each: Num,
        writes: [Num],
        execute: ({ value: { n } }) =>
          Effect.succeed({ facts: n < to ? [num(n + 1)] : [], intents: [{ kind, payload: { n } }] })
      }),
      Agent.make("copies", {
        each: Entry,
        writes: [Cell],
        execute: ({ id, value: { text } }) => Effect.succeed({ facts: [cell(`copy of ${id}`, text)] })
      })
    ],
    seed: () => [num(0)],
    output: (view) => view.all(Cell).map(({ id, value }) => `${id}: ${value.text}`)
  })

/** The number that a mail is about. */
export const numberOf = ({ payload }: Engine.HandledIntent): number => (payload as { readonly n: number }).n

/** The answer to a mail. */
export const sent = (intent: Engine.HandledIntent) => [entry(String(numberOf(intent)), "sent")]

/** A handler of mails that remembers the keys that it was called with. */
export const postman = (seen: Array<string>, before: (n: number) => Effect.Effect<void> = () => Effect.void) =>
  Engine.handler("Mail", (intent) =>
    Effect.suspend(() => {
      seen.push(intent.idempotencyKey)
      return Effect.as(before(numberOf(intent)), sent(intent))
    })
  )

/** Asks for an approval once, and says what was decided. */
export const asking = (...approvals: ReadonlyArray<Intent.ApprovalOptions>) =>
  Program.make("asking", {
    input: noInput,
    agents: [
      Agent.make("asks", { execute: () => Effect.succeed({ intents: approvals.map(Intent.approval) }) }),
      Agent.make("notes", {
        each: Intent.Decision,
        writes: [Cell],
        execute: ({ id, value: { approved, by } }) => Effect.succeed({ facts: [cell(id, `${by}: ${approved}`)] })
      })
    ],
    kinds: [Num],
    output: (view) => view.all(Cell).map(({ id, value }) => `${id} by ${value.text}`)
  })

export const decide = (approval: string, approved = true, by = "Ada") =>
  Intent.Decision.of({ approval, approved, by, reason: "" })
