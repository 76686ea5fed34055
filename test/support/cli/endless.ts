/** Jobs that do not end by themselves: for signals and stray errors. */
import { Agent, Fact, Program } from "../../../src/index.ts"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const Step = Fact.kind("Step", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })
const seed = () => [Step.of({ n: 0 })]
const input = Schema.Struct({})

const wait = Agent.make("wait", {
  each: Step,
  writes: [Step],
  execute: (fact) => (fact.value.n < 2 ? Effect.succeed({ facts: [Step.of({ n: fact.value.n + 1 })] }) : Effect.never)
})

/** Commits two facts and waits for ever. */
export const waiting = Program.make("waiting", { input, seed, agents: [wait] })

/** A cancel that takes for ever. */
export const clinging = Program.make("clinging", {
  input,
  seed,
  agents: [
    Agent.make("cling", {
      each: Step,
      execute: () =>
        Effect.suspend(() => {
          console.error("running")
          return Effect.onInterrupt(Effect.never, () => Effect.never)
        })
    })
  ]
})

/** Leaves a rejection behind, and comes to its end all the same. */
export const recovering = Program.make("recovering", {
  input,
  seed,
  agents: [
    Agent.make("leaveOnce", {
      each: Step,
      execute: () =>
        Effect.delay(
          Effect.sync(() => ({ trace: void Promise.reject(new Error("nobody awaits me")) })),
          1
        )
    }),
    Agent.make("count", {
      each: Step,
      writes: [Step],
      execute: ({ value: { n } }) => Effect.delay(Effect.succeed({ facts: n < 2 ? [Step.of({ n: n + 1 })] : [] }), 100)
    })
  ]
})

const stray = (name: string, leave: () => void) =>
  Program.make(name, {
    input,
    seed,
    agents: [
      wait,
      Agent.make("leave", {
        each: Step,
        execute: (fact) =>
          Effect.sync(() => {
            if (fact.value.n === 2) leave()
            return {}
          })
      })
    ]
  })

/** Leaves a promise behind that nobody awaits. */
export const rejecting = stray("rejecting", () => void Promise.reject(new Error("nobody awaits me")))

/** Leaves a timer behind that throws. */
export const throwing = stray(
  "throwing",
  () =>
    void setTimeout(() => {
      throw new Error("nobody catches me")
    }, 1)
)

// Would keep the process alive.
setInterval(() => undefined, 1_000)
